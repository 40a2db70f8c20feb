// The panel that adds a code, with the evidence it is added for.
import { selected } from "./cards.js";
import { current, show } from "./panels.js";
import { clear } from "./picker.js";
import { evidence, onEvidence } from "./selection.js";
import { documentId } from "./text.js";

const FIELDS = ["document", "line_start", "line_end", "col_start", "col_end", "quote"];

const panel = () => document.querySelector("[data-add-panel]");
const search = () => panel().querySelector("form[role='search']");

// Results that are listed already carry the evidence too.
function write(values) {
  for (const form of panel().querySelectorAll("form")) {
    for (const name of FIELDS) if (form.elements[name]) form.elements[name].value = values[name];
  }
  const quote = panel().querySelector("[data-quote]");
  quote.textContent = values.quote;
  quote.hidden = !values.quote;
}

function fill(found) {
  write({
    document: found?.document ?? documentId(),
    line_start: found?.lineStart ?? "",
    line_end: found?.lineEnd ?? "",
    col_start: found?.colStart ?? "",
    col_end: found?.colEnd ?? "",
    quote: found?.quote ?? "",
  });
}

function open() {
  if (!panel()) return;
  clear(panel());
  fill(evidence());
  const words = (evidence()?.quote ?? "").replace(/\s+/g, " ").trim();
  const { q } = search().elements;
  q.value = words.length <= 80 ? words : "";
  show("add");
  q.focus();
  q.select();
  if (q.value) window.htmx.trigger(search(), "search-now");
}

onEvidence((found) => {
  if (found && current() === "add") fill(found);
});

document.addEventListener("review:add", open);
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-add]")) return;
  event.preventDefault();
  open();
});

// Lines written by hand stand for themselves: columns and quote of an earlier selection no longer fit.
document.addEventListener("input", (event) => {
  const { form, name } = event.target;
  if (!form || !panel()?.contains(form) || !["line_start", "line_end"].includes(name)) return;
  write({
    document: documentId(),
    line_start: form.elements.line_start.value,
    line_end: form.elements.line_end.value,
    col_start: "",
    col_end: "",
    quote: "",
  });
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !panel()?.contains(event.target)) return;
  event.preventDefault();
  show("suggestions");
  selected()?.focus({ preventScroll: true });
});
