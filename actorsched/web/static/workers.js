// The workers, and how many slots they have.

import { change, look } from "./ask.js";
import { button, cell, fill, make } from "./elements.js";
import { hashOf } from "./place.js";
import { ago, number, shortName } from "./words.js";

const WORKERS_MAX = 200;

export async function showWorkers(readOnly) {
  const found = await look("worker_list", { limit: WORKERS_MAX });
  fill("workers", found.map((worker) => workerRow(worker, readOnly)), "No workers.");
}

function workerRow(worker, readOnly) {
  const runs = Object.entries(worker.running ?? {}).flatMap(([id, view], index) => [
    index ? ", " : null,
    make("a", { href: hashOf({ task: id }) }, view.display_name),
  ]);
  const state = worker.submission ? "submitted" : worker.state;
  const slots = worker.submission ? "" : `${worker.num_running} of ${worker.workers ?? 1}`;
  const fixed = readOnly || worker.submission || state !== "active";
  return make(
    "tr",
    { "data-of": worker.name },
    cell("", state),
    make("td", { class: "name", title: worker.name }, shortName(worker.name)),
    cell(
      "time",
      fixed ? slots : button(slots, () => setSlots(worker), { class: "link", title: "Change the number of slots" }),
    ),
    cell("number", number(worker.num_pending ?? 0)),
    cell("time", worker.submission ? "" : `${ago(worker.last_active)} ago`),
    cell("say", ...runs),
    cell("time", fixed ? null : button("disable", () => disable(worker), { class: "link", title: "Give it no more work" })),
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
