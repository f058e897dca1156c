// The runs that have ended, of all tasks and of one.

import { endedRuns } from "./ask.js";
import { $, cell, fill, make, statusMark } from "./elements.js";
import { hashOf } from "./place.js";
import { ago, lastLine, moment, reported, shortName, titleOf, took } from "./words.js";

const RUNS_MAX = 1000;
const RUNS_OF_ONE = 20;

let wanted = 25;

export async function showRuns(there) {
  $("ended").hidden = !there;
  if (!there) return;
  const outcome = $("outcome").value;
  let found;
  try {
    found = await endedRuns({ outcome, limit: wanted });
  } catch (error) {
    fill("runs", [], error.message); // the rest of the page is none the worse for it
    return;
  }
  if (outcome !== $("outcome").value) return;
  const { runs, more } = found;
  fill("runs", runs.map((run) => runRow(run)), "No runs.");
  $("more-runs").hidden = !more || wanted >= RUNS_MAX;
}

export function showMoreRuns() {
  wanted = Math.min(2 * wanted, RUNS_MAX);
}

function runRow(run, ofOne = false) {
  const lost = run.outcome === "LOST" && !run.error ? `its worker was given up: ${shortName(run.worker ?? "")}` : "";
  const name = titleOf(run.task_id, { params: run.params, name: run.family });
  return make(
    "tr",
    { "data-of": `${run.task_id} ${run.ended}` },
    make("td", { class: "time", title: moment(run.ended) }, `${ago(run.ended)} ago`),
    cell("", statusMark(run.outcome)),
    cell("number", run.duration === null ? "" : took(run.duration)),
    ofOne ? null : cell("name", make("a", { href: hashOf({ task: run.task_id }) }, name)),
    cell("", run.host ?? ""),
    cell("say", lost || lastLine(reported(run.error ?? ""))),
  );
}

// The runs of one task; the history looks for a text in ids, and ids may hold others.
export async function runsOf(id) {
  const { runs } = await endedRuns({ task: id, limit: RUNS_OF_ONE }).catch(() => ({ runs: [] }));
  const rows = runs.filter((run) => run.task_id === id).map((run) => runRow(run, true));
  return rows.length ? [make("h3", {}, "Its runs"), make("div", { class: "wide" }, make("table", {}, ...rows))] : [];
}
