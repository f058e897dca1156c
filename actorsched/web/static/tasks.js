// The tasks: what runs and what went wrong comes first; in a status, in order of registration.

import { look } from "./ask.js";
import { $, cell, fill, make, statusMark } from "./elements.js";
import { hashOf, listSeen, seen } from "./place.js";
import { GONE_WRONG, RUNNING, ago, lastLine, moment, named, reported, since, toSay } from "./words.js";

const FIRST = [...RUNNING, "FAILED", "DISABLED", "UNKNOWN", "PENDING", "DONE"];
const PAGE = 100;
const ERRORS_MAX = 100;
// the scheduler looks at every name for a search, and has other things to do
const SEARCH_EVERY_MS = 20000;

let pages = 1;
let searched = 0;

export function showMoreTasks() {
  pages += 1;
}

export function beginAgain() {
  pages = 1;
}

export async function showTasks(counts, again) {
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
    { "data-of": id },
    cell("", statusMark(view.status)),
    cell("name", make("a", { href: hashOf({ task: id }) }, view.display_name)),
    cell("number", view.priority ? String(view.priority) : ""),
    make("td", { class: "time", title: moment(since(view)) }, ago(since(view))),
    cell("say", say),
  );
}
