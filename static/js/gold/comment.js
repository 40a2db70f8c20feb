// The comment of a verdict or ruling. Enter on one that stands saves the comment with it; else it waits for the key.
import { announce } from "../announce.js";

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !event.target.matches?.(".comment-line input")) return;
  const card = event.target.closest(".card");
  if (event.key === "Escape" || (event.key === "Enter" && card.dataset.state === "undecided")) {
    event.preventDefault();
    card.focus({ preventScroll: true });
    if (event.key === "Enter") announce("The comment goes along with what you choose next.");
  }
});
