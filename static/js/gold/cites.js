// Whose evidence the ruling on the selected code takes: W goes through the choices, a selection in the text is one more.
import { announce } from "../announce.js";
import { bind } from "../keyboard.js";
import { selected } from "../review/cards.js";
import { evidence, onEvidence } from "../review/selection.js";

const SHOWN = 60;
const choices = () => selected()?.querySelector("[data-cites]") ?? null;

function choose(radio) {
  radio.checked = true;
  announce(`Evidence: ${radio.closest("label").textContent.trim()}`);
}

bind("w", {
  label: "Whose evidence the ruling takes",
  group: "Selected label",
  when: () => choices() !== null,
  run: () => {
    const radios = [...choices().querySelectorAll("input[type='radio']")].filter((each) => !each.closest("[hidden]"));
    choose(radios[(radios.findIndex((each) => each.checked) + 1) % radios.length]);
  },
});

function write(found) {
  const box = choices();
  if (!box || !found) return;
  const values = {
    document: found.document,
    line_start: found.lineStart,
    line_end: found.lineEnd,
    col_start: found.colStart,
    col_end: found.colEnd,
    quote: found.quote,
  };
  const { elements } = box.querySelector("input").form;
  for (const [name, value] of Object.entries(values)) elements[name].value = value;
  const words = found.quote.replace(/\s+/g, " ");
  box.querySelector("[data-quote]").textContent = words.length > SHOWN ? `${words.slice(0, SHOWN)}…` : words;
  const label = box.querySelector("[data-cite-selected]");
  label.hidden = false;
  label.querySelector("input").checked = true;
}

onEvidence(write);

// Enter among the selected lines, or the button beside the selected words: back to the code, with them as its evidence.
function take(event) {
  event.preventDefault();
  write(evidence());
  const box = choices();
  if (!box) return;
  announce(`Evidence: ${box.querySelector("[data-quote]").textContent}`);
  selected().focus({ preventScroll: true });
}

document.addEventListener("review:add", take);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-add]")) take(event);
});
