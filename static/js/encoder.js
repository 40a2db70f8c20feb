// Encoder pages: copy a code with one key, walk from the search box through its hits.
import { announce } from "./announce.js";
import "./hit-options.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  // The clipboard needs a secure context; without it the button would do nothing.
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    announce(`${button.dataset.copy} copied`);
    button.toggleAttribute("data-copied", true);
    window.setTimeout(() => button.toggleAttribute("data-copied", false), 1500);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const find = event.target.closest(".find");
  if (!find || event.target.matches("select, input[type='date']")) return;
  const stops = [find.querySelector(".find-box"), ...find.querySelectorAll(".hit")];
  const at = stops.indexOf(event.target);
  if (at < 0) return;
  const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
