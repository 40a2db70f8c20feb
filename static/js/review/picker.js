// Results of a code search by arrow keys. What is chosen from is always what the words in the field have found:
// Enter or Down before the answer is there goes to the first result when it comes.
import { openChoices } from "../hit-options.js";
import { isTyping } from "../keyboard.js";

// For each picker the words its list stands for, and whether its first result is waited for.
const listed = new WeakMap();
const awaited = new WeakSet();

const pickerOf = (element) => element?.closest?.("[data-picker]") ?? null;
const searchOf = (picker) => picker.querySelector("form[role='search']");
const picksOf = (picker) => [...picker.querySelectorAll(".pick:not(:disabled)")];

export function clear(picker) {
  picker.querySelector(".pick-results").replaceChildren();
  listed.delete(picker);
  awaited.delete(picker);
}

function goToFirst(picker) {
  const form = searchOf(picker);
  if (listed.get(picker) === form.elements.q.value) {
    picksOf(picker)[0]?.focus();
    return;
  }
  awaited.add(picker);
  form.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  const picker = pickerOf(event.target);
  if (!picker || event.isComposing || event.defaultPrevented) return;
  const input = searchOf(picker).elements.q;
  const picks = picksOf(picker);
  const at = picks.indexOf(event.target);
  if (event.target === input && (event.key === "ArrowDown" || event.key === "Enter")) {
    event.preventDefault();
    if (!event.repeat) goToFirst(picker);
  } else if (event.key === "ArrowDown" && at >= 0) {
    event.preventDefault();
    picks[Math.min(at + 1, picks.length - 1)].focus();
  } else if (event.key === "ArrowUp" && at >= 0) {
    event.preventDefault();
    (picks[at - 1] ?? input).focus();
  } else if (at >= 0 && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
    // Letters typed on a result go on with the search.
    if (!isTyping(event.target)) input.focus();
  }
});

// A code that is not complete leads to what completes it: its own choices, else the codes that begin with it.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-refine]");
  const picker = pickerOf(button);
  if (!picker) return;
  event.preventDefault();
  if (button.matches(".pick") && openChoices(button)) return;
  searchOf(picker).elements.q.value = button.dataset.refine;
  goToFirst(picker);
});

document.addEventListener("input", (event) => {
  if (event.target.name === "q") awaited.delete(pickerOf(event.target));
});

// While a choice is being saved no search may draw the list anew: the form in it would be gone when its answer comes.
let choosing = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  const elt = event.detail.requestConfig?.elt;
  if (elt?.closest?.(".pick-results")) choosing = pickerOf(elt);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.requestConfig?.elt?.matches?.("[role='search']")) choosing = null;
});
document.addEventListener("htmx:configRequest", (event) => {
  const picker = pickerOf(event.target);
  if (!picker || !event.target.matches("[role='search']")) return;
  // The pause after the last letter may end when its words have been searched for already.
  if (choosing || listed.get(picker) === event.target.elements.q.value) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (choosing && event.detail.target?.matches?.(".pick-results")) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSwap", (event) => {
  const picker = pickerOf(event.detail.target);
  if (!picker || !event.detail.target.matches(".pick-results")) return;
  listed.set(picker, event.detail.requestConfig.parameters.q ?? "");
  if (!awaited.has(picker)) return;
  awaited.delete(picker);
  picksOf(picker)[0]?.focus();
});
