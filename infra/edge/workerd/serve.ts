// Entry of the edge outside of Cloudflare: the Worker in workerd, with databases, objects and queue on disk, at one port.
//   node infra/edge/workerd/serve.ts
// Configured by environment variables (serve-config.ts). For compose.yaml, for a demonstration and for one machine: Cloudflare's
// own databases are copied and backed up, these are files in one folder, and what waits in the queue is lost with the process.

import { readBuilt } from "./built.ts";
import { parseServeConfig, workerBindings } from "./serve-config.ts";
import { migrateDatabases, openWorkerd, runOnSchedule } from "./workerd.ts";

function log(event: string, fields: Readonly<Record<string, string | number>> = {}): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

const { host, port, built, state } = parseServeConfig(process.env);
const edge = readBuilt(built);

for (const [binding, applied] of await migrateDatabases(state, edge))
  log("edge.migrated", { binding, applied: applied.length });

const workerd = openWorkerd({
  built,
  worker: edge.worker,
  folder: state,
  bindings: workerBindings(edge.settings, process.env),
  buckets: edge.worker.r2Buckets ?? {},
  api: { host, port },
  storagePort: 0,
});
await workerd.ready;
runOnSchedule(workerd, (fault) => log("edge.schedule_failed", { fault: String(fault) }));
const ended = new Promise<string>((resolve) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    // Miniflare's own, which end this process at once, with 143 and before workerd has ended.
    process.removeAllListeners(signal);
    process.once(signal, () => resolve(signal));
  }
});
log("edge.listening", { host, port });
log("edge.ending", { signal: await ended });
await workerd.dispose();
process.exit(0);
