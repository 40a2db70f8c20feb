// The panel of findings by keyboard: J and K from one to the next, O opens its reasons, a digit chooses one.
import { announce } from "../announce.js";
import { bind } from "../keyboard.js";
import { current } from "./panels.js";

const all = () => [...document.querySelectorAll("#findings [data-finding]")];
const active = () => document.querySelector("#findings [data-finding][data-key-active]");
const inSight = () => current() === "findings";
const settling = () => active()?.querySelector("[data-settling][open] form") ?? null;

function mark(finding) {
  for (const each of all()) {
    const on = each === finding;
    each.classList.toggle("is-active", on);
    each.toggleAttribute("data-key-active", on);
    each.tabIndex = on ? 0 : -1;
  }
}

function go(finding) {
  if (!finding) return;
  mark(finding);
  finding.focus({ preventScroll: true });
  finding.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const list = all();
  const at = list.indexOf(active());
  go(list[at < 0 ? 0 : Math.min(Math.max(at + step, 0), list.length - 1)]);
}

bind("j", { label: "Next finding", group: "Findings", when: inSight, run: () => move(1), repeat: true });
bind("k", { label: "Finding before", group: "Findings", when: inSight, run: () => move(-1), repeat: true });

document.addEventListener("focusin", (event) => {
  const finding = event.target.closest?.("#findings [data-finding]");
  if (finding && finding !== active()) mark(finding);
});

// Said beside the reasons too: who sees the page does not hear it.
function hint(form, words) {
  const place = form.querySelector("[data-hint]");
  place.textContent = words;
  place.hidden = false;
  announce(words);
}

function lacksComment(button) {
  return button.hasAttribute("data-comment-required") && !button.form.elements.comment.value.trim();
}

function choose(button) {
  if (!lacksComment(button)) {
    button.click();
    return;
  }
  const { form } = button;
  form.dataset.pending = button.value;
  for (const each of form.querySelectorAll("button[data-digit]")) each.setAttribute("aria-pressed", String(each === button));
  form.elements.comment.setAttribute("aria-invalid", "true");
  form.elements.comment.focus();
  hint(form, "This reason needs a comment. Write it and press Enter.");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#findings [data-settling] button[data-digit]");
  if (!button || !lacksComment(button)) return;
  event.preventDefault();
  event.stopPropagation();
  choose(button);
}, { capture: true });

for (const key of "123456789") {
  const button = () => settling()?.querySelector(`[data-digit="${key}"]`);
  bind(key, { label: "", group: "", when: () => inSight() && Boolean(button()), run: () => choose(button()) });
}

document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.("[data-settling]") || !event.target.open) return;
  event.target.scrollIntoView({ block: "nearest" });
  announce("Why may it stand? Choose by digit.");
}, { capture: true });

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !inSight()) return;
  const details = event.target.closest?.("[data-settling][open]") ?? active()?.querySelector("[data-settling][open]");
  if (event.key === "Escape" && details && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    details.open = false;
    go(details.closest("[data-finding]"));
    return;
  }
  const form = event.target.closest?.("[data-settling] form");
  if (event.key !== "Enter" || !form || event.target.name !== "comment") return;
  event.preventDefault();
  const pending = form.querySelector(`button[data-digit][value="${form.dataset.pending ?? ""}"]`);
  if (pending) choose(pending);
  else hint(form, "Choose a reason first, by its digit or a click.");
});

// After an act here the findings were drawn anew: the one it was about, else what stood in its place.
let place = 0;
let at = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  const finding = event.detail.elt?.closest?.("#findings [data-finding]");
  at = finding?.id ?? "";
  place = all().indexOf(finding);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!at || !inSight() || event.detail.requestConfig?.verb !== "post") return;
  const refused = event.detail.xhr?.status === 422 || event.detail.xhr?.status === 409;
  const list = all();
  const open = list.filter((each) => each.classList.contains("is-fail"));
  go((refused && document.getElementById(at)) || open[Math.min(Math.max(place, 0), open.length - 1)] || document.getElementById(at));
  if (!open.length && !document.activeElement?.closest?.("#findings")) document.getElementById("tab-findings")?.focus();
  at = "";
});
