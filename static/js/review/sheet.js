// On a narrow screen the suggestions are a sheet under the text: one button makes it larger, smaller, or low.
const SIZES = ["half", "high", "low"];

document.addEventListener("click", (event) => {
  const handle = event.target.closest?.("[data-sheet]");
  if (!handle) return;
  const now = document.body.dataset.sheetSize ?? "half";
  const next = SIZES[(SIZES.indexOf(now) + 1) % SIZES.length];
  document.body.dataset.sheetSize = next;
  handle.setAttribute("aria-expanded", String(next !== "low"));
});
