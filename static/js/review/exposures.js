// What the reviewer was shown: a suggestion at least half in sight for a moment, and evidence opened by selecting it.
// Sent in batches; a closed tab loses nothing (keepalive).
import { csrfToken } from "../requests.js";

const SIGHT_MS = 300;
const BATCH_MS = 1000;
const sent = new Set();
const waiting = new Map();
let shown = new Set();
let opened = new Set();
let timer = 0;

function flush() {
  window.clearTimeout(timer);
  timer = 0;
  const url = document.getElementById("review-body")?.dataset.exposures;
  if (!url || (!shown.size && !opened.size)) return;
  const body = new FormData();
  for (const id of shown) body.append("shown", id);
  for (const id of opened) body.append("opened", id);
  shown = new Set();
  opened = new Set();
  fetch(url, { method: "POST", body, keepalive: true, headers: { "X-CSRFToken": csrfToken() ?? "" } }).catch(() => {});
}

function later() {
  if (!timer) timer = window.setTimeout(flush, BATCH_MS);
}

function note(kind, id) {
  const key = `${kind} ${id}`;
  if (sent.has(key)) return;
  sent.add(key);
  (kind === "shown" ? shown : opened).add(id);
  later();
}

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const id = target.dataset.card;
      window.clearTimeout(waiting.get(id));
      waiting.delete(id);
      if (isIntersecting && !sent.has(`shown ${id}`)) {
        waiting.set(
          id,
          window.setTimeout(() => note("shown", id), SIGHT_MS),
        );
      }
    }
  },
  { threshold: 0.5 },
);

function watch() {
  observer.disconnect();
  for (const card of document.querySelectorAll("#cards > .card")) observer.observe(card);
}

document.addEventListener("review:selected", (event) => {
  const { id, card } = event.detail;
  note("shown", id);
  if (card.querySelector("[data-place]")) note("opened", id);
});
// One answer swaps many pieces; the cards are looked over once after the last of them.
let watching = 0;
function watchSoon() {
  window.clearTimeout(watching);
  watching = window.setTimeout(watch);
}

document.addEventListener("htmx:afterSwap", watchSoon);
document.addEventListener("htmx:oobAfterSwap", watchSoon);
// A decision records what had been shown before it.
document.addEventListener("htmx:beforeRequest", flush);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) flush();
});
window.addEventListener("pagehide", flush);
watch();
