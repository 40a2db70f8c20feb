// Active seconds of the coder: scrolling, keys and pointer count, until the idle cut-off. Sent every 30 s; while
// nobody works the request marks itself as polling, so that session and lease run out as they should.
import { problem } from "../announce.js";
import { csrfToken } from "../requests.js";

const SEND_MS = 30_000;
let last = Date.now();
let seconds = 0;
let sentAt = Date.now();

const body = () => document.getElementById("review-body");

for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "touchmove", "scroll"]) {
  document.addEventListener(name, () => (last = Date.now()), { capture: true, passive: true });
}

window.setInterval(() => {
  const idle = Number(body()?.dataset.idleSeconds ?? 0) * 1000;
  if (!document.hidden && Date.now() - last < idle) seconds += 1;
}, 1000);

async function send({ leaving = false } = {}) {
  const url = body()?.dataset.active;
  if (!url || (leaving && !seconds)) return;
  const form = new FormData();
  form.append("seconds", String(seconds));
  const headers = { "X-CSRFToken": csrfToken() ?? "" };
  if (last < sentAt) headers["X-Poll"] = "1";
  const counted = seconds;
  seconds = 0;
  sentAt = Date.now();
  const response = await fetch(url, { method: "POST", body: form, headers, keepalive: true }).catch(() => null);
  if (!response) {
    seconds += counted;
  } else if (response.ok && !response.redirected) {
    const line = document.getElementById("lease");
    if (line) line.textContent = await response.text();
  } else if (response.status === 409) {
    problem("The encounter is no longer yours. What was saved is kept; reload the page.");
  }
}

window.setInterval(send, SEND_MS);
window.addEventListener("pagehide", () => send({ leaving: true }));
