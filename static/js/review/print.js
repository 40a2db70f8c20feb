// On paper the code set stands under the text. After a decision it is drawn only when it is looked at, so it is
// fetched here before the page is laid out for the printer; the printer does not wait, hence the synchronous request.
window.addEventListener("beforeprint", () => {
  const panel = document.getElementById("code-set");
  const address = panel?.getAttribute("hx-get");
  if (!address) return;
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  request.setRequestHeader("HX-Request", "true");
  request.setRequestHeader("HX-Target", "code-set");
  try {
    request.send();
  } catch {
    return;
  }
  const answer = new DOMParser().parseFromString(request.responseText, "text/html");
  const fresh = request.status === 200 ? answer.getElementById("code-set") : null;
  if (!fresh) return;
  panel.replaceWith(document.adoptNode(fresh));
  window.htmx.process(fresh);
});
