// The page of a scheduler. It asks by the same calls as everybody else, and shows text as text: nothing that a
// task is called or says is ever taken for markup.

const EVERY_MS = 2000;
// the scheduler looks at every name for a search, and has other things to do
const SEARCH_EVERY_MS = 20000;
const PAGE = 100;
const TREE_MAX = 300;
const ERRORS_MAX = 100;
const WORKERS_MAX = 200;
const RUNS_MAX = 1000;
const RUNNING = ["RUNNING", "BATCH_RUNNING"];
const GONE_WRONG = ["FAILED", "DISABLED"];
const FIRST = [...RUNNING, "FAILED", "DISABLED", "UNKNOWN", "PENDING", "DONE"];

const $ = (id) => document.getElementById(id);
let readOnly = true;
let pages = 1;
let searched = 0;
let runsShown = 25;
let hasRuns = false;

// -- asking -----------------------------------------------------------------------------------------------------

async function answer(response) {
  let body;
  try {
    body = await response.json();
  } catch {
    throw new Error(`${response.status} ${response.statusText}`);
  }
  if (!response.ok) throw new Error(body.error ?? `${response.status} ${response.statusText}`);
  return body;
}

async function look(method, args = {}) {
  const query = new URLSearchParams({ data: JSON.stringify(args) });
  return (await answer(await fetch(`api/${method}?${query}`))).response;
}

async function change(method, args = {}) {
  const headers = { "content-type": "application/json" };
  const reply = await answer(
    await fetch(`api/${method}`, { method: "POST", headers, body: JSON.stringify(args) }),
  );
  await refresh();
  return reply.response;
}

// -- making elements --------------------------------------------------------------------------------------------

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const cell = (kind, ...children) => make("td", { class: kind }, ...children);
const statusMark = (status) =>
  make("span", { class: `status ${status}` }, status.toLowerCase().replace("_", " "));

function button(text, action, properties = {}) {
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

function fill(id, rows, whenNone) {
  const body = $(id).tBodies[0];
  if (rows.length) body.replaceChildren(...rows);
  else body.replaceChildren(make("tr", {}, make("td", { class: "none", colSpan: 9 }, whenNone)));
}

// -- words ------------------------------------------------------------------------------------------------------

function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d`;
}

const moment = (seconds) => (seconds ? new Date(seconds * 1000).toLocaleString() : "");
const ago = (seconds) => (seconds ? span(Date.now() / 1000 - seconds) : "");
const number = (value) => value.toLocaleString("en");

function since(view) {
  return RUNNING.includes(view.status) && view.time_running ? view.time_running : view.last_updated;
}

// of an id that was made up, the host and the process
function shortName(worker) {
  const found = /^Worker\(salt=\d+, .*\bhost=([^,]+), .*\bpid=(\d+)/.exec(worker);
  return found ? `${found[1]} pid ${found[2]}` : worker;
}

// what a task waits for is named as people call it, where that is known
function named(text, names) {
  return text.replace(/[\w.-]+/g, (word) => names.get(word) ?? word);
}

const lastLine = (text) => text.trimEnd().split("\n").at(-1);

function toSay(view) {
  const message = view.status_message || "";
  if (RUNNING.includes(view.status)) {
    const share = view.progress_percentage;
    const parts = [
      `on ${view.worker_running ? shortName(view.worker_running) : "a worker"}`,
      share === null || share === undefined ? "" : `${share} %`,
      message,
    ];
    return parts.filter(Boolean).join(", ");
  }
  return view.blocked_reason || (view.status === "DONE" ? message : "");
}

// -- what is looked at, in the address, so that it can be sent to somebody ------------------------------------------

function seen() {
  return new URLSearchParams(location.hash.slice(1));
}

const listSeen = () => `${seen().get("status") ?? ""} ${seen().get("search") ?? ""}`;

function see(changes) {
  const next = seen();
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  location.hash = next.toString();
}

// -- the parts of the page ------------------------------------------------------------------------------------------

function showStanding(standing) {
  readOnly = standing.read_only;
  hasRuns = standing.has_runs;
  $("where").textContent = standing.scheduler;
  $("state").textContent = standing.paused ? "paused: no work is handed out" : "handing out work";
  const pause = $("pause");
  pause.hidden = readOnly;
  pause.textContent = standing.paused ? "Hand out work again" : "Pause";
  pause.onclick = () =>
    change(standing.paused ? "unpause" : "pause").catch((error) => alert(error.message));
  const chosen = seen().get("status") ?? "";
  const total = Object.values(standing.tasks).reduce((sum, n) => sum + n, 0);
  const tile = (status, label, n) => {
    const element = make(
      "button",
      { type: "button", class: status, "aria-pressed": String(status === chosen) },
      make("b", {}, number(n)),
      make("small", {}, label),
    );
    element.addEventListener("click", () => see({ status }));
    return element;
  };
  const shown = Object.entries(standing.tasks).filter(([status, n]) => n || status === chosen);
  $("statuses").replaceChildren(
    tile("", "all tasks", total),
    ...shown.map(([status, n]) => tile(status, status.toLowerCase().replace("_", " "), n)),
  );
  const { active, disabled, slots, busy } = standing.workers;
  document.title = `${number(total)} tasks, ${active} workers – actorsched`;
  const resources = Object.entries(standing.resources);
  const slotsBar = make(
    "span",
    {},
    `slots ${busy} of ${slots} on ${active} ${active === 1 ? "worker" : "workers"} `,
    make("progress", { max: Math.max(slots, 1), value: busy }),
    disabled ? ` ${disabled} disabled` : null,
  );
  $("resources").hidden = false;
  $("resources").replaceChildren(slotsBar, ...resources.map(([name, each]) => resource(name, each)));
}

function resource(name, { total, used }) {
  const set = async () => {
    const text = prompt(`How much of ${name} may be used at once?`, total);
    if (text === null) return;
    if (!/^\d+$/.test(text.trim())) throw new Error(`${text}: expected a whole number`);
    await change("update_resource", { resource: name, amount: Number(text) });
  };
  const label = `${name} ${used} of ${total} `;
  return make(
    "span",
    {},
    readOnly ? label : button(label, set, { class: "link", title: "Change how much there is" }),
    make("progress", { max: Math.max(total, 1), value: used }),
  );
}

// What runs and what went wrong comes first; in a status, in order of registration.
async function showTasks(counts, again) {
  const list = listSeen();
  const chosen = seen().get("status");
  const search = seen().get("search") || null;
  if (search && again && Date.now() < searched + SEARCH_EVERY_MS) return;
  searched = Date.now();
  const wanted = pages * PAGE;
  const found = [];
  for (const status of chosen ? [chosen] : FIRST.filter((each) => counts[each])) {
    let after = null;
    while (found.length <= wanted) {
      const part = Object.entries(await look("task_list", { status, search, limit: PAGE, after }));
      found.push(...part);
      if (part.length < PAGE) break;
      after = part.at(-1)[0];
    }
  }
  const shown = found.slice(0, wanted);
  const failed = shown.filter(([, view]) => GONE_WRONG.includes(view.status)).slice(0, ERRORS_MAX);
  const causes = new Map(await Promise.all(failed.map(async ([id, view]) => [id, await causeOf(id, view)])));
  if (list !== listSeen()) return; // somebody looks elsewhere by now
  $("more").hidden = found.length <= wanted;
  const names = new Map(shown.map(([id, view]) => [id, view.display_name]));
  const rows = shown.map(([id, view]) => taskRow(id, view, named(toSay(view), names) || causes.get(id) || ""));
  fill("tasks", rows, chosen || search ? "No such tasks." : "No tasks.");
}

// asked for once, because it stays the same until the task runs again
const causes = new Map();

async function causeOf(id, view) {
  const key = `${id} ${view.last_updated}`;
  if (!causes.has(key)) {
    if (causes.size > 1000) causes.clear();
    causes.set(key, lastLine(reported((await look("fetch_error", { task_id: id })).error ?? "")));
  }
  return causes.get(key);
}

function taskRow(id, view, say) {
  return make(
    "tr",
    {},
    cell("", statusMark(view.status)),
    cell("name", make("a", { href: hashOf({ task: id }) }, view.display_name)),
    cell("number", view.priority ? String(view.priority) : ""),
    make("td", { class: "time", title: moment(since(view)) }, ago(since(view))),
    cell("say", say),
  );
}

function hashOf(changes) {
  const next = seen();
  for (const [name, value] of Object.entries(changes)) next.set(name, value);
  return `#${next}`;
}

async function showWorkers() {
  const found = await look("worker_list", { limit: WORKERS_MAX });
  fill("workers", found.map(workerRow), "No workers.");
}

function workerRow(worker) {
  const runs = Object.entries(worker.running ?? {}).flatMap(([id, view], index) => [
    index ? ", " : null,
    make("a", { href: hashOf({ task: id }) }, view.display_name),
  ]);
  const state = worker.submission ? "submitted" : worker.state;
  const slots = worker.submission ? "" : `${worker.num_running} of ${worker.workers ?? 1}`;
  const fixed = readOnly || worker.submission || state !== "active";
  return make(
    "tr",
    {},
    cell("", state),
    make("td", { class: "name", title: worker.name }, shortName(worker.name)),
    cell(
      "time",
      fixed ? slots : button(slots, () => setSlots(worker), { class: "link", title: "Change the number of slots" }),
    ),
    cell("number", number(worker.num_pending ?? 0)),
    cell("time", worker.submission ? "" : `${ago(worker.last_active)} ago`),
    cell("say", ...runs),
    cell("", fixed ? null : button("disable", () => disable(worker), { class: "link", title: "Give it no more work" })),
  );
}

async function setSlots(worker) {
  const text = prompt(`How many slots shall ${shortName(worker.name)} have?`, worker.workers ?? 1);
  if (text === null) return;
  if (!/^[1-9]\d*$/.test(text.trim())) throw new Error(`${text}: expected a whole number from 1 up`);
  await change("set_worker_processes", { worker: worker.name, n: Number(text) });
}

async function disable(worker) {
  if (confirm(`Give ${shortName(worker.name)} no more work? What it runs may end.`))
    await change("disable_worker", { worker: worker.name });
}

// -- runs that have ended -------------------------------------------------------------------------------------------

async function lookForRuns(wanted) {
  return answer(await fetch(`runs?${new URLSearchParams(wanted)}`));
}

async function showRuns(standing) {
  $("ended").hidden = !standing.has_runs;
  if (!standing.has_runs) return;
  const outcome = $("outcome").value;
  let found;
  try {
    found = await lookForRuns({ outcome, limit: runsShown });
  } catch (error) {
    fill("runs", [], error.message); // the rest of the page is none the worse for it
    return;
  }
  if (outcome !== $("outcome").value) return;
  const { runs, more } = found;
  fill("runs", runs.map((run) => runRow(run)), "No runs.");
  $("more-runs").hidden = !more || runsShown >= RUNS_MAX;
}

function runRow(run, ofOne = false) {
  const lost = run.outcome === "LOST" && !run.error ? `its worker was given up: ${shortName(run.worker ?? "")}` : "";
  return make(
    "tr",
    {},
    make("td", { class: "time", title: moment(run.ended) }, `${ago(run.ended)} ago`),
    cell("", statusMark(run.outcome)),
    cell("number", run.duration === null ? "" : took(run.duration)),
    ofOne ? null : cell("name", make("a", { href: hashOf({ task: run.task_id }) }, titleOf(run.task_id, { ...run, name: run.family }))),
    cell("", run.host ?? ""),
    cell("say", lost || lastLine(reported(run.error ?? ""))),
  );
}

const took = (seconds) => (seconds < 10 ? `${seconds.toFixed(seconds < 1 ? 2 : 1)} s` : span(seconds));

// The runs of one task; the history looks for a text in ids, and ids may hold others.
async function runsOf(id) {
  if (!hasRuns) return [];
  const { runs } = await lookForRuns({ task: id, limit: 20 }).catch(() => ({ runs: [] }));
  const rows = runs.filter((run) => run.task_id === id).map((run) => runRow(run, true));
  return rows.length ? [make("h3", {}, "Its runs"), make("div", { class: "wide" }, make("table", {}, ...rows))] : [];
}

// -- one task -------------------------------------------------------------------------------------------------------

async function showTask() {
  const id = seen().get("task");
  const dialog = $("task");
  if (!id) {
    dialog.close();
    return;
  }
  const args = { task_id: id, limit: TREE_MAX };
  const [needs, neededBy] = await Promise.all([look("dep_graph", args), look("inverse_dep_graph", args)]);
  if (seen().get("task") !== id) return;
  const view = needs[id];
  const close = button("Close", () => see({ task: null }));
  if (!view) {
    dialog.replaceChildren(make("div", { class: "top" }, make("p", {}, `There is no task ${id} (any more).`), close));
  } else {
    const error = GONE_WRONG.includes(view.status) ? await look("fetch_error", { task_id: id }) : null;
    const runs = await runsOf(id);
    const open = new Set([...dialog.querySelectorAll("details[open]")].map((each) => each.dataset.path));
    dialog.replaceChildren(
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

const nameOf = (id, view) => view.display_name || (view.status === "UNKNOWN" ? id : titleOf(id, view));

function titleOf(id, view) {
  const params = Object.entries(view.params ?? {}).map(([name, value]) => `${name}=${value}`);
  return view.name ? `${view.name}(${params.join(", ")})` : id;
}

// a report is JSON text, as Luigi's workers write it
function reported(text) {
  try {
    const found = JSON.parse(text);
    return typeof found === "string" ? found : text;
  } catch {
    return text;
  }
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
  details.dataset.path = path;
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

// -- again and again ------------------------------------------------------------------------------------------------

async function refresh(again = false) {
  try {
    const standing = await answer(await fetch("standing"));
    showStanding(standing);
    await Promise.all([showTasks(standing.tasks, again), showWorkers(), showRuns(standing), showTask()]);
    $("trouble").hidden = true;
  } catch (error) {
    $("trouble").textContent = `What you see may be old: ${error.message}`;
    $("trouble").hidden = false;
  }
}

async function keepLooking() {
  if (document.visibilityState === "visible" && !String(getSelection())) await refresh(true);
  setTimeout(keepLooking, EVERY_MS);
}

$("search").addEventListener("input", () => {
  clearTimeout($("search").timer);
  $("search").timer = setTimeout(() => see({ search: $("search").value.trim() }), 250);
});
$("filter").addEventListener("submit", (event) => event.preventDefault());
$("more").addEventListener("click", () => {
  pages += 1;
  refresh();
});
$("more-runs").addEventListener("click", () => {
  runsShown = Math.min(2 * runsShown, RUNS_MAX);
  refresh();
});
$("outcome").addEventListener("change", () => refresh());
$("outcomes").addEventListener("submit", (event) => event.preventDefault());
$("task").addEventListener("close", () => see({ task: null }));
let listed = listSeen();
addEventListener("hashchange", () => {
  if (listSeen() !== listed) pages = 1;
  listed = listSeen();
  refresh();
});
$("search").value = seen().get("search") ?? "";
keepLooking();
