// Role and POA by keyboard: the arrows only look through a list. Enter saves what stands there, in a card it also
// gives the keys back to the card; leaving the list saves too; Escape puts back what stood there. Without this every
// step of an arrow would be a decision, and quick steps would overtake each other.
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
  if (event.key !== "Enter" && event.key !== "Escape") {
    byKey = true;
    return;
  }
  event.preventDefault();
  if (event.key === "Escape") event.target.value = stood;
  save();
  event.target.closest(".card")?.focus({ preventScroll: true });
});
