// Results of a code search by arrow keys; the add panel with the evidence it is for.
import { isTyping } from "../keyboard.js";
import { selected } from "./cards.js";
import { current, show } from "./panels.js";
import { evidence, onEvidence } from "./selection.js";
import { documentId } from "./text.js";

const panel = () => document.querySelector("[data-add-panel]");

function fill(found) {
  const form = panel().querySelector("form");
  const quote = panel().querySelector("[data-quote]");
  form.elements.document.value = found?.document ?? documentId();
  form.elements.line_start.value = found?.lineStart ?? "";
  form.elements.line_end.value = found?.lineEnd ?? "";
  form.elements.col_start.value = found?.colStart ?? "";
  form.elements.col_end.value = found?.colEnd ?? "";
  form.elements.quote.value = found?.quote ?? "";
  quote.textContent = found?.quote ?? "";
  quote.hidden = !found;
  return form;
}

function openAdd() {
  if (!panel()) return;
  const form = fill(evidence());
  const words = (evidence()?.quote ?? "").replace(/\s+/g, " ").trim();
  form.elements.q.value = words.length <= 80 ? words : "";
  panel().querySelector(".pick-results").replaceChildren();
  show("add");
  form.elements.q.focus();
  form.elements.q.select();
  if (form.elements.q.value) window.htmx.trigger(form, "search-now");
}

onEvidence((found) => {
  if (found && current() === "add") fill(found);
});

document.addEventListener("review:add", openAdd);
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-add]")) return;
  event.preventDefault();
  openAdd();
});

// Lines written by hand stand for themselves: columns and quote of an earlier selection no longer fit.
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form || !panel()?.contains(form) || !["line_start", "line_end"].includes(event.target.name)) return;
  for (const name of ["col_start", "col_end", "quote"]) form.elements[name].value = "";
  form.elements.document.value = documentId();
  panel().querySelector("[data-quote]").hidden = true;
});

document.addEventListener("keydown", (event) => {
  const picker = event.target.closest?.("[data-picker]");
  if (!picker || event.isComposing) return;
  const input = picker.querySelector("[name='q']");
  const picks = [...picker.querySelectorAll(".pick:not(:disabled)")];
  const at = picks.indexOf(event.target);
  if (event.key === "ArrowDown" && (event.target === input || at >= 0)) {
    event.preventDefault();
    picks[Math.min(at + 1, picks.length - 1)]?.focus();
  } else if (event.key === "ArrowUp" && at >= 0) {
    event.preventDefault();
    (picks[at - 1] ?? input).focus();
  } else if (event.key === "Enter" && event.target === input && picks.length && !searching(picker)) {
    event.preventDefault();
    picks[0].focus();
  } else if (event.key === "Escape" && picker.matches("[data-add-panel]")) {
    event.preventDefault();
    show("suggestions");
    selected()?.focus({ preventScroll: true });
  } else if (at >= 0 && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
    // Letters typed on a result go on with the search.
    if (!isTyping(event.target)) input.focus();
  }
});

const searching = (picker) => picker.querySelector("form[role='search']").classList.contains("htmx-request");

// While a choice is being saved no search may draw the list anew: the form in it would be gone when its answer comes.
const chooser = (element) => element?.closest?.(".pick-results")?.closest("[data-picker]");
let choosing = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  choosing = chooser(event.detail.requestConfig?.elt) ?? choosing;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.requestConfig?.elt?.matches?.("[role='search']")) choosing = null;
});
document.addEventListener("htmx:configRequest", (event) => {
  if (choosing && event.target.matches?.("[role='search']")) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (choosing && event.detail.target?.matches?.(".pick-results")) event.detail.shouldSwap = false;
});
