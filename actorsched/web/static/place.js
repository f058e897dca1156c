// What is looked at: in the address, so that it can be sent to somebody.

export function seen() {
  return new URLSearchParams(location.hash.slice(1));
}

// what chooses among the tasks
export const listSeen = () => `${seen().get("status") ?? ""} ${seen().get("search") ?? ""}`;

export function see(changes) {
  const next = seen();
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  location.hash = next.toString();
}

export function hashOf(changes) {
  const next = seen();
  for (const [name, value] of Object.entries(changes)) next.set(name, value);
  return `#${next}`;
}
