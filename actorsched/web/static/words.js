// What is shown, in words.

export const RUNNING = ["RUNNING", "BATCH_RUNNING"];
export const GONE_WRONG = ["FAILED", "DISABLED"];

export const nameOfStatus = (status) => status.toLowerCase().replace("_", " ");
export const number = (value) => value.toLocaleString("en");
// of a task that is only known by name, Luigi's protocol says that it began "UNKNOWN"
export const moment = (seconds) => (Number.isFinite(seconds) && seconds ? new Date(seconds * 1000).toLocaleString() : "");
export const ago = (seconds) => (seconds ? span(Date.now() / 1000 - seconds) : "");
export const took = (seconds) => (seconds < 10 ? `${seconds.toFixed(seconds < 1 ? 2 : 1)} s` : span(seconds));

function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d`;
}

export function since(view) {
  return RUNNING.includes(view.status) && view.time_running ? view.time_running : view.last_updated;
}

// of an id that was made up, the host and the process
export function shortName(worker) {
  const found = /^Worker\(salt=\d+, .*\bhost=([^,]+), .*\bpid=(\d+)/.exec(worker);
  return found ? `${found[1]} pid ${found[2]}` : worker;
}

// what a task waits for is named as people call it, where that is known
export function named(text, names) {
  return text.replace(/[\w.-]+/g, (word) => names.get(word) ?? word);
}

export const nameOf = (id, view) => view.display_name || (view.status === "UNKNOWN" ? id : titleOf(id, view));

export function titleOf(id, view) {
  const params = Object.entries(view.params ?? {}).map(([name, value]) => `${name}=${value}`);
  return view.name ? `${view.name}(${params.join(", ")})` : id;
}

// a report is JSON text, as Luigi's workers write it
export function reported(text) {
  try {
    const found = JSON.parse(text);
    return typeof found === "string" ? found : text;
  } catch {
    return text;
  }
}

export const lastLine = (text) => text.trimEnd().split("\n").at(-1);

export function toSay(view) {
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
