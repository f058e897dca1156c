// How the scheduler is doing: numbers that choose among the tasks, slots, resources, and the way to pause it.

import { change } from "./ask.js";
import { $, button, make, renew } from "./elements.js";
import { see, seen } from "./place.js";
import { nameOfStatus, number } from "./words.js";

export function showStanding(now) {
  $("where").textContent = now.scheduler;
  $("state").textContent = now.paused ? "paused: no work is handed out" : "handing out work";
  const pause = $("pause");
  pause.hidden = now.read_only;
  pause.textContent = now.paused ? "Hand out work again" : "Pause";
  pause.onclick = () =>
    change(now.paused ? "unpause" : "pause").catch((error) => alert(error.message));
  const chosen = seen().get("status") ?? "";
  const total = Object.values(now.tasks).reduce((sum, n) => sum + n, 0);
  const tile = (status, label, n) => {
    const element = make(
      "button",
      { type: "button", class: status, "aria-pressed": String(status === chosen), "data-of": status },
      make("b", {}, number(n)),
      make("small", {}, label),
    );
    element.addEventListener("click", () => see({ status }));
    return element;
  };
  const shown = Object.entries(now.tasks).filter(([status, n]) => n || status === chosen);
  renew(
    $("statuses"),
    tile("", "all tasks", total),
    ...shown.map(([status, n]) => tile(status, nameOfStatus(status), n)),
  );
  const { active, disabled, slots, busy } = now.workers;
  document.title = `${number(total)} tasks, ${active} workers – actorsched`;
  const resources = Object.entries(now.resources);
  const slotsBar = make(
    "span",
    {},
    `slots ${busy} of ${slots} on ${active} ${active === 1 ? "worker" : "workers"} `,
    make("progress", { max: Math.max(slots, 1), value: busy }),
    disabled ? ` ${disabled} disabled` : null,
  );
  $("resources").hidden = false;
  renew($("resources"), slotsBar, ...resources.map(([name, each]) => resource(name, each, now.read_only)));
}

function resource(name, { total, used }, readOnly) {
  const set = async () => {
    const text = prompt(`How much of ${name} may be used at once?`, total);
    if (text === null) return;
    if (!/^\d+$/.test(text.trim())) throw new Error(`${text}: expected a whole number`);
    await change("update_resource", { resource: name, amount: Number(text) });
  };
  const label = `${name} ${used} of ${total} `;
  return make(
    "span",
    { "data-of": name },
    readOnly ? label : button(label, set, { class: "link", title: "Change how much there is" }),
    make("progress", { max: Math.max(total, 1), value: used }),
  );
}
