// Find in the text of the document shown. Places are painted without touching the text (custom highlights).
import { selected } from "./cards.js";
import { reveal } from "./text.js";

let places = [];
let at = -1;

const bar = () => document.querySelector("[data-find]");
const painter = window.CSS?.highlights && window.Highlight ? window.CSS.highlights : null;

function rangeIn(tx, start, end) {
  const range = document.createRange();
  const walker = document.createTreeWalker(tx, NodeFilter.SHOW_TEXT);
  let passed = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.data.length;
    if (passed <= start && start < passed + length) range.setStart(node, start - passed);
    if (passed < end && end <= passed + length) {
      range.setEnd(node, end - passed);
      return range;
    }
    passed += length;
  }
  return range;
}

function paint() {
  for (const line of document.querySelectorAll("#lines .found")) line.classList.remove("found");
  for (const place of places) place.line.classList.add("found");
  painter?.delete("find");
  painter?.delete("find-now");
  if (painter && places.length) {
    painter.set("find", new Highlight(...places.map((place) => place.range)));
    if (at >= 0) {
      const now = new Highlight(places[at].range);
      now.priority = 1;
      painter.set("find-now", now);
    }
  }
  const words = bar()?.querySelector("input").value.trim();
  const count = bar()?.querySelector("[data-find-count]");
  if (count) count.textContent = !words ? "" : places.length ? `${at + 1} of ${places.length}` : "not found";
  bar()?.classList.toggle("is-open", Boolean(words));
}

function go(step) {
  if (!places.length) return;
  at = (at + step + places.length) % places.length;
  reveal(places[at].line);
  paint();
}

function search() {
  const words = bar().querySelector("input").value.trim().toLowerCase();
  places = [];
  at = -1;
  if (words) {
    for (const line of document.querySelectorAll("#lines .ln")) {
      const tx = line.querySelector(".tx");
      const text = tx.textContent.toLowerCase();
      // Lower case may change a text's length (İ); such a line is left out rather than painted in the wrong place.
      if (text.length !== tx.textContent.length) continue;
      for (let from = text.indexOf(words); from >= 0; from = text.indexOf(words, from + words.length)) {
        places.push({ line, range: rangeIn(tx, from, from + words.length) });
      }
    }
  }
  if (places.length) go(1);
  else paint();
}

document.addEventListener("input", (event) => {
  if (event.target.closest?.("[data-find]")) search();
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches?.("[data-find]")) return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("[data-find]");
  if (!form || event.isComposing) return;
  if (event.key === "Enter" && event.target.matches("input")) {
    event.preventDefault();
    go(event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape") {
    event.preventDefault();
    form.querySelector("input").value = "";
    search();
    selected()?.focus({ preventScroll: true });
  }
});
document.addEventListener("click", (event) => {
  const step = event.target.closest?.("[data-find-step]");
  if (step) go(Number(step.dataset.findStep));
});

function ready() {
  if (bar()) bar().hidden = false;
}
document.addEventListener("htmx:afterSwap", (event) => {
  if (!["document", "review-body"].includes(event.detail.target?.id)) return;
  places = [];
  at = -1;
  ready();
  paint();
});
ready();
