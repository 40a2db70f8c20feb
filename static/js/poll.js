// Polling marks its requests, so that the server lets neither session nor lease live longer for them,
// and rests while the tab is hidden. An element polls when data-poll stands on it or round it.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.closest?.("[data-poll]")) return;
  if (document.hidden) {
    event.preventDefault();
    return;
  }
  event.detail.headers["X-Poll"] = "1";
});
