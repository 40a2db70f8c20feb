// Single-key shortcuts, declared where they act:
//   data-key="a"            pressing the key clicks the element (a field is focused instead)
//   data-key-label="…"      the words in the list of keys; else the element's own
//   data-key-group="…"      on the element or round it: the heading in that list
//   data-key-repeat         may fire again while the key is held down (moving, never deciding)
//   data-key-scope          on a container: its keys work only while it also has data-key-active
//   data-key-unless="…"     a selector: the key rests while such an element is open in the same scope
// or by bind() from a module. They never fire while typing, with Ctrl, Alt or Meta, during composition, or when
// the reader turned them off (data-shortcuts="off" on body); in an open dialog only the dialog's own keys work.
const bound = [];
// Groups that the list of keys begins with, where a page has them.
const FIRST = ["Selected code", "Codes", "Text", "Documents"];

export function bind(key, { label, group = "This page", run, when = () => true, repeat = false }) {
  bound.push({ key, label, group, run, when, repeat });
}

const TYPING = 'input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select';

export function isTyping(target) {
  return target instanceof Element && (target.matches(TYPING) || target.isContentEditable);
}

export function shortcutsOn() {
  return document.body.dataset.shortcuts !== "off";
}

// "U" with Shift is "Shift+u", whatever Caps Lock says; "?" and "+" are themselves.
export function nameOf(event) {
  if (!/^\p{L}$/u.test(event.key)) return event.key;
  const letter = event.key.toLowerCase();
  return event.shiftKey ? `Shift+${letter}` : letter;
}

function usable(element) {
  if (element.disabled || element.getAttribute("aria-disabled") === "true") return false;
  const scope = element.closest("[data-key-scope]");
  if (scope && !scope.hasAttribute("data-key-active")) return false;
  if (element.dataset.keyUnless && scope?.querySelector(element.dataset.keyUnless)) return false;
  return element.checkVisibility({ visibilityProperty: true });
}

function topDialog() {
  return [...document.querySelectorAll("dialog[open]")].pop() ?? null;
}

function act(element) {
  if (element.matches("input:not([type='checkbox'], [type='radio']), select, textarea")) {
    element.focus();
    element.select?.();
  } else {
    if (element.matches("summary")) element.focus();
    element.click();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!shortcutsOn() || isTyping(event.target)) return;
  const key = nameOf(event);
  const dialog = topDialog();
  const hit = [...(dialog ?? document).querySelectorAll("[data-key]")].find(
    (element) => element.dataset.key === key && usable(element),
  );
  if (hit) {
    event.preventDefault();
    if (!event.repeat || hit.hasAttribute("data-key-repeat")) act(hit);
    return;
  }
  if (dialog) return;
  const binding = bound.find((each) => each.key === key && each.when(event));
  if (!binding) return;
  event.preventDefault();
  if (!event.repeat || binding.repeat) binding.run(event);
});

function declared() {
  const rows = [...document.querySelectorAll("[data-key]")]
    .filter((element) => !element.closest("dialog"))
    .map((element) => ({
      key: element.dataset.key,
      label: element.dataset.keyLabel ?? element.getAttribute("aria-label") ?? element.textContent.trim(),
      group: element.closest("[data-key-group]")?.dataset.keyGroup ?? "This page",
    }));
  // Bindings without words are steps inside a form that names its keys itself.
  const all = [...rows, ...bound.filter((binding) => binding.label)];
  return all.filter((row, at) => all.findIndex((o) => o.key === row.key && o.group === row.group) === at);
}

function keycap(name) {
  const caps = name.split(/(?<=.)\+/).map((part) => {
    const cap = document.createElement("kbd");
    cap.textContent = part.length === 1 ? part.toUpperCase() : part;
    return cap;
  });
  return caps.flatMap((cap, at) => (at ? [" ", cap] : [cap]));
}

export function openKeys() {
  const dialog = document.getElementById("keys-dialog");
  if (!dialog || dialog.open) return;
  const list = dialog.querySelector("[data-keys-list]");
  list.replaceChildren();
  for (const [name, rows] of grouped(declared())) {
    const section = document.createElement("section");
    const head = document.createElement("h3");
    head.textContent = name;
    const dl = document.createElement("dl");
    for (const row of rows) {
      const dt = document.createElement("dt");
      dt.append(...keycap(row.key));
      const dd = document.createElement("dd");
      dd.textContent = row.label;
      dl.append(dt, dd);
    }
    section.append(head, dl);
    list.append(section);
  }
  dialog.showModal();
}

function grouped(rows) {
  const groups = new Map();
  for (const name of FIRST) groups.set(name, []);
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return [...groups].filter(([, members]) => members.length);
}

bind("?", { label: "List the keys of this page", group: "Everywhere", run: openKeys });
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-keys-open]")) openKeys();
});
