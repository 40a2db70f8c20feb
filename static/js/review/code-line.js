// What is typed or chosen in the form of a line (role, POA, modifiers, units …) while a change of it is being saved. The
// answer draws the form anew and knows nothing of it: it is put into the new form, and sent where the field was already
// left. Without this, whoever is quicker than the network loses every second field.
const FIELDS = "form[data-code-line] :is(input:not([type='hidden']), select)";

// Fields that a person used; a browser may fill others in by itself.
const used = new Set();
// By request the values that it carries, by field.
const underWay = new Map();
let kept = new Map();

for (const type of ["input", "change"]) {
  document.addEventListener(
    type,
    ({ target }) => {
      if (target.matches?.(FIELDS)) used.add(target.id);
    },
    { capture: true },
  );
}

const drawn = (field) =>
  field.matches("select") ? [...field.options].find((each) => each.defaultSelected)?.value : field.defaultValue;

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (!detail.elt.matches("form[data-code-line]")) return;
  underWay.set(detail.xhr, new Map([...detail.elt.querySelectorAll(FIELDS)].map((each) => [each.id, each.value])));
});

document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  for (const field of detail.target.querySelectorAll(FIELDS)) {
    if (used.has(field.id) && field.value !== drawn(field)) kept.set(field.id, field.value);
  }
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const answered = underWay.get(detail.xhr);
  underWay.delete(detail.xhr);
  const left = new Set();
  for (const [id, value] of kept) {
    const field = document.getElementById(id);
    // What the answer is about is saved or refused, and the line says why.
    if (!field || field.value === value || answered?.get(id) === value) continue;
    field.value = value;
    if ([...underWay.values()].some((values) => values.get(id) === value)) continue;
    if (field !== document.activeElement) left.add(field.form);
    else if (field.matches("input")) sendWhenLeft(field);
  }
  kept = new Map();
  for (const form of left) window.htmx.trigger(form, "change");
});

// A browser tells of no change where a script wrote the value; lists.js looks after lists.
function sendWhenLeft(field) {
  const told = new AbortController();
  const { signal } = told;
  field.addEventListener("change", () => told.abort(), { signal });
  field.addEventListener(
    "blur",
    () => {
      told.abort();
      window.htmx.trigger(field.form, "change");
    },
    { signal },
  );
}
