// What a hit leaves open (side, 7th character) by keyboard. On a hit, Right goes to its choices; among them Left and
// Right, in the opened list also Up and Down; a letter goes to its 7th character; Left before the first goes back.
const mainOf = (row) => row.querySelector(".hit:not(:disabled), .pick:not(:disabled)");

function enter(element) {
  const details = element.matches(".hit-option") ? element.closest("details") : null;
  if (details) details.open = true;
  element.focus();
}

// Opens the choices of the hit that the element is; false where it has none.
export function openChoices(main) {
  const first = main.closest("[data-hit]")?.querySelector(".hit-option");
  if (first) enter(first);
  return Boolean(first);
}

function nextHit(row) {
  const rows = [...(row.closest("[data-hits], .pick-results") ?? row.parentElement).querySelectorAll("[data-hit]")];
  return rows.slice(rows.indexOf(row) + 1).map(mainOf).find(Boolean) ?? null;
}

function goal(event, row) {
  const { key, target } = event;
  const main = mainOf(row);
  const choices = [...row.querySelectorAll(".hit-option")];
  const onSummary = target.matches(".hit-options > summary");
  // On the heading of the list one stands before its first choice.
  const at = onSummary ? choices.indexOf(target.parentElement.querySelector(".hit-option")) - 0.5 : choices.indexOf(target);
  if (target === main) return key === "ArrowRight" ? choices[0] : null;
  if (at === -1) return null;
  const after = choices[Math.floor(at + 1)];
  const before = choices[Math.ceil(at - 1)] ?? main;
  const inList = onSummary || target.closest("details") !== null;
  if (key === "ArrowRight") return after ?? target;
  if (key === "ArrowLeft") return before;
  if (key === "ArrowDown") return (inList && after) || nextHit(row) || target;
  if (key === "ArrowUp") return inList ? before : main;
  if (key.length !== 1) return null;
  return choices.find((one) => one.dataset.character === key.toUpperCase()) ?? target;
}

// Before every other listener: on a choice a letter is its 7th character, never a shortcut of the page.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.key === " ") return;
    const row = event.target.closest?.("[data-hit]");
    const next = row ? goal(event, row) : null;
    if (!next) return;
    event.preventDefault();
    enter(next);
  },
  { capture: true },
);
