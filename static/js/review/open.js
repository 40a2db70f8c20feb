// Reject and modify open in the card, from one template each. Reasons are chosen by digits: family, then reason.
import { announce } from "../announce.js";
import { bind } from "../keyboard.js";
import { selected } from "./cards.js";

let family = null;

const reasons = () => selected()?.querySelector("[data-reasons]") ?? null;

const FORMS = { reject: "reasons-form", modify: "modify-form", evidence: "evidence-form" };

export function close(card = selected()) {
  const slot = card?.querySelector("[data-slot]");
  if (!slot || !slot.hasChildNodes()) return false;
  slot.replaceChildren();
  family = null;
  for (const opener of card.querySelectorAll("[data-open]")) opener.setAttribute("aria-expanded", "false");
  card.focus({ preventScroll: true });
  return true;
}

function open(card, kind) {
  const slot = card.querySelector("[data-slot]");
  const opener = card.querySelector(`[data-open="${kind}"]`);
  const address = opener.dataset.action ?? card.querySelector("form[data-decide]").getAttribute("action");
  slot.replaceChildren(document.getElementById(FORMS[kind]).content.cloneNode(true));
  for (const form of slot.querySelectorAll("form[data-decide], form[data-evidence]")) {
    form.setAttribute("action", address);
    form.setAttribute("hx-post", address);
  }
  for (const field of slot.querySelectorAll("[name='version']")) field.value = card.dataset.version;
  for (const field of slot.querySelectorAll("[name='entry']")) field.value = card.dataset.card;
  for (const each of card.querySelectorAll("[data-open]")) {
    each.setAttribute("aria-expanded", String(each === opener));
  }
  family = null;
  const step = slot.querySelector("[data-fams]");
  if (step) {
    step.hidden = false;
    for (const group of slot.querySelectorAll("[data-reasons-of]")) group.hidden = true;
  }
  document.dispatchEvent(new CustomEvent("review:opened", { detail: { card, slot, kind } }));
  window.htmx.process(slot);
  slot.querySelector("[name='q']")?.focus();
  slot.scrollIntoView({ block: "nearest" });
  if (kind === "reject") {
    card.focus({ preventScroll: true });
    announce("Why is it rejected? Choose by digit.");
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-open]");
  if (opener) {
    event.preventDefault();
    const card = opener.closest(".card");
    if (opener.getAttribute("aria-expanded") === "true") close(card);
    else open(card, opener.dataset.open);
    return;
  }
  const step = event.target.closest?.("[data-family]");
  if (step) openFamily(step.closest("form"), step.dataset.family);
  else if (event.target.closest?.("[data-close]")) close(event.target.closest(".card"));
});

function choose(button) {
  const form = button.form;
  const comment = form.elements.comment;
  if (button.hasAttribute("data-comment-required") && !comment.value.trim()) {
    form.dataset.pending = button.value;
    comment.setAttribute("aria-invalid", "true");
    comment.focus();
    announce("This reason needs a comment. Write it and press Enter.");
    return;
  }
  // A click, not requestSubmit: htmx sends the button that was clicked.
  button.click();
}

// Also for the pointer: a reason that needs a comment asks for it before it is sent.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.("[data-comment-required]");
    if (!button || button.form.elements.comment.value.trim()) return;
    event.preventDefault();
    event.stopPropagation();
    choose(button);
  },
  { capture: true },
);

// Shows one family's reasons; a family without any is the reason itself.
function openFamily(form, key) {
  const group = form.querySelector(`[data-reasons-of="${key}"]`);
  if (!group) return;
  if (!group.querySelector("[data-digit]")) {
    choose(group.querySelector("button"));
    return;
  }
  family = group;
  showFamily(form);
  group.scrollIntoView({ block: "nearest" });
  announce(`${form.querySelector(`[data-family="${key}"]`).textContent.trim()}. Second digit, or Enter.`);
}

function showFamily(form) {
  for (const group of form.querySelectorAll("[data-reasons-of]")) group.hidden = group !== family;
  for (const each of form.querySelectorAll("[data-family]")) {
    each.setAttribute("aria-pressed", String(each.dataset.family === family?.dataset.reasonsOf));
  }
}

function digit(key) {
  const form = reasons();
  if (!family) {
    openFamily(form, key);
    return;
  }
  const reason = family.querySelector(`[data-digit="${key}"]`);
  if (reason) choose(reason);
}

for (const key of "123456789") bind(key, { label: "", group: "", when: () => reasons() !== null, run: () => digit(key) });
bind("Enter", {
  label: "",
  group: "",
  when: (event) => reasons() !== null && family !== null && !event.target.closest("a, button"),
  run: () => choose(family.querySelector("button")),
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (family && reasons()) {
      family = null;
      showFamily(reasons());
    } else if (close()) {
      event.preventDefault();
    }
    return;
  }
  const form = event.target.closest?.("[data-reasons]");
  if (event.key !== "Enter" || !form || event.target.name !== "comment") return;
  event.preventDefault();
  const pending = form.querySelector(`button[value="${form.dataset.pending ?? ""}"]:not([hidden])`);
  const button = pending ?? family?.querySelector("button");
  if (button) choose(button);
  else announce("Choose a reason first.");
});
