// Tells what happened: quietly to assistive technology, or as a notice when something was not saved.
const live = document.getElementById("live");
const notice = document.getElementById("notice");

// The text is cleared first, so that the same words twice in a row are spoken twice.
export function announce(text) {
  if (!live) return;
  live.textContent = "";
  window.setTimeout(() => (live.textContent = text), 60);
}

export function problem(text) {
  if (!notice) return;
  notice.querySelector("[data-notice-text]").textContent = text;
  notice.hidden = false;
}

export function clearProblem() {
  if (notice) notice.hidden = true;
}

notice?.querySelector("[data-notice-close]").addEventListener("click", clearProblem);
