/* The small parts that every section of the page is made of. They are made once and changed in place, so that
   neither focus nor an open definition is lost when the figures move. */

let serial = 0;

/** An element with classes, attributes and children. */
export function make(tag, { class: names, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (names) element.className = names;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Write a text, and why where it is no number; mark the change for a moment when a figure replaces another. */
export function put(element, text, title = "") {
  element.classList.toggle("absent", title !== "");
  if (element.textContent !== text) {
    const first = element.textContent === "";
    element.textContent = text;
    if (!first) flash(element);
  }
  if (title) element.title = title;
  else element.removeAttribute("title");
}

function flash(element) {
  element.classList.remove("changed");
  void element.offsetWidth; // starts the animation anew
  element.classList.add("changed");
}

/** Set how large a bar is, from 0 to 1. */
export function size(element, share, name = "--share") {
  const bounded = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0));
  element.style.setProperty(name, bounded.toFixed(4));
}

/** Keep one child per item, in order: made once per key, then changed. */
export function sync(parent, items, key, create) {
  const held = (parent.held ??= new Map());
  const wanted = new Set(items.map(key));
  for (const [name, part] of held) {
    if (!wanted.has(name)) {
      part.element.remove();
      held.delete(name);
    }
  }
  let before = null;
  for (const item of items) {
    let part = held.get(key(item));
    if (!part) held.set(key(item), (part = create(item)));
    const place = before ? before.nextSibling : parent.firstChild;
    if (part.element !== place) parent.insertBefore(part.element, place);
    part.update(item);
    before = part.element;
  }
}

/** A term whose definition opens on demand: by click, Enter or Space; Escape closes it. */
export function term(name, means, texts) {
  const id = `means-${++serial}`;
  const button = make("button", { class: "term", type: "button", popovertarget: id }, name);
  const close = make("button", { class: "close", type: "button", popovertarget: id, popovertargetaction: "hide" });
  close.textContent = texts.close;
  const note = make(
    "span",
    { class: "means", id, popover: "auto", role: "note" },
    make("strong", {}, name),
    make("span", {}, means),
    close,
  );
  note.addEventListener("toggle", (event) => event.newState === "open" && place(note, button));
  return make("span", { class: "defined" }, button, note);
}

function place(note, button) {
  const anchor = button.getBoundingClientRect();
  const width = note.offsetWidth;
  const left = Math.max(12, Math.min(anchor.left - 14, document.documentElement.clientWidth - width - 12));
  const below = anchor.bottom + 8 + note.offsetHeight < window.innerHeight;
  const top = below ? anchor.bottom + 8 : Math.max(12, anchor.top - note.offsetHeight - 8);
  note.style.left = `${left + window.scrollX}px`;
  note.style.top = `${top + window.scrollY}px`;
}
