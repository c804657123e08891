// The edge on this machine: the Worker of wrangler.toml in workerd, with databases, objects and queue on disk. Run by
// start.ts, configured by the variable UNMASK_EDGE, and talks to it in one message: the ports that it chose itself.
//
// It is not `wrangler dev`, which opens more doors than the API: SQL on every database, a debugger, handlers that anybody may
// call, and a port over which other programs reach each object. Here the API's port leads to the Worker and nowhere else.

import { subscribe } from "node:diagnostics_channel";
import type { Server } from "node:net";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { takeLock } from "#cli/models/lock.ts";
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
  /** The Worker as `wrangler deploy --dry-run --outdir` bundles it. */
  readonly bundle: string;
  /** The site's files. */
  readonly site: string;
  readonly storage: StorageSecrets;
  /** Variables and secrets over those of wrangler.toml. */
  readonly bindings: Readonly<Record<string, string>>;
}

/** What the process tells once it is ready. */
export interface EdgeReady {
  readonly internalPorts: readonly number[];
}

const settings = JSON.parse(process.env["UNMASK_EDGE"] ?? "") as EdgeSettings;

/** Of what wrangler reads out of wrangler.toml, what differs on this machine. Its own type has lost the names. */
interface WorkerOptions {
  readonly bindings?: Readonly<Record<string, string>>;
  readonly r2Buckets?: Readonly<Record<string, { readonly id: string }>>;
  readonly assets?: { readonly directory: string };
  /** For files that are not bundled yet. */
  readonly modulesRules?: unknown;
}

const { modulesRules: _, ...worker }: WorkerOptions =
  unstable_getMiniflareWorkerOptions("wrangler.toml").workerOptions;

interface LocalBucket {
  readonly id: string;
  readonly s3Credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Buckets under names that nobody can guess; the weights' opens over S3 as well. */
function localBuckets(): Record<string, LocalBucket> {
  const { bucket_suffix: suffix, access_key_id, secret_access_key } = settings.storage;
  const s3Credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  return Object.fromEntries(
    Object.entries(worker.r2Buckets ?? {}).map(([binding, { id: name }]) => {
      const id = `${name}-${suffix}`;
      return [binding, binding === "WEIGHTS" ? { id, s3Credentials } : { id }];
    }),
  );
}

const lock = takeLock(settings.lock, 0);
if (lock === undefined) throw new Error(`another edge writes to ${settings.folder}`);

const internalPorts: number[] = [];
subscribe("tracing:net.server.listen:asyncEnd", (message) => {
  const address = (message as { server: Server }).server.address();
  if (address !== null && typeof address === "object") internalPorts.push(address.port);
});

const workerd = new Miniflare(
  convertV4MiniflareOptions({
    host: LOOPBACK,
    port: settings.storagePort,
    cf: false,
    log: new Log(LogLevel.INFO),
    logRequests: false,
    telemetry: { enabled: false },
    resourcePersistencePath: path.resolve(settings.folder),
    unsafeTriggerHandlers: false,
    unsafeLocalExplorer: false,
    unsafeObservability: false,
    workers: [
      {
        ...worker,
        name: "unmask",
        modules: true,
        modulesRoot: path.resolve(settings.bundle),
        scriptPath: path.resolve(settings.bundle, "worker.js"),
        bindings: { ...worker.bindings, ...settings.bindings },
        r2Buckets: localBuckets(),
        assets: { ...worker.assets, directory: path.resolve(settings.site) },
        unsafeDirectSockets: [{ host: LOOPBACK, port: settings.apiPort }],
      },
    ],
  }),
);
await workerd.ready;
process.send?.({ internalPorts } satisfies EdgeReady);
process.once("SIGTERM", async () => {
  await workerd.dispose();
  lock.close();
  process.exit(0);
});
