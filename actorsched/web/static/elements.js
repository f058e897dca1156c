// Elements of the page. Text stays text: nothing that a task is called or says is ever taken for markup.

import { nameOfStatus } from "./words.js";

export const $ = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const cell = (kind, ...children) => make("td", { class: kind }, ...children);
export const statusMark = (status) => make("span", { class: `status ${status}` }, nameOfStatus(status));

// a button that says what went wrong, and cannot be pressed while something is under way
export function button(text, action, properties = {}) {
  const element = make("button", { type: "button", ...properties }, text);
  element.addEventListener("click", async () => {
    element.disabled = true;
    try {
      await action();
    } catch (error) {
      alert(error.message);
    } finally {
      element.disabled = false;
    }
  });
  return element;
}

// Puts others in the place of what is there; the focus, and what has been scrolled, stay where they were.
// What stands for the same as before has the same `data-of`.
export function renew(container, ...children) {
  const focused = document.activeElement;
  const key = container.contains(focused) ? keyOf(focused) : null;
  const places = [...container.querySelectorAll(SCROLLED)].map((each) => [each.scrollLeft, each.scrollTop]);
  container.replaceChildren(...children);
  [...container.querySelectorAll(SCROLLED)].forEach((each, index) => each.scrollTo(...(places[index] ?? [0, 0])));
  if (key === null || container.contains(document.activeElement)) return;
  const same = [...container.querySelectorAll("a, button, summary")].find((each) => keyOf(each) === key);
  same?.focus({ preventScroll: true });
}

const SCROLLED = "pre, .wide";

function keyOf(element) {
  const holder = element.closest("[data-of]");
  const itself = element === holder || element.tagName === "SUMMARY";
  return JSON.stringify([holder?.dataset.of, element.tagName, itself ? "" : element.title || element.textContent]);
}

export function fill(id, rows, whenNone) {
  const body = $(id).tBodies[0];
  if (rows.length) renew(body, ...rows);
  else renew(body, make("tr", {}, make("td", { class: "none", colSpan: 9 }, whenNone)));
}
