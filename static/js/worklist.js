// The worklist by keyboard: J and K move over the rows, Enter opens; a click anywhere in a row opens it too.
import { bind } from "./keyboard.js";

let current = null;

function rows() {
  return [...document.querySelectorAll("tr[data-row]")];
}

function select(row) {
  if (!row) return;
  for (const other of rows()) other.classList.toggle("sel", other === row);
  current = row.dataset.row;
  row.querySelector("a")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.row === current);
  select(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
}

bind("j", { label: "Next row", group: "Worklist", run: () => move(1), repeat: true });
bind("k", { label: "Row before", group: "Worklist", run: () => move(-1), repeat: true });

document.addEventListener("click", (event) => {
  const row = event.target.closest?.("tr[data-row]");
  if (!row || event.target.closest("a, button") || window.getSelection().toString()) return;
  row.querySelector("a.name")?.click();
});

// The table was drawn anew by polling: the row that was selected stays so, without taking the focus from elsewhere.
document.addEventListener("htmx:afterSwap", () => {
  if (!current) return;
  const row = rows().find((each) => each.dataset.row === current);
  row?.classList.add("sel");
  if (document.activeElement === document.body) row?.querySelector("a")?.focus({ preventScroll: true });
});
