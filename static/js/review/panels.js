// Tabs of the right side. Without this they are links that load the page with another panel.
import { selected } from "./cards.js";

const NAMES = ["suggestions", "add", "codes", "findings", "history", "sign-off"];

export const current = () => NAMES.find((name) => document.getElementById(`panel-${name}`)?.hidden === false);

function syncTabs() {
  const name = current();
  for (const tab of document.querySelectorAll("#tabs [role='tab']")) {
    const on = tab.id === `tab-${name}` || (name === "add" && tab.id === "tab-suggestions");
    tab.setAttribute("aria-selected", String(on));
  }
}

export function show(name) {
  for (const each of NAMES) {
    const panel = document.getElementById(`panel-${each}`);
    if (panel) panel.hidden = each !== name;
  }
  syncTabs();
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.("#tabs [role='tab']");
  const link = event.target.closest?.("a[data-panel]");
  const name = tab ? tab.id.replace("tab-", "") : link?.dataset.panel;
  if (!name) return;
  event.preventDefault();
  show(name);
  if (tab) {
    if (name === "suggestions" && selected()) selected().focus({ preventScroll: true });
    else tab.focus({ preventScroll: true });
    if (name !== "findings") return;
  }
  wanted = link?.dataset.findingOf ?? "";
  awaited = !enter(document.getElementById(`panel-${name}`));
});

// A panel that is drawn when it is looked at is entered when it has come.
let awaited = false;
let wanted = "";
document.addEventListener("htmx:load", (event) => {
  const panel = event.detail.elt.closest?.(".panel-body");
  if (awaited && panel && !panel.hidden) awaited = !enter(panel);
});

// The focus goes to what is missing or to be done there; whether there was anything.
function enter(panel) {
  const first =
    findingToShow(panel) ??
    panel.querySelector("select.missing") ??
    panel.querySelector("[data-sign] button, summary, a, button, select, input:not([type='hidden'])");
  first?.focus({ preventScroll: true });
  first?.scrollIntoView({ block: "nearest" });
  return Boolean(first);
}

// Of the findings the one that was asked for, else one about the selected code, else the first.
function findingToShow(panel) {
  const all = [...panel.querySelectorAll("[data-finding]")];
  const of = (finding) => finding.dataset.entries.split(" ").includes(selected()?.dataset.card);
  return all.find((finding) => finding.id === wanted) ?? all.find(of) ?? all[0];
}

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("#tabs [role='tab']");
  if (!tab || (event.key !== "ArrowRight" && event.key !== "ArrowLeft")) return;
  const tabs = [...document.querySelectorAll("#tabs [role='tab']")];
  const at = tabs.indexOf(tab) + (event.key === "ArrowRight" ? 1 : -1);
  const next = tabs[(at + tabs.length) % tabs.length];
  event.preventDefault();
  next.click();
  document.getElementById(next.id).focus();
});

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target?.id === "tabs") syncTabs();
});
