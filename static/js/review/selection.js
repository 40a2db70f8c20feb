// Evidence from the text: words by the pointer, lines by the keyboard. Places go to the server as line numbers and
// UTF-16 columns with the selected text; the server converts, compares and refuses what does not match.
import { announce } from "../announce.js";
import { bind, shortcutsOn } from "../keyboard.js";
import { documentId, lineOf, reveal, textBox } from "./text.js";

let found = null;
const listeners = [];

// Asked for now: the browser tells of a changed selection a little later.
export function evidence() {
  if (!lineMode) found = fromPointer() ?? found;
  return found;
}
export const onEvidence = (listener) => listeners.push(listener);

function set(next) {
  found = next;
  for (const listener of listeners) listener(found);
}

const textOf = (line) => line.querySelector(".tx").textContent;

// Offset of a range's boundary in its line's text; null when the boundary lies outside that line's text.
function columnIn(tx, container, offset) {
  if (!tx.contains(container)) return null;
  const before = document.createRange();
  before.setStart(tx, 0);
  before.setEnd(container, offset);
  return before.toString().length;
}

function place(lines, startColumn, endColumn) {
  const texts = lines.map(textOf);
  let first = 0;
  let last = texts.length - 1;
  let start = startColumn;
  let end = endColumn;
  // White space at both ends is not evidence.
  while (first < last && !texts[first].slice(start).trim()) [first, start] = [first + 1, 0];
  while (last > first && !texts[last].slice(0, end).trim()) [last, end] = [last - 1, texts[last - 1].length];
  start += texts[first].slice(start, first === last ? end : undefined).search(/\S|$/);
  end = texts[last].slice(0, end).trimEnd().length;
  const pieces = texts.slice(first, last + 1);
  pieces[pieces.length - 1] = pieces.at(-1).slice(0, end);
  pieces[0] = pieces[0].slice(start);
  const quote = pieces.join("\n");
  if (!quote.trim()) return null;
  return {
    document: documentId(),
    lineStart: Number(lines[first].dataset.line),
    lineEnd: Number(lines[last].dataset.line),
    colStart: start,
    colEnd: end,
    quote,
  };
}

function fromPointer() {
  const selection = window.getSelection();
  const box = document.getElementById("lines");
  if (!box || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  if (!box.contains(range.commonAncestorContainer)) return null;
  const lines = [...box.children].filter((line) => range.intersectsNode(line.querySelector(".tx")));
  if (!lines.length) return null;
  const firstText = lines[0].querySelector(".tx");
  const lastText = lines.at(-1).querySelector(".tx");
  const start = columnIn(firstText, range.startContainer, range.startOffset) ?? 0;
  const end = columnIn(lastText, range.endContainer, range.endOffset) ?? lastText.textContent.length;
  return place(lines, start, end);
}

const button = document.createElement("button");
button.type = "button";
button.className = "btn pri small selection-add";
button.dataset.add = "";
// A page that does something else with a selection says so, and then has no key for it.
const offered = document.getElementById("review-body")?.dataset.offer;
button.append(offered ?? "Add a code ");
if (!offered) button.append(Object.assign(document.createElement("kbd"), { textContent: "+" }));

function offer() {
  const box = textBox();
  const editable = document.getElementById("review-body")?.dataset.editable === "1";
  if (!found || !editable || !box || window.getSelection().isCollapsed) {
    button.remove();
    return;
  }
  const outer = box.getBoundingClientRect();
  const inner = window.getSelection().getRangeAt(0).getBoundingClientRect();
  box.append(button);
  button.style.top = `${inner.bottom - outer.top + box.scrollTop + 6}px`;
  button.style.left = `${Math.max(8, Math.min(inner.left - outer.left, outer.width - button.offsetWidth - 24))}px`;
}

document.addEventListener("selectionchange", () => {
  if (lineMode) return;
  const next = fromPointer();
  // A selection that ended because the focus went to the search stays the evidence.
  if (next) set(next);
  else if (document.activeElement?.closest?.("[data-text]") || document.activeElement === document.body) set(null);
  if (!next) button.remove();
});
document.addEventListener("pointerup", () => window.setTimeout(offer));
document.addEventListener("htmx:beforeSwap", (event) => {
  if (["document", "review-body"].includes(event.detail.target?.id)) set(null);
});

// Lines by keyboard: V starts at the line in sight, arrows extend, J and K move, Enter adds, Escape leaves.
let lineMode = null;

function draw() {
  for (const line of document.querySelectorAll("#lines .picked")) line.classList.remove("picked");
  if (!lineMode) return;
  const [from, to] = [Math.min(lineMode.anchor, lineMode.head), Math.max(lineMode.anchor, lineMode.head)];
  const lines = [];
  for (let number = from; number <= to; number += 1) lines.push(lineOf(number));
  for (const line of lines) line.classList.add("picked");
  set(place(lines, 0, textOf(lines.at(-1)).length));
  reveal(lineOf(lineMode.head));
  const name = from === to ? `Line ${from}` : `Lines ${from} to ${to}`;
  announce(`${name}: ${textOf(lineOf(lineMode.head))}`);
}

function leave() {
  lineMode = null;
  draw();
}

function startLine() {
  const box = textBox();
  if (!document.getElementById("lines")) return;
  const bounds = box.getBoundingClientRect();
  const seen = [...document.querySelectorAll("#lines .ln")].filter((line) => {
    const at = line.getBoundingClientRect();
    return at.top >= bounds.top + 60 && at.bottom <= bounds.bottom;
  });
  const line = seen.find((each) => each.classList.contains("sel")) ?? seen[0];
  if (!line) return;
  lineMode = { anchor: Number(line.dataset.line), head: Number(line.dataset.line) };
  box.focus({ preventScroll: true });
  draw();
}

const STEPS = {
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
  j: [1, 1],
  k: [-1, -1],
};

document.addEventListener(
  "keydown",
  (event) => {
    if (!lineMode || !shortcutsOn() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!event.target.closest?.("[data-text]")) return;
    const step = STEPS[event.key];
    if (step) {
      const next = { anchor: lineMode.anchor + step[0], head: lineMode.head + step[1] };
      if (lineOf(next.anchor) && lineOf(next.head)) lineMode = next;
      draw();
    } else if (event.key === "Enter" || event.key === "+") {
      document.dispatchEvent(new CustomEvent("review:add"));
      lineMode = null;
    } else if (event.key === "Escape" || event.key === "v") {
      set(null);
      leave();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  },
  { capture: true },
);

bind("v", {
  label: "Select lines: arrows extend, J K move, Enter adds a code",
  group: "Text",
  run: startLine,
  when: () => document.getElementById("review-body")?.dataset.editable === "1",
});
