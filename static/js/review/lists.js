// Role and POA by keyboard: the arrows only look through a list. Enter saves what stands there, in a card it also
// gives the keys back to the card; leaving the list saves too; Escape puts back what stood there. Without this every
// step of an arrow would be a decision, and quick steps would overtake each other. POA is chosen by its letter and saved
// at once (E is exempt); in the code set the next line without one follows.
const LISTS = ".card .act select, #code-set .setform select";
let byKey = false;
let list = null;
let stood = "";

const isList = (element) => element instanceof HTMLSelectElement && element.matches(LISTS);

function save() {
  if (!list || list.value === stood) return;
  stood = list.value;
  byKey = false;
  list.dispatchEvent(new Event("change", { bubbles: true }));
}

const POA = { y: "Y", n: "N", u: "U", w: "W", e: "1" };
let from = "";

// The next line of the code set that lacks its POA, else the same one.
function nextMissing() {
  const all = [...document.querySelectorAll("#code-set select[name='poa']")];
  const at = all.findIndex((each) => each.id === from);
  const missing = (each) => !each.value;
  (all.slice(at + 1).find(missing) ?? all.find(missing) ?? all[at])?.focus();
  from = "";
}

function choose(poa, letter) {
  const card = poa.closest(".card");
  const changed = poa.value !== letter;
  poa.value = letter;
  if (!card) from = poa.id;
  save();
  if (card) card.focus({ preventScroll: true });
  else if (!changed) nextMissing();
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (from && event.detail.requestConfig?.elt?.matches?.(".setform")) nextMissing();
});

document.addEventListener("focusin", (event) => {
  if (!isList(event.target)) return;
  list = event.target;
  stood = list.value;
});
document.addEventListener("focusout", (event) => {
  if (event.target !== list) return;
  save();
  list = null;
});
document.addEventListener("pointerdown", () => (byKey = false), { capture: true });
document.addEventListener(
  "change",
  (event) => {
    if (!isList(event.target)) return;
    if (byKey) event.stopPropagation();
    else if (event.target === list) stood = list.value;
  },
  { capture: true },
);
document.addEventListener("keydown", (event) => {
  if (!isList(event.target) || event.isComposing) return;
  const letter = event.target.name === "poa" && !event.ctrlKey && !event.metaKey && !event.altKey && POA[event.key.toLowerCase()];
  if (letter) {
    event.preventDefault();
    choose(event.target, letter);
    return;
  }
  if (event.key !== "Enter" && event.key !== "Escape") {
    byKey = true;
    return;
  }
  event.preventDefault();
  if (event.key === "Escape") event.target.value = stood;
  save();
  event.target.closest(".card")?.focus({ preventScroll: true });
});
