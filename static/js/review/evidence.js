// Evidence of the selected code: the text that is selected becomes a place, or a place is taken away.
import { evidence, onEvidence } from "./selection.js";
import { documentId } from "./text.js";

const form = () => document.querySelector("#cards form[data-evidence]");

function fill(found) {
  const { elements } = form();
  elements.document.value = found?.document ?? documentId();
  elements.line_start.value = found?.lineStart ?? "";
  elements.line_end.value = found?.lineEnd ?? "";
  elements.col_start.value = found?.colStart ?? "";
  elements.col_end.value = found?.colEnd ?? "";
  elements.quote.value = found?.quote ?? "";
  const quote = form().querySelector("[data-quote]");
  quote.textContent = found?.quote ?? "";
  quote.hidden = !found;
}

function removal(place) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.className = "btn small";
  button.name = "remove";
  button.value = place.dataset.evidenceId;
  button.textContent = "Remove";
  button.setAttribute("aria-label", `Remove ${place.textContent.trim()}`);
  row.append(button, ` ${place.parentElement.textContent.trim()}`);
  return row;
}

document.addEventListener("review:opened", (event) => {
  const { card, slot, kind } = event.detail;
  if (kind !== "evidence") return;
  const own = slot.querySelector("form");
  slot.querySelector("[data-places]").append(...[...card.querySelectorAll("[data-evidence-id]")].map(removal));
  fill(evidence());
  own.querySelector(evidence() ? ".pri" : "[name='line_start']").focus({ preventScroll: true });
});

onEvidence((found) => {
  if (found && form()) fill(found);
});

// Lines written by hand stand for themselves, and so does a place to be removed.
document.addEventListener("input", (event) => {
  if (!event.target.form?.matches("[data-evidence]")) return;
  for (const name of ["col_start", "col_end", "quote"]) event.target.form.elements[name].value = "";
  event.target.form.querySelector("[data-quote]").hidden = true;
});
