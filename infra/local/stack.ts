import { rmSync } from "node:fs";
import path from "node:path";
import { fileStore } from "#inference/file-store.ts";
import { copyBundle } from "#weights/copy.ts";
import { createS3Store, type S3Config } from "#weights/s3.ts";
import { generateTicketKeys } from "#wire/function/ticket.ts";
import type { EdgeReady, EdgeSettings } from "./edge.ts";
import {
  type LocalAccess,
  newAdminKey,
  openLocalAccount,
  readLocalAccess,
  writeLocalAccess,
} from "./local-key.ts";
import { MEMORY_SETTINGS } from "./memory-settings.ts";
import { assertFree, freePorts, LOOPBACK } from "./ports.ts";
import { answers, type LocalProcess, lastLines, startProcess, waitUntil } from "./processes.ts";
import {
  EDGE_LOCK,
  type LocalState,
  type StorageSecrets,
  storageSecrets,
  writeWhole,
} from "./state.ts";

export const MODEL = "unmask-demo";
export const BUNDLE = "infra/demo-model/bundle";

/** A start takes about six seconds on two cores; twenty times that means that something hangs. */
const READY_TIMEOUT_MS = 120_000;

/** Where workerd serves the buckets over S3, on the storage's port. */
const S3_PATH = "/cdn-cgi/local/r2/s3";

/** Where `wrangler d1 --persist-to edge` puts the tables. */
const EDGE_FOLDER = "edge/v3";

export interface StackOptions {
  /** The API's; 0 takes any free one. */
  readonly port: number;
  /** What computes: `cpu` or `wasm`. */
  readonly provider: string;
  readonly say: (words: string) => void;
}

/** The parts of one local system, one start of each: what they need to find one another. */
interface Stack {
  readonly state: LocalState;
  readonly secrets: StorageSecrets;
  readonly ports: LocalPorts;
}

/** The ports of the system's parts. None of them may be reached by whoever has pictures fetched or webhooks sent. */
interface LocalPorts {
  readonly api: number;
  readonly storage: number;
  readonly function: number;
  readonly fetch: number;
}

/**
 * Starts everything in the order in which it needs one another; what was started stands in `running` even after a throw.
 * Throws an Error that says what to do if a port is taken or a part does not start.
 */
export async function startStack(
  options: StackOptions,
  state: LocalState,
  running: LocalProcess[],
  signal: AbortSignal,
): Promise<LocalAccess> {
  const { say } = options;
  const stack = { state, secrets: storageSecrets(state), ports: await choosePorts(options.port) };
  const accessFile = state.file("local.json");
  const known = readLocalAccess(accessFile);
  const adminKey = known.admin_key ?? newAdminKey();
  const ticketKeys = await generateTicketKeys(`local-${process.pid}`);
  const url = `http://${LOOPBACK}:${stack.ports.api}`;

  say("edge and object storage …");
  await prepareEdge(state);
  signal.throwIfAborted();
  const edge = startEdge(stack, adminKey, ticketKeys.signing);
  running.push(edge);
  const { internalPorts } = await edgeReady(edge, url, signal);
  const key = await openLocalAccount(url, adminKey, known.key, signal);
  const access: LocalAccess = { url, key, admin_key: adminKey };

  say("demo model into object storage …");
  const store = localStore(stack);
  const { digest } = await copyBundle(fileStore(BUNDLE), createS3Store(store), {
    name: MODEL,
    signal,
  });

  say("fetch hop and inference function …");
  const ownPorts = [...Object.values(stack.ports), ...internalPorts];
  writeWhole(state.file("ports.json"), ownPorts);
  const hop = startFetchHop(stack, ownPorts, ticketKeys.verification);
  running.push(hop);
  const worker = startFunction(stack, store, ticketKeys.verification, options.provider);
  running.push(worker);
  const functionUrl = `http://${LOOPBACK}:${stack.ports.function}`;
  const waiting = { timeoutMs: READY_TIMEOUT_MS, signal };
  await waitUntil(hop, () => answers(`http://${LOOPBACK}:${stack.ports.fetch}/health`), waiting);
  await waitUntil(worker, () => isReady(functionUrl, worker.logFile), waiting);
  writeLocalAccess(accessFile, access);
  say(`ready: ${MODEL} ${digest.slice(0, 12)}`);
  return access;
}

async function choosePorts(wanted: number): Promise<LocalPorts> {
  if (wanted !== 0) await assertFree(wanted);
  const [free = 0, storage = 0, worker = 0, hop = 0] = await freePorts(4);
  return { api: wanted === 0 ? free : wanted, storage, function: worker, fetch: hop };
}

/** Bundles the Worker and brings the edge's tables up to date. */
async function prepareEdge(state: LocalState): Promise<void> {
  // Where earlier versions kept every request's address, query and all.
  rmSync(path.join(state.file(EDGE_FOLDER), "observability"), { recursive: true, force: true });
  const bundle = ["deploy", "--dry-run", "--outdir", state.file("worker")];
  const persist = ["--local", "--persist-to", state.file("edge")];
  await Promise.all([
    runWrangler("bundle", bundle, state),
    runWrangler("migrations", ["d1", "migrations", "apply", "unmask", ...persist], state),
  ]);
}

async function runWrangler(
  name: string,
  args: readonly string[],
  state: LocalState,
): Promise<void> {
  const logFile = state.file(`${name}.log`);
  // CI: without a terminal it asks nobody. Its own logs would lie in the user's settings, readable to everybody.
  const env = { CI: "true", WRANGLER_WRITE_LOGS: "false" };
  const fate = await startProcess(name, ["wrangler", ...args], { logFile, env }).ended;
  if (fate !== "ended with 0") throw new Error(`${name} ${fate}:\n${lastLines(logFile, 20)}`);
}

function startEdge({ state, secrets, ports }: Stack, adminKey: string, ticketKey: object) {
  const settings: EdgeSettings = {
    apiPort: ports.api,
    storagePort: ports.storage,
    folder: state.file(EDGE_FOLDER),
    lock: state.file(EDGE_LOCK),
    bundle: state.file("worker"),
    storage: secrets,
    bindings: {
      MODEL,
      FUNCTION_URL: `http://${LOOPBACK}:${ports.function}`,
      FETCH_URL: `http://${LOOPBACK}:${ports.fetch}`,
      FETCH_PRIVATE: "allow",
      TICKET_KEY: JSON.stringify(ticketKey),
      ADMIN_KEY: adminKey,
    },
  };
  return startProcess("edge", [process.execPath, "infra/local/edge.ts"], {
    logFile: state.file("edge.log"),
    env: { UNMASK_EDGE: JSON.stringify(settings), WRANGLER_WRITE_LOGS: "false" },
  });
}

async function edgeReady(edge: LocalProcess, url: string, signal: AbortSignal): Promise<EdgeReady> {
  let ready: EdgeReady | undefined;
  void edge.message.then((message) => {
    ready = message as EdgeReady;
  });
  const probe = async (): Promise<boolean> =>
    ready !== undefined && (await answers(`${url}/openapi.json`));
  await waitUntil(edge, probe, { timeoutMs: READY_TIMEOUT_MS, signal });
  return ready ?? { internalPorts: [] };
}

function localStore({ secrets, ports }: Stack): S3Config {
  return {
    endpoint: `http://${LOOPBACK}:${ports.storage}${S3_PATH}`,
    region: "auto",
    bucket: `unmask-weights-${secrets.bucket_suffix}`,
    accessKeyId: secrets.access_key_id,
    secretAccessKey: secrets.secret_access_key,
  };
}

function startFetchHop(
  { state, ports }: Stack,
  ownPorts: readonly number[],
  ticketKey: object,
): LocalProcess {
  return startProcess("fetch", [process.execPath, "src/inference/fetch-hop.ts"], {
    logFile: state.file("fetch.log"),
    env: {
      UNMASK_HOST: LOOPBACK,
      UNMASK_PORT: String(ports.fetch),
      // Pictures and webhook receivers of whoever tries it out are on this machine, and so is everybody who has a key.
      UNMASK_FETCH_PRIVATE: "allow",
      UNMASK_FETCH_FORBIDDEN: ownPorts.join(","),
      UNMASK_TICKET_KEYS: JSON.stringify([ticketKey]),
    },
  });
}

function startFunction(
  { state, ports }: Stack,
  store: S3Config,
  ticketKey: object,
  provider: string,
): LocalProcess {
  return startProcess("function", [process.execPath, "src/inference/function.ts"], {
    logFile: state.file("function.log"),
    env: {
      ...MEMORY_SETTINGS,
      UNMASK_HOST: LOOPBACK,
      UNMASK_PORT: String(ports.function),
      UNMASK_MODEL: MODEL,
      UNMASK_PROVIDER: provider,
      UNMASK_S3_ENDPOINT: store.endpoint,
      UNMASK_S3_REGION: store.region,
      UNMASK_S3_BUCKET: store.bucket,
      UNMASK_S3_ACCESS_KEY_ID: store.accessKeyId,
      UNMASK_S3_SECRET_ACCESS_KEY: store.secretAccessKey,
      UNMASK_TICKET_KEYS: JSON.stringify([ticketKey]),
    },
  });
}

/** Throws if the model can never be served: there is no use in waiting then. */
async function isReady(functionUrl: string, logFile: string): Promise<boolean> {
  if (!(await answers(`${functionUrl}/status`))) {
    const health = await fetch(`${functionUrl}/health`).catch(() => undefined); // not listening yet
    if (health?.status === 503) throw new Error(`the model cannot be served (see ${logFile})`);
    return false;
  }
  const { state } = (await (await fetch(`${functionUrl}/status`)).json()) as { state?: string };
  if (state === "failed") throw new Error(`the weights failed to load (see ${logFile})`);
  return state === "ready";
}
