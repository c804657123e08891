import { randomBytes } from "node:crypto";
import path from "node:path";
import type { EdgeSettings } from "../../infra/local/edge.ts";
import {
  answers,
  type LocalProcess,
  startProcess,
  waitUntil,
} from "../../infra/local/processes.ts";
import { descendantsOf } from "../support/linux-processes.ts";

/** The edge of `infra/local/edge.ts` as a process: workerd with its databases and objects in a folder. */
export interface LocalEdge {
  /** Base address with a slash at the end. */
  readonly url: string;
  readonly workerdPid: number;
  readonly process: LocalProcess;
}

export interface LocalEdgeTerms {
  /** Where `buildEdge` has been. */
  readonly folder: string;
  readonly apiPort: number;
  readonly storagePort: number;
  readonly bindings: EdgeSettings["bindings"];
  readonly env?: Readonly<Record<string, string>>;
}

const START_MS = 120_000;

/** Where the edge of a folder keeps its databases. */
export function databasesOf(folder: string): string {
  return path.join(folder, "edge", "v3");
}

/** Starts an edge and waits until it answers. Of one process of ours there is one edge at a time. */
export async function startLocalEdge(terms: LocalEdgeTerms): Promise<LocalEdge> {
  const { folder, apiPort, storagePort, bindings, env = {} } = terms;
  const url = `http://127.0.0.1:${apiPort}/`;
  const settings: EdgeSettings = {
    ...{ apiPort, storagePort, bindings },
    folder: databasesOf(folder),
    lock: path.join(folder, "edge.lock"),
    built: folder,
    storage: { bucket_suffix: "bench", access_key_id: "bench", secret_access_key: "bench-secret" },
  };
  const edge = startProcess("edge", [process.execPath, "infra/local/edge.ts"], {
    logFile: path.join(folder, "edge.log"),
    env: { ...env, UNMASK_EDGE: JSON.stringify(settings) },
    isAnew: true,
  });
  const signal = AbortSignal.timeout(START_MS);
  await waitUntil(edge, () => answers(`${url}health`), { timeoutMs: START_MS, signal });
  return { url, workerdPid: ownWorkerd(), process: edge };
}

/** Bindings that put no limit in the way of a benchmark, and the key of its administrator. */
export function roomyBindings(): {
  readonly adminKey: string;
  readonly bindings: EdgeSettings["bindings"];
} {
  const adminKey = randomBytes(32).toString("hex");
  const roomy = '{"requests_per_minute":1000000,"steps_per_minute":1000000,"concurrent":10000}';
  const limits = { KEY_LIMITS: roomy, ACCOUNT_LIMITS: roomy, ACCOUNT_PLACES: "100" };
  return { adminKey, bindings: { ...limits, ADMIN_KEY: adminKey } };
}

function ownWorkerd(): number {
  const found = descendantsOf(process.pid).find(({ command }) =>
    /^\S*workerd\S* serve /.test(command),
  );
  if (found === undefined) throw new Error("the edge runs no workerd");
  return found.pid;
}
