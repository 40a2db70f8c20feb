// The controls of a card, copied in when it is selected: a long stay has hundreds of cards and one set in sight.
const ADDRESSES = ["action", "hx-post", "data-action"];

function address(controls, card) {
  const { card: id, version, code, poa, role } = card.dataset;
  for (const element of controls.querySelectorAll("form, a")) {
    for (const name of ADDRESSES) {
      const found = element.getAttribute(name);
      if (found) element.setAttribute(name, found.replace("/0/", `/${id}/`));
    }
    if (element.hasAttribute("href")) {
      element.setAttribute("href", element.getAttribute("href").replace("entry=0", `entry=${id}`));
    }
  }
  for (const field of controls.querySelectorAll("[name='version']")) field.value = version;
  for (const list of controls.querySelectorAll("select")) {
    list.id = list.id.replace(/0$/, id);
    const stands = { poa, role }[list.name];
    // As drawn by the server, so that what is chosen later can be told from it.
    for (const option of list.options) option.defaultSelected = option.value === stands;
    list.value = stands;
    const label = list.getAttribute("aria-label");
    if (label.endsWith(" ")) list.setAttribute("aria-label", label + code);
  }
}

// A card that the server drew selected or changed brings its own; a page that may only be read has none.
export function equip(card) {
  if (card.querySelector(":scope > .more")) return;
  const kind = document.querySelector(`#card-controls > [data-controls="${card.dataset.controls}"]`);
  if (!kind) return;
  const controls = kind.content.firstElementChild.cloneNode(true);
  address(controls, card);
  card.append(controls);
  window.htmx.process(controls);
}
