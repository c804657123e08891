import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { type BuiltEdge, SITE_FOLDER, WORKER_FOLDER } from "./built.ts";
import { migrate, type RunBatch } from "./migrate.ts";

/** Of what wrangler reads out of wrangler.toml, what differs from place to place. Its own type has lost the names. */
export interface WorkerOptions {
  readonly bindings?: Readonly<Record<string, string>>;
  readonly r2Buckets?: Readonly<Record<string, { readonly id: string }>>;
  readonly d1Databases?: Readonly<Record<string, { readonly id: string }>>;
  readonly assets?: { readonly directory: string };
  /** For files that are not bundled yet. */
  readonly modulesRules?: unknown;
}

/** A bucket, and who may open it over S3; absent: nobody. */
export interface Bucket {
  readonly id: string;
  readonly s3Credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The Worker of wrangler.toml in workerd, with databases, objects and queue on disk. */
export interface WorkerdSettings {
  /** Where `build.ts` has laid it out. */
  readonly built: string;
  /** What it says there. */
  readonly worker: WorkerOptions;
  /** Where databases and objects lie. */
  readonly folder: string;
  /** Variables and secrets over those of wrangler.toml. */
  readonly bindings: Readonly<Record<string, string>>;
  readonly buckets: Readonly<Record<string, Bucket>>;
  /** Where the API is served. */
  readonly api: { readonly host: string; readonly port: number };
  /** Where buckets are served over S3, on loopback; 0: any free port. */
  readonly storagePort: number;
}

const LOOPBACK = "127.0.0.1";

/** What wrangler.toml triggers on Cloudflare. */
const CRON = "*/5 * * * *";
const CRON_MS = 5 * 60_000;

/**
 * Starts workerd. It is not `wrangler dev`, which opens more doors than the API: SQL on every database, a debugger, handlers that
 * anybody may call, and a port over which other programs reach each object. Here the API's port leads to the Worker and nowhere else.
 */
export function openWorkerd(settings: WorkerdSettings): Miniflare {
  const { modulesRules: _, ...worker } = settings.worker;
  const bundle = path.resolve(settings.built, WORKER_FOLDER);
  return new Miniflare(
    convertV4MiniflareOptions({
      ...quiet(settings.folder, settings.storagePort),
      workers: [
        {
          ...worker,
          name: "unmask",
          modules: true,
          modulesRoot: bundle,
          scriptPath: path.join(bundle, "worker.js"),
          bindings: { ...worker.bindings, ...settings.bindings },
          r2Buckets: settings.buckets,
          assets: { ...worker.assets, directory: path.resolve(settings.built, SITE_FOLDER) },
          unsafeDirectSockets: [settings.api],
        },
      ],
    }),
  );
}

/** Calls the Worker's scheduled handler as the cron trigger does there: nothing here does so by itself. `onFault` hears of calls that came to nothing. */
export function runOnSchedule(workerd: Miniflare, onFault: (fault: unknown) => void): void {
  const run = async (): Promise<void> => {
    try {
      const worker = await workerd.getWorker("unmask");
      const { outcome } = await worker.scheduled({ cron: CRON });
      if (outcome !== "ok") onFault(outcome);
    } catch (cause) {
      onFault(cause);
    }
  };
  setInterval(() => void run(), CRON_MS).unref();
}

/**
 * Brings the tables of every database up to date and returns the names of the migrations that were applied, by binding. Before
 * `openWorkerd`: nobody is to ask for a table that is not there yet.
 */
export async function migrateDatabases(
  folder: string,
  { worker: { d1Databases = {} }, migrations }: BuiltEdge,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const databases = new Miniflare(
    convertV4MiniflareOptions({
      ...quiet(folder, 0),
      workers: [{ name: "migrations", modules: true, script: RUNS_BATCHES, d1Databases }],
    }),
  );
  try {
    const applied = new Map<string, readonly string[]>();
    for (const binding of Object.keys(d1Databases))
      applied.set(binding, await migrate(batchesOf(databases, binding), migrations));
    return applied;
  } finally {
    await databases.dispose();
  }
}

/** A Worker that runs the statements it is sent: Miniflare's own way to a database is a call for each, and waits for it. */
const RUNS_BATCHES = `export default {
  async fetch(request, env) {
    const { binding, statements } = await request.json();
    const prepared = statements.map(({ sql, values }) => env[binding].prepare(sql).bind(...values));
    try {
      return Response.json({ rows: (await env[binding].batch(prepared)).at(-1).results });
    } catch (cause) {
      return Response.json({ fault: String(cause) });
    }
  },
};`;

function batchesOf(databases: Miniflare, binding: string): RunBatch {
  return async (statements) => {
    const body = JSON.stringify({ binding, statements });
    const reply = await databases.dispatchFetch("http://migrations/", { method: "POST", body });
    const { rows, fault } = (await reply.json()) as {
      readonly rows?: Awaited<ReturnType<RunBatch>>;
      readonly fault?: string;
    };
    if (rows === undefined) throw new Error(`the tables of ${binding} cannot be made: ${fault}`);
    return rows;
  };
}

function quiet(folder: string, port: number) {
  return {
    ...{ host: LOOPBACK, port, cf: false as const, logRequests: false },
    log: new Log(LogLevel.INFO),
    telemetry: { enabled: false },
    resourcePersistencePath: path.resolve(folder),
    unsafeTriggerHandlers: false,
    unsafeLocalExplorer: false,
    unsafeObservability: false,
  };
}
