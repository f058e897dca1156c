// The page of a scheduler: looks again and again, and hands what it has found to those who show it.

import { standing } from "./ask.js";
import { $ } from "./elements.js";
import { listSeen, see, seen } from "./place.js";
import { showMoreRuns, showRuns } from "./runs.js";
import { showStanding } from "./standing.js";
import { showTask } from "./task.js";
import { beginAgain, showMoreTasks, showTasks } from "./tasks.js";
import { showWorkers } from "./workers.js";

const EVERY_MS = 2000;

async function refresh(again = false) {
  try {
    const now = await standing();
    showStanding(now);
    await Promise.all([
      showTasks(now.tasks, again),
      showWorkers(now.read_only),
      showRuns(now.has_runs),
      showTask(now.read_only, now.has_runs),
    ]);
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
  showMoreTasks();
  refresh();
});
$("more-runs").addEventListener("click", () => {
  showMoreRuns();
  refresh();
});
$("outcome").addEventListener("change", () => refresh());
$("outcomes").addEventListener("submit", (event) => event.preventDefault());
$("task").addEventListener("close", () => see({ task: null }));
let listed = listSeen();
addEventListener("hashchange", () => {
  if (listSeen() !== listed) beginAgain();
  listed = listSeen();
  refresh();
});
addEventListener("changed", () => refresh());
$("search").value = seen().get("search") ?? "";
keepLooking();
