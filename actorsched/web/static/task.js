// One task: what is known of it, what can be done about it, what it needs and what needs it.

import { change, look } from "./ask.js";
import { $, button, make, renew, statusMark } from "./elements.js";
import { hashOf, see, seen } from "./place.js";
import { runsOf } from "./runs.js";
import { GONE_WRONG, RUNNING, moment, named, nameOf, reported, shortName } from "./words.js";

const TREE_MAX = 300;

let shown = null;

export async function showTask(readOnly, hasRuns) {
  const id = seen().get("task");
  const dialog = $("task");
  if (!id) {
    dialog.close();
    return;
  }
  const args = { task_id: id, limit: TREE_MAX };
  const found = await Promise.all([look("dep_graph", args), look("inverse_dep_graph", args)]);
  if (seen().get("task") !== id) return;
  // no task is there because every object of the language has something of its name
  const [needs, neededBy] = found.map((graph) => Object.assign(Object.create(null), graph));
  const view = needs[id];
  const close = button("Close", () => see({ task: null }));
  if (!view) {
    renew(dialog, make("div", { class: "top" }, make("p", {}, `There is no task ${id} (any more).`), close));
  } else {
    const error = GONE_WRONG.includes(view.status) ? await look("fetch_error", { task_id: id }) : null;
    const runs = hasRuns ? await runsOf(id) : [];
    const open = new Set([...dialog.querySelectorAll("details[open]")].map((each) => each.dataset.of));
    if (shown !== id) dialog.replaceChildren(); // of another one nothing stays
    shown = id;
    renew(
      dialog,
      make("div", { class: "top" }, make("div", {}, make("h2", {}, nameOf(id, view)), statusMark(view.status)), close),
      ...(readOnly ? [] : [make("div", { class: "actions" }, ...actions(id, view))]),
      facts(id, view, new Map(Object.entries(needs).map(([dep, each]) => [dep, nameOf(dep, each)]))),
      ...(error?.error ? [make("h3", {}, "What was reported"), make("pre", {}, reported(error.error))] : []),
      ...runs,
      ...branch("Needs", id, needs, open),
      ...branch("Is needed by", id, neededBy, open),
    );
  }
  if (!dialog.open) dialog.showModal();
}

function actions(id, view) {
  const task_id = id;
  const sure = (text, method) => async () => {
    if (confirm(text)) await change(method, { task_id });
  };
  const found = [];
  if (view.status === "PENDING") found.push(button("Cancel", sure("Disable this task?", "cancel_task")));
  if (RUNNING.includes(view.status)) found.push(button("End the run", sure("End this run?", "cancel_task")));
  if (view.status === "FAILED") found.push(button("Try again now", () => change("forgive_failures", { task_id })));
  if (view.re_enable_able) found.push(button("Enable again", () => change("re_enable_task", { task_id })));
  if (GONE_WRONG.includes(view.status))
    found.push(button("Mark as done", sure("Take it as done, whatever its output says?", "mark_as_done")));
  if (view.accepts_messages) {
    const send = async () => {
      const content = prompt("Say to the task:");
      if (content) await change("send_scheduler_message", { worker: view.worker_running, task: id, content });
    };
    found.push(button("Send a message", send));
  }
  return found;
}

function facts(id, view, names) {
  const list = make("dl");
  const add = (name, value) => {
    if (value === null || value === undefined || value === "") return;
    list.append(make("dt", {}, name), make("dd", {}, value));
  };
  for (const [name, value] of Object.entries(view.params ?? {})) add(name, String(value));
  add("what holds it", named(view.blocked_reason ?? "", names));
  const runs = RUNNING.includes(view.status);
  add(runs ? "runs on" : "ran on", view.worker_running);
  add(runs ? "runs since" : "last begun", moment(view.time_running));
  add("says", view.status_message);
  if (view.progress_percentage !== null && view.progress_percentage !== undefined)
    add("progress", make("progress", { max: 100, value: view.progress_percentage }));
  if (/^https?:\/\//.test(view.tracking_url ?? ""))
    add("tracked at", make("a", { href: view.tracking_url, rel: "noreferrer", target: "_blank" }, view.tracking_url));
  const resources = Object.entries(view.resources_running ?? view.resources ?? {});
  add("resources", resources.map(([name, amount]) => `${amount} ${name}`).join(", "));
  add("wanted by", (view.workers ?? []).map(shortName).join(", "));
  add("priority", view.priority ? String(view.priority) : "");
  add("registered", moment(view.start_time));
  add("last change", moment(view.last_updated));
  add("id", id);
  return list;
}

// A tree whose branches are made when they are opened: a graph may have more paths than anybody could draw.
function branch(title, root, nodes, open) {
  const deps = (nodes[root]?.deps ?? []).filter((dep) => nodes[dep]);
  if (!deps.length) return [];
  const cut = Object.keys(nodes).length >= TREE_MAX ? `; of all behind them, the nearest ${TREE_MAX} are here` : "";
  return [make("h3", {}, `${title} ${deps.length}${cut}`), twigs(deps, nodes, open, title)];
}

function twigs(ids, nodes, open, path) {
  return make("ul", { class: "tree" }, ...ids.map((id) => make("li", {}, twig(id, nodes, open, `${path}/${id}`))));
}

function twig(id, nodes, open, path) {
  const view = nodes[id];
  const label = [statusMark(view.status), " ", make("a", { href: hashOf({ task: id }) }, nameOf(id, view))];
  const deps = (view.deps ?? []).filter((dep) => nodes[dep]);
  if (!deps.length) return make("span", {}, ...label);
  const details = make("details", {}, make("summary", {}, ...label));
  details.dataset.of = path;
  const grow = () => {
    if (details.open && details.childElementCount === 1) details.append(twigs(deps, nodes, open, path));
  };
  details.addEventListener("toggle", grow);
  if (open.has(path)) {
    details.open = true;
    grow();
  }
  return details;
}
