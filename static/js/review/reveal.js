// Read first: the suggestions come when the end of the text was in sight for a moment, or by the button.
import { nextUndecided, select } from "./cards.js";

const REST_MS = 1500;
let timer = 0;

const hidden = () => document.getElementById("review-body")?.dataset.hidden === "1";

function atEnd() {
  const box = document.querySelector("[data-text]");
  const last = document.querySelector("#lines > :last-child");
  return Boolean(box && last) && last.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom;
}

function look() {
  if (!hidden()) return;
  if (!atEnd()) {
    window.clearTimeout(timer);
    timer = 0;
  } else if (!timer) {
    timer = window.setTimeout(() => {
      const form = document.querySelector("form[data-reveal]");
      if (!form || !atEnd()) return;
      form.elements.scrolled.value = "1";
      form.requestSubmit();
    }, REST_MS);
  }
}

// Revealed: the first that waits is selected, as on a page that begins with suggestions.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.detail.requestConfig?.elt?.matches?.("[data-reveal]")) select(nextUndecided(""));
});

document.addEventListener("scroll", look, { capture: true, passive: true });
look();
