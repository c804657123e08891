// The edge on this machine, with databases, objects and queue on disk. Run by start.ts, configured by the variable UNMASK_EDGE, and
// talks to it in one message: the ports that it chose itself.

import { subscribe } from "node:diagnostics_channel";
import type { Server } from "node:net";
import { takeLock } from "#cli/models/lock.ts";
import { readBuilt } from "../edge/workerd/built.ts";
import {
  type Bucket,
  migrateDatabases,
  openWorkerd,
  runOnSchedule,
} from "../edge/workerd/workerd.ts";
import { LOOPBACK } from "./ports.ts";
import type { StorageSecrets } from "./state.ts";

export interface EdgeSettings {
  readonly apiPort: number;
  /** Serves the buckets over S3, at `S3_PATH`, to whoever has the secrets. */
  readonly storagePort: number;
  /** Where databases and objects lie. */
  readonly folder: string;
  /** Held while the edge runs, so that no later start writes beside it. */
  readonly lock: string;
  /** Where `infra/edge/workerd/build.ts` has laid the Worker and its site out. */
  readonly built: string;
  readonly storage: StorageSecrets;
  /** Variables and secrets over those of wrangler.toml. */
  readonly bindings: Readonly<Record<string, string>>;
}

/** What the process tells once it is ready. */
export interface EdgeReady {
  readonly internalPorts: readonly number[];
}

const settings = JSON.parse(process.env["UNMASK_EDGE"] ?? "") as EdgeSettings;

const edge = readBuilt(settings.built);

/** Buckets under names that nobody can guess; the weights' opens over S3 as well. */
function localBuckets(): Record<string, Bucket> {
  const { bucket_suffix: suffix, access_key_id, secret_access_key } = settings.storage;
  const s3Credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  return Object.fromEntries(
    Object.entries(edge.worker.r2Buckets ?? {}).map(([binding, { id: name }]) => {
      const id = `${name}-${suffix}`;
      return [binding, binding === "WEIGHTS" ? { id, s3Credentials } : { id }];
    }),
  );
}

const lock = takeLock(settings.lock, 0);
if (lock === undefined) throw new Error(`another edge writes to ${settings.folder}`);

await migrateDatabases(settings.folder, edge);

const internalPorts: number[] = [];
subscribe("tracing:net.server.listen:asyncEnd", (message) => {
  const address = (message as { server: Server }).server.address();
  if (address !== null && typeof address === "object") internalPorts.push(address.port);
});

const workerd = openWorkerd({
  built: settings.built,
  worker: edge.worker,
  folder: settings.folder,
  bindings: settings.bindings,
  buckets: localBuckets(),
  api: { host: LOOPBACK, port: settings.apiPort },
  storagePort: settings.storagePort,
});
await workerd.ready;
runOnSchedule(workerd, (fault) => console.error(`the schedule failed: ${String(fault)}`));
process.send?.({ internalPorts } satisfies EdgeReady);
process.once("SIGTERM", async () => {
  await workerd.dispose();
  lock.close();
  process.exit(0);
});
