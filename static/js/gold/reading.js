// A gold reading: the review page's text, cards, reasons, picker and selection, with verdicts in place of decisions.
import { announce } from "../announce.js";
import { bind } from "../keyboard.js";
import { nextUndecided, select, selected } from "../review/cards.js";
import "../review/text.js";
import "../review/panels.js";
import "../review/decide.js";
import "../review/open.js";
import "../review/picker.js";
import "../review/add.js";
import "../review/selection.js";
import "../review/find.js";
import "../review/sheet.js";
import "../review/code-page.js";
import "./comment.js";

bind("n", {
  label: "Next label without a verdict",
  group: "Labels",
  run: () => {
    const next = nextUndecided(selected()?.dataset.card ?? "");
    if (next) select(next);
    else announce("Every label has a verdict.");
  },
});

// Controls copied into a label bring its comment along: judging it again keeps the words.
document.addEventListener("review:selected", (event) => {
  const { card, changed } = event.detail;
  const field = card.querySelector(".verdicts [name='comment']");
  if (changed && field && !field.value) field.value = card.dataset.comment ?? "";
});

// A comment begun before the reasons were opened goes along with the rejection.
document.addEventListener("review:opened", (event) => {
  const { card, slot, kind } = event.detail;
  const begun = card.querySelector(".verdicts [name='comment']")?.value ?? "";
  if (kind === "reject" && begun) slot.querySelector("[name='comment']").value = begun;
});
