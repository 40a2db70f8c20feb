// After a decision: say what was saved, keep the focus, select what comes next. The server swaps in what changed.
import { announce } from "../announce.js";
import { cardOf, mark, nextUndecided, select, selected } from "./cards.js";
import { current, show } from "./panels.js";
import { documentId } from "./text.js";

// Which document is shown is known here only: the text is changed without drawing the forms anew.
document.addEventListener("htmx:configRequest", (event) => {
  const { parameters, verb } = event.detail;
  if (verb !== "post" || !event.target.closest?.("#review-body, #progress")) return;
  // Evidence to add names the document it was selected in.
  if (!parameters.line_start) parameters.document = documentId();
  // The panel in sight is drawn at once; others when they are looked at.
  parameters.panel = current() ?? "";
  // Cards that show findings: the answer draws theirs again, also where none is left.
  const found = [...document.querySelectorAll("#cards [data-found]")].map((each) => each.dataset.found);
  if (found.length) parameters.found = found.join(" ");
});

let focused = "";
document.addEventListener("htmx:beforeRequest", () => {
  focused = document.activeElement?.id ?? "";
});

function restoreFocus() {
  if (document.activeElement && document.activeElement !== document.body) return;
  const same = focused ? document.getElementById(focused) : null;
  if (same && !same.disabled) same.focus({ preventScroll: true });
  else selected()?.focus({ preventScroll: true });
}

document.addEventListener("htmx:afterRequest", (event) => {
  // detail.elt is the nearest element still on the page; the form itself was swapped away with its card.
  const { xhr, requestConfig } = event.detail;
  const elt = requestConfig?.elt;
  if (requestConfig?.verb !== "post" || !xhr) return;
  if (!elt?.matches?.("form:not([role='search'], [data-reveal])")) return;
  const saved = xhr.status >= 200 && xhr.status < 300;
  const refused = xhr.status === 409 || xhr.status === 422;
  if (!saved && !refused) return;
  const id = selected()?.dataset.card ?? elt.closest(".card")?.dataset.card;
  const outcome = document.getElementById("outcome");
  const said = outcome?.dataset.said ?? "";
  if (said) announce(said);
  if (id) mark(id);
  if (refused) {
    if (current() === "add") return;
    cardOf(id)?.querySelector("[role='alert']")?.scrollIntoView({ block: "nearest" });
    restoreFocus();
    return;
  }
  const target = outcome?.dataset.select ? cardOf(outcome.dataset.select) : null;
  const deciding = elt.matches("[data-decide]");
  if (target) {
    if (current() === "add") show("suggestions");
    select(target, { focus: current() === "suggestions" });
  } else if (deciding && current() === "suggestions") {
    const next = nextUndecided(id ?? "");
    select(next ?? cardOf(id));
    if (!next) announce(`${said} Nothing is undecided any more.`);
  }
  restoreFocus();
});

document.addEventListener("click", (event) => {
  const keep = event.target.closest?.("[data-keep]");
  if (!keep) return;
  event.preventDefault();
  const card = keep.closest(".card");
  keep.closest(".conflict").remove();
  card.focus({ preventScroll: true });
});
