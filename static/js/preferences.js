// Theme and keys change in place; without this the same forms reload the page.
import { announce } from "./announce.js";
import { csrfToken } from "./requests.js";

const APPLY = {
  theme(value) {
    if (value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
  },
  single_keys(value) {
    document.body.dataset.shortcuts = value;
  },
  // What is shown first is decided when the next encounter is opened.
  read_first() {},
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const name = form.dataset?.preference;
  if (!name || !event.submitter) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const response = await fetch(form.action, {
    method: "POST",
    body,
    redirect: "manual",
    headers: { "X-CSRFToken": csrfToken() ?? body.get("csrfmiddlewaretoken") },
  }).catch(() => null);
  if (!response || (response.type !== "opaqueredirect" && !response.ok)) {
    form.submit();
    return;
  }
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button === event.submitter));
  }
  APPLY[name](event.submitter.value);
  announce(`${form.getAttribute("aria-label")}: ${event.submitter.textContent.trim()}`);
});
