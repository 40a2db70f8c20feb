// I opens the page of the selected code over the review page; links in it lead on inside it, Escape comes back.
import { announce } from "../announce.js";
import { bind } from "../keyboard.js";
import { selected } from "./cards.js";
import { current } from "./panels.js";

const dialog = document.getElementById("code-dialog");
const body = document.getElementById("code-dialog-body");
let from = null;

function address(system, code) {
  const named = system === "icd10cm" && dialog.dataset.release ? `?release=${dialog.dataset.release}` : "";
  return `${dialog.dataset.codePages}${encodeURIComponent(system)}/${encodeURIComponent(code)}/${named}`;
}

async function show(url) {
  if (!dialog.open) {
    from = document.activeElement;
    body.replaceChildren();
    dialog.showModal();
  }
  dialog.querySelector("[data-code-whole]").setAttribute("href", url);
  await window.htmx.ajax("GET", url, { target: body, swap: "innerHTML", select: ".code-page" });
  const head = body.querySelector("h1");
  if (!head) {
    body.textContent = "This code has no page in the loaded release.";
    return;
  }
  body.scrollTop = 0;
  body.focus();
  announce(head.textContent.trim());
}

function open() {
  const finding = current() === "findings" && document.querySelector("#findings [data-finding][data-key-active] .code");
  if (finding) return show(address("icd10cm", finding.textContent.trim()));
  const card = selected();
  return card ? show(address(card.dataset.system ?? "icd10cm", card.dataset.code)) : undefined;
}

bind("i", { label: "The code's page: notes, siblings, index", group: "Selected code", run: open });

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const page = event.target.closest?.("[data-code-page]");
  if (page) {
    event.preventDefault();
    show(address(page.dataset.system, page.dataset.codePage));
    return;
  }
  const link = event.target.closest?.("#code-dialog-body a[href]");
  if (!link || link.origin !== window.location.origin || !link.pathname.startsWith(dialog.dataset.codePages)) return;
  // A code's page has a system and a code behind the address of all of them.
  if (link.pathname.slice(dialog.dataset.codePages.length).split("/").filter(Boolean).length !== 2) return;
  event.preventDefault();
  show(link.href);
});

dialog?.addEventListener("close", () => {
  from?.focus?.({ preventScroll: true });
  from = null;
});
