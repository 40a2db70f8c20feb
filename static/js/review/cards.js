// Which suggestion is selected: by key, by pointer, from the text. Others listen to "review:selected" on document.
import { bind } from "../keyboard.js";
import { equip } from "./controls.js";

let selectedId = null;

const list = () => document.getElementById("cards");

export const cards = () => [...(list()?.querySelectorAll(".card") ?? [])];

export const cardOf = (id) => document.getElementById(`entry-${id}`);

export const selected = () => (selectedId === null ? null : cardOf(selectedId));

function shown(card) {
  const filter = list().dataset.filter;
  return !filter || card.dataset.band === filter;
}

// Draws the selection on the page's present nodes; after a swap the nodes are new.
export function mark(id) {
  selectedId = id;
  for (const card of cards()) {
    const on = card.dataset.card === id;
    card.classList.toggle("is-selected", on);
    card.toggleAttribute("data-key-active", on);
    if (on) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
    card.tabIndex = on ? 0 : -1;
    if (on) equip(card);
  }
}

export function select(card, { focus = true, place = null } = {}) {
  if (!card) return;
  const changed = card.dataset.card !== selectedId;
  if (changed) selected()?.querySelector("[data-slot]")?.replaceChildren();
  mark(card.dataset.card);
  if (focus) card.focus({ preventScroll: true });
  const detail = { id: card.dataset.card, card, changed, place };
  document.dispatchEvent(new CustomEvent("review:selected", { detail }));
  card.scrollIntoView({ block: "nearest" });
}

export function move(step) {
  const all = cards().filter(shown);
  if (!all.length) return;
  const at = all.indexOf(selected());
  select(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
}

// The next undecided one after `id` in the list, else the first undecided before it.
export function nextUndecided(id) {
  const all = cards();
  const at = all.findIndex((card) => card.dataset.card === id);
  const open = (card) => card.dataset.state === "undecided" && shown(card);
  return all.slice(at + 1).find(open) ?? all.slice(0, Math.max(at, 0)).find(open) ?? null;
}

export function setFilter(band) {
  if (!list()) return;
  if (band) list().dataset.filter = band;
  else delete list().dataset.filter;
  for (const chip of document.querySelectorAll("[data-band][role='button']")) {
    chip.setAttribute("aria-pressed", String(chip.dataset.band === band));
  }
  const now = selected();
  if (!now || !shown(now)) select(cards().find(shown), { focus: false });
}

document.addEventListener("click", (event) => {
  const chip = event.target.closest?.("a[data-band]");
  if (chip) {
    event.preventDefault();
    setFilter(chip.dataset.band);
    return;
  }
  const link = event.target.closest?.("[data-select]");
  if (link) {
    event.preventDefault();
    select(link.dataset.select ? cardOf(link.dataset.select) : link.closest(".card"));
    return;
  }
  const card = event.target.closest?.(".card");
  if (!card || event.target.closest("a, button, input, select, textarea, label")) return;
  if (!window.getSelection().toString()) select(card);
});

// Tabbing or tapping into a card selects it, so that its keys and what the text shows belong together.
document.addEventListener("focusin", (event) => {
  const card = event.target.closest?.(".card");
  if (card && card.dataset.card !== selectedId) select(card, { focus: false });
});

// Links drawn as buttons answer to Space as buttons do.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches?.("a[role='button']")) return;
  event.preventDefault();
  event.target.click();
});

// The panel of findings has its own way up and down.
const when = () => document.getElementById("panel-findings")?.hidden !== false;
bind("j", { label: "Next code", group: "Codes", when, run: () => move(1), repeat: true });
bind("k", { label: "Code before", group: "Codes", when, run: () => move(-1), repeat: true });
bind("x", {
  label: "Next undecided",
  group: "Codes",
  when,
  run: () => select(nextUndecided(selectedId ?? "")),
  repeat: true,
});

// Start: what the server selected, else the first that waits.
const first = document.querySelector("#cards .card.is-selected") ?? nextUndecided("") ?? cards()[0];
if (first) {
  const pointed = new URLSearchParams(window.location.search).has("document");
  window.queueMicrotask(() => select(first, { focus: !pointed, place: pointed ? "stay" : null }));
}
