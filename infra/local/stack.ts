import { rmSync } from "node:fs";
import path from "node:path";
import type { Reporter } from "#cli/convert/report.ts";
import { fileStore } from "#inference/file-store.ts";
import { copyBundle } from "#weights/copy.ts";
import { createS3Store, type S3Config } from "#weights/s3.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { buildEdge } from "../edge/workerd/build.ts";
import { SITE_FOLDER, WORKER_FOLDER } from "../edge/workerd/built.ts";
import type { EdgeReady, EdgeSettings } from "./edge.ts";
import {
  isThroughStorage,
  type LocalFunction,
  startFunction,
} from "./functions/function-process.ts";
import { untilReady } from "./functions/loading.ts";
import type { LocalModel } from "./functions/local-model.ts";
import {
  type LocalAccess,
  newAdminKey,
  openLocalAccount,
  readLocalAccess,
  writeLocalAccess,
} from "./local-key.ts";
import { assertFree, freePorts, LOOPBACK } from "./ports.ts";
import { answers, type LocalProcess, startProcess, waitUntil } from "./processes.ts";
import {
  EDGE_LOCK,
  type LocalState,
  type StorageSecrets,
  storageSecrets,
  tighten,
  writeWhole,
} from "./state.ts";

/** A start takes about six seconds on two cores; twenty times that means that something hangs. */
const READY_TIMEOUT_MS = 120_000;

/** Where workerd serves the buckets over S3, on the storage's port. */
const S3_PATH = "/cdn-cgi/local/r2/s3";

/** Where tables and objects lie: `wrangler --persist-to edge` finds them there. */
const EDGE_FOLDER = "edge/v3";

export interface StackOptions {
  /** The API's; 0 takes any free one. */
  readonly port: number;
  /** A function each; the first is the model of requests that name none. */
  readonly models: readonly LocalModel[];
  /** No account is opened. */
  readonly isEmpty: boolean;
  readonly reporter: Reporter;
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
  readonly fetch: number;
  /** In the order of the models. */
  readonly functions: readonly number[];
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
  const { models, reporter } = options;
  const say = (words: string): void => reporter.says(`unmask: ${words}`);
  const ports = await choosePorts(options.port, models.length);
  const stack = { state, secrets: storageSecrets(state), ports };
  const accessFile = state.file("local.json");
  const known = readLocalAccess(accessFile);
  const adminKey = known.admin_key ?? newAdminKey();
  const ticketKeys = await generateTicketKeys(`local-${process.pid}`);
  const url = `http://${LOOPBACK}:${stack.ports.api}`;

  say("edge and object storage …");
  await prepareEdge(state, signal);
  const edge = startEdge(stack, models[0]?.name, adminKey, ticketKeys.signing);
  running.push(edge);
  const { internalPorts } = await edgeReady(edge, url, signal);
  const key = options.isEmpty
    ? (known.key ?? "")
    : await openLocalAccount(url, adminKey, known.key, signal);
  const access: LocalAccess = { url, key, admin_key: adminKey };

  const storage = localStore(stack);
  await fillStorage(models, storage, { reporter, signal });

  say(models.length === 1 ? "fetch hop and inference function …" : "fetch hop and functions …");
  const ownPorts = [...allPorts(stack.ports), ...internalPorts];
  writeWhole(state.file("ports.json"), ownPorts);
  const hop = startFetchHop(stack, ownPorts, ticketKeys.verification);
  running.push(hop);
  const functions = models.map((model, index): LocalFunction => {
    const started = startFunction({
      model,
      storage,
      say,
      ticketKey: ticketKeys.verification,
      port: stack.ports.functions[index] ?? 0,
      logFile: state.file(index === 0 ? "function.log" : `function-${index + 1}.log`),
    });
    running.push(started.process);
    return started;
  });
  const waiting = { timeoutMs: READY_TIMEOUT_MS, signal };
  await waitUntil(hop, () => answers(`http://${LOOPBACK}:${stack.ports.fetch}/health`), waiting);
  // One after another: each line of progress is of one model.
  for (const one of functions) await untilReady(one, reporter, signal);
  writeLocalAccess(accessFile, access);
  say(`ready: ${models.map(({ name, provider }) => `${name} on ${provider}`).join(", ")}`);
  return access;
}

/** Copies the bundles that come through the object storage as in production; what lies there from an earlier start is kept. */
async function fillStorage(
  models: readonly LocalModel[],
  storage: S3Config,
  { reporter, signal }: { readonly reporter: Reporter; readonly signal: AbortSignal },
): Promise<void> {
  for (const model of models) {
    if (model.location.kind !== "folder" || !isThroughStorage(model)) continue;
    reporter.says(`unmask: ${model.name} into object storage …`);
    await copyBundle(fileStore(model.location.path), createS3Store(storage), {
      name: model.name,
      ...(model.version === undefined ? {} : { version: model.version }),
      signal,
      onProgress: (progress) => reporter.progress(progress, `unmask: ${model.name}`),
    });
  }
}

async function choosePorts(wanted: number, functionCount: number): Promise<LocalPorts> {
  if (wanted !== 0) await assertFree(wanted);
  const [free = 0, storage = 0, hop = 0, ...functions] = await freePorts(3 + functionCount);
  return { api: wanted === 0 ? free : wanted, storage, fetch: hop, functions };
}

function allPorts({ api, storage, fetch: hop, functions }: LocalPorts): readonly number[] {
  return [api, storage, hop, ...functions];
}

/** Lays the Worker and the site out, so that a later build takes nothing from under a running system. */
async function prepareEdge(state: LocalState, signal: AbortSignal): Promise<void> {
  // Where earlier versions kept every request's address, query and all.
  rmSync(path.join(state.file(EDGE_FOLDER), "observability"), { recursive: true, force: true });
  await buildEdge(state.folder, signal);
  for (const copied of [WORKER_FOLDER, SITE_FOLDER]) tighten(state.file(copied));
}

function startEdge(
  { state, secrets, ports }: Stack,
  model: string | undefined,
  adminKey: string,
  ticketKey: object,
): LocalProcess {
  const settings: EdgeSettings = {
    apiPort: ports.api,
    storagePort: ports.storage,
    folder: state.file(EDGE_FOLDER),
    lock: state.file(EDGE_LOCK),
    built: state.folder,
    storage: secrets,
    bindings: {
      ...(model === undefined ? {} : { MODEL: model }),
      FUNCTION_URL: ports.functions.map((port) => `http://${LOOPBACK}:${port}`).join(),
      FETCH_URL: `http://${LOOPBACK}:${ports.fetch}`,
      FETCH_PRIVATE: "allow",
      TICKET_KEY: JSON.stringify(ticketKey),
      ADMIN_KEY: adminKey,
      ...handedOn(process.env),
    },
  };
  return startProcess("edge", [process.execPath, "infra/local/edge.ts"], {
    logFile: state.file("edge.log"),
    env: { UNMASK_EDGE: JSON.stringify(settings) },
  });
}

/** OpenTelemetry's variables, which the functions read by themselves, and where credit is bought: the Worker is bound to them. */
function handedOn(
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      (name.startsWith("OTEL_") || name === "TOP_UP") && value !== undefined ? [[name, value]] : [],
    ),
  );
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
