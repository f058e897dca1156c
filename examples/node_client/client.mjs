// A worker for actorsched in JavaScript: it registers three tasks, runs them, and reports each.
// npm install zeromq && node client.mjs tcp://127.0.0.1:8081
import { Request } from "zeromq"
import { randomBytes } from "node:crypto"

const socket = new Request({ linger: 0, receiveTimeout: 10_000 })
socket.connect(process.argv[2] ?? "tcp://127.0.0.1:8081")
const client = randomBytes(12).toString("hex")
let seq = 0

async function call(method, params = {}) {
  seq += 1
  await socket.send(JSON.stringify({ jsonrpc: "2.0", method, params, id: seq, client, seq }))
  const { result, error } = JSON.parse((await socket.receive())[0])
  if (error) throw new Error(`${error.code} ${error.message}`)
  return result
}

const worker = `node-${client.slice(0, 6)}`
const { protocol_version, lease_s } = await call("hello", { protocol_version: 1, client: "node" })
console.log(`protocol ${protocol_version}, a lease of ${lease_s} s`)
await call("add_worker", { worker, info: { workers: 1 } })
const tasks = { bake: ["knead"], knead: ["weigh"], weigh: [] }
for (const [task_id, deps] of Object.entries(tasks))
  await call("add_task", { worker, task_id, deps, family: task_id })

for (let work; (work = await call("get_work", { worker, current_tasks: [] })).task_id; ) {
  console.log(`running ${work.task_id}`)
  await call("add_task", { worker, task_id: work.task_id, run_id: work.run_id, status: "DONE" })
}
const done = Object.keys(await call("task_list", { status: "DONE" })).filter((id) => id in tasks)
console.log(`done: ${done.sort().join(", ")}`)
socket.close()
