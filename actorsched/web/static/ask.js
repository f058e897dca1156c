// Asking the scheduler: by the same calls as everybody else.

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

// a method that changes nothing
export async function look(method, args = {}) {
  const query = new URLSearchParams({ data: JSON.stringify(args) });
  return (await answer(await fetch(`api/${method}?${query}`))).response;
}

// one that changes something; whoever shows it hears of that
export async function change(method, args = {}) {
  const headers = { "content-type": "application/json" };
  const reply = await answer(
    await fetch(`api/${method}`, { method: "POST", headers, body: JSON.stringify(args) }),
  );
  dispatchEvent(new Event("changed"));
  return reply.response;
}

// what the page is of: numbers, and what whoever looks may do
export async function standing() {
  return answer(await fetch("standing"));
}

// runs that have ended, where there is a history
export async function endedRuns(wanted) {
  return answer(await fetch(`runs?${new URLSearchParams(wanted)}`));
}
