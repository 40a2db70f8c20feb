// The text: shows the selected suggestion's evidence, finds the suggestion behind a mark, strip, outline, documents.
import { bind } from "../keyboard.js";
import { cardOf, cards, mark as markCard, select, selected } from "./cards.js";

export const textBox = () => document.querySelector("[data-text]");
export const lineOf = (number) => document.getElementById(`L${number}`);
export const documentId = () => document.getElementById("document")?.dataset.document ?? "";

let placeAt = 0;

// Scrolls only when the line is not already in comfortable sight.
export function reveal(element) {
  const box = textBox();
  if (!box || !element) return;
  const outer = box.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  // The document's heading stays above its lines; on a narrow screen it takes much of the little there is.
  const top = Math.max(70, (document.querySelector(".dochead")?.offsetHeight ?? 0) + 8);
  if (inner.top > outer.top + top && inner.bottom < outer.top + outer.height * 0.8) return;
  box.scrollTop += inner.top - outer.top - Math.max(top, outer.height * 0.3);
}

export async function openDocument(id) {
  if (!id || id === documentId()) return;
  await window.htmx.ajax("GET", `?document=${id}`, { target: "#document", swap: "outerHTML" });
}

function markEvidence(id) {
  for (const mark of document.querySelectorAll("#lines mark.sel")) mark.classList.remove("sel");
  for (const line of document.querySelectorAll("#lines .ln.sel")) line.classList.remove("sel");
  if (!id) return null;
  const marks = [...document.querySelectorAll(`#lines mark[data-e~="${id}"]`)];
  for (const mark of marks) {
    mark.classList.add("sel");
    mark.closest(".ln").classList.add("sel");
  }
  return marks[0] ?? null;
}

async function goTo(place, id) {
  await openDocument(place.dataset.document);
  markEvidence(id);
  const line = lineOf(place.dataset.line);
  const mark = line?.querySelector(`mark[data-e~="${id}"]`);
  if (line && !mark) line.classList.add("sel");
  reveal(mark ?? line);
}

document.addEventListener("review:selected", async (event) => {
  const { id, card, changed, place } = event.detail;
  if (changed) placeAt = 0;
  if (place === "stay") {
    markEvidence(id);
    return;
  }
  const places = [...card.querySelectorAll("[data-place]")];
  const here = places.find((each) => each.dataset.document === documentId());
  const target = place ?? here ?? places[0];
  if (target) await goTo(target, id);
  else markEvidence(id);
});

bind("e", {
  label: "Next place of the evidence",
  group: "Codes",
  run: () => {
    const card = selected();
    const places = [...(card?.querySelectorAll("[data-place]") ?? [])];
    if (!places.length) return;
    placeAt = (placeAt + 1) % places.length;
    goTo(places[placeAt], card.dataset.card);
  },
});

// The document asked for by key and not yet here: quick steps count from it, not from the one still shown.
let heading = null;

function stepDocument(step) {
  const links = [...document.querySelectorAll("#rail [data-document]")];
  const here = (link) => (heading ? link.dataset.document === heading : link.hasAttribute("aria-current"));
  const next = links[links.findIndex(here) + step];
  if (!next) return;
  heading = next.dataset.document;
  next.click();
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr?.status && event.detail.target?.id === "document") heading = null;
});

bind("]", { label: "Next document", group: "Documents", run: () => stepDocument(1) });
bind("[", { label: "Document before", group: "Documents", run: () => stepDocument(-1) });

document.addEventListener("click", (event) => {
  const place = event.target.closest?.("[data-place]");
  if (place) {
    event.preventDefault();
    select(place.closest(".card"), { place });
    return;
  }
  const section = event.target.closest?.("#outline a");
  if (section) {
    event.preventDefault();
    const box = textBox();
    const line = lineOf(section.dataset.line);
    if (line) box.scrollTop += line.getBoundingClientRect().top - box.getBoundingClientRect().top - 64;
    box.focus({ preventScroll: true });
    return;
  }
  const strip = event.target.closest?.("#strip");
  if (strip) {
    const box = textBox();
    const share = (event.clientY - strip.getBoundingClientRect().top) / strip.clientHeight;
    box.scrollTop = share * box.scrollHeight - box.clientHeight / 2;
    return;
  }
  const mark = event.target.closest?.("#lines mark");
  if (mark && !window.getSelection().toString()) {
    // Overlapping evidence: each click goes to the next code behind the same words.
    const ids = mark.dataset.e.split(" ");
    const at = ids.indexOf(selected()?.dataset.card);
    const id = ids[(at + 1) % ids.length];
    if (cardOf(id)) select(cardOf(id), { place: "stay" });
  }
});

// A line that an act has marked anew says what its tick is now.
function setTicks() {
  const strip = document.getElementById("strip");
  for (const line of document.querySelectorAll("#lines [data-tick]")) {
    const { line: number, tick: state } = line.dataset;
    line.removeAttribute("data-tick");
    let tick = strip?.querySelector(`[data-line="${number}"]`);
    if (!state) tick?.remove();
    if (!state || !strip) continue;
    if (!tick) {
      tick = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const place = { "data-line": number, x: 2, width: 10, height: 3, rx: 1.5 };
      for (const [name, value] of Object.entries(place)) tick.setAttribute(name, value);
      strip.prepend(tick);
    }
    tick.setAttribute("class", state);
  }
}

// Strip and outline follow what is really drawn: wrapped lines make a document longer than its line count says.
function layStrip() {
  const box = textBox();
  const strip = document.getElementById("strip");
  if (!box || !strip || !document.getElementById("lines")) return;
  // All places are measured before the first is written: each measuring after a change would lay the text out anew.
  const height = box.scrollHeight;
  const places = [...strip.querySelectorAll("[data-line]")].map((tick) => {
    const line = lineOf(tick.dataset.line);
    return [tick, line ? line.offsetTop + line.offsetHeight / 2 : null];
  });
  for (const [tick, top] of places) {
    if (top !== null) tick.setAttribute("y", `${(100 * top) / height}%`);
  }
  follow();
}

function follow() {
  const box = textBox();
  const view = document.querySelector("#strip .view");
  if (!box || !view) return;
  const { scrollTop, scrollHeight, clientHeight } = box;
  const links = [...document.querySelectorAll("#outline a")];
  const now = links.findLast((link) => (lineOf(link.dataset.line)?.offsetTop ?? Infinity) <= scrollTop + 90);
  view.setAttribute("y", `${(100 * scrollTop) / scrollHeight}%`);
  view.setAttribute("height", `${Math.min(100, (100 * clientHeight) / scrollHeight)}%`);
  for (const link of links) {
    if (link === now) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

let waiting = false;
document.addEventListener(
  "scroll",
  (event) => {
    if (waiting || event.target !== textBox()) return;
    waiting = true;
    window.requestAnimationFrame(() => {
      waiting = false;
      follow();
    });
  },
  { capture: true, passive: true },
);
window.addEventListener("resize", layStrip);
document.fonts?.ready.then(layStrip);
layStrip();

// The same document drawn anew keeps its place.
let kept = null;
document.addEventListener("htmx:beforeSwap", () => {
  kept = { id: documentId(), top: textBox()?.scrollTop ?? 0 };
});
document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target?.id;
  if (target === "document" || target === "review-body") {
    if (kept?.id === documentId() && textBox()) textBox().scrollTop = kept.top;
    const address = new URL(window.location.href);
    address.searchParams.set("document", documentId());
    window.history.replaceState(null, "", address);
  }
  const now = selected() ?? (target === "review-body" ? cards()[0] : null);
  if (now) markCard(now.dataset.card);
  markEvidence(now?.dataset.card);
  setTicks();
  layStrip();
});
