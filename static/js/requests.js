// Every request of the page: the current CSRF token goes along (it changes at sign-in in another tab), and what
// could not be done is said.
import { clearProblem, problem } from "./announce.js";

export function csrfToken() {
  const cookie = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
  return cookie ? decodeURIComponent(cookie.slice("csrftoken=".length)) : null;
}

document.addEventListener("htmx:configRequest", (event) => {
  const token = csrfToken();
  if (token) event.detail.headers["X-CSRFToken"] = token;
});

const SAID = {
  400: "The server did not understand the request. Reload the page and try again.",
  401: "You are signed out. Sign in in another tab, then repeat the last step here.",
  403: "You may not do this, or the page is too old. Reload the page.",
  404: "This is no longer here, or no longer open to you. Go back to the worklist.",
  413: "That is too large.",
  429: "Too many requests. Wait a moment and try again.",
  503: "The database does not answer. The last step may not be saved: try again in a moment. Sent twice, it counts once.",
};

document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, successful, requestConfig } = event.detail;
  const polling = Boolean(requestConfig?.elt?.closest?.("[data-poll]"));
  if (successful) {
    if (!polling) clearProblem();
    return;
  }
  // 409 and 422 are swapped in where they happened and say it there; 0 is a lost connection (below) or a search
  // that gave way to the next letter.
  if (polling || !xhr || [0, 409, 422].includes(xhr.status)) return;
  problem(SAID[xhr.status] ?? `${lost(requestConfig)}The server failed (${xhr.status}). Try again.`);
});

const lost = (config) => (config?.verb === "post" && !config.elt?.matches?.("[role='search']") ? "Not saved. " : "");

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    const { requestConfig } = event.detail;
    if (requestConfig?.elt?.closest?.("[data-poll]")) return;
    problem(`${lost(requestConfig)}The server cannot be reached. Try again when the network is back.`);
  });
}
