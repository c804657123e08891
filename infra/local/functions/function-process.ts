import { setTimeout as sleep } from "node:timers/promises";
import type { S3Config } from "#weights/s3.ts";
import { MEMORY_SETTINGS } from "../memory-settings.ts";
import { LOOPBACK } from "../ports.ts";
import { startProcess } from "../processes.ts";
import type { LocalModel } from "./local-model.ts";
import { type SupervisedProcess, supervise } from "./supervisor.ts";

/**
 * From this size on a bundle on this machine is read where it lies. Below it goes through the object storage, as in production: 256 MB
 * take seconds there, but the 8.5 GB of LLaDA-V minutes, and as much disk again.
 */
export const IN_PLACE_FROM_BYTES: number = 256 * 1024 * 1024;

/** Whether a model's weights come through the local object storage. */
export function isThroughStorage({ location, bytes }: LocalModel): boolean {
  return location.kind === "folder" && bytes < IN_PLACE_FROM_BYTES;
}

/** A function of the local system, with the model that it serves. */
export interface LocalFunction {
  readonly model: LocalModel;
  readonly url: string;
  readonly process: SupervisedProcess;
}

/** What a function is started with. */
export interface FunctionStart {
  readonly model: LocalModel;
  readonly port: number;
  readonly logFile: string;
  /** Where models lie that come through the local object storage. */
  readonly storage: S3Config;
  /** Of the local edge. */
  readonly ticketKey: object;
  readonly say: (words: string) => void;
}

/** Starts a function and keeps it running. */
export function startFunction(start: FunctionStart): LocalFunction {
  const { model, port, logFile, say } = start;
  const url = `http://${LOOPBACK}:${port}`;
  const supervised = supervise({
    start: (isAnew) =>
      startProcess(`function of ${model.name}`, [process.execPath, "src/inference/function.ts"], {
        logFile,
        isAnew,
        env: {
          ...MEMORY_SETTINGS,
          UNMASK_HOST: LOOPBACK,
          UNMASK_PORT: String(port),
          UNMASK_MODEL: model.name,
          UNMASK_MODEL_VERSION: model.version,
          UNMASK_PROVIDER: model.provider,
          UNMASK_TICKET_KEYS: JSON.stringify([start.ticketKey]),
          ...storeVariables(start),
        },
      }),
    complaint: () => complaintOf(url),
    say,
    now: () => performance.now(),
    pause: async (milliseconds, signal) => {
      await sleep(milliseconds, undefined, { signal }).catch(() => undefined); // aborted: sooner
    },
  });
  return { model, url, process: supervised };
}

/** Where the function finds its bundle; a bucket elsewhere is reached with the keys of the environment. */
function storeVariables({
  model,
  storage,
}: FunctionStart): Readonly<Record<string, string | undefined>> {
  const { location } = model;
  if (location.kind === "s3") {
    const [bucket, ...folders] = location.address.slice("s3://".length).split("/");
    return {
      UNMASK_BUNDLE: undefined,
      UNMASK_S3_BUCKET: bucket,
      UNMASK_S3_PREFIX: folders.join("/"),
    };
  }
  if (!isThroughStorage(model)) return { UNMASK_BUNDLE: location.path };
  return {
    UNMASK_BUNDLE: undefined,
    UNMASK_S3_PREFIX: undefined,
    UNMASK_S3_ENDPOINT: storage.endpoint,
    UNMASK_S3_REGION: storage.region,
    UNMASK_S3_BUCKET: storage.bucket,
    UNMASK_S3_ACCESS_KEY_ID: storage.accessKeyId,
    UNMASK_S3_SECRET_ACCESS_KEY: storage.secretAccessKey,
  };
}

/** How long a function may think about its health: it answers from memory. */
const HEALTH_MS = 5_000;

/** Why a function asks to be replaced; undefined where it does not, or cannot be asked. */
export async function complaintOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(HEALTH_MS) });
    const { reason } = (await response.json()) as { readonly reason?: string };
    return response.status === 503 ? (reason ?? "it does not say why") : undefined;
  } catch {
    return undefined; // not listening yet, or any more: that it ended is told by itself
  }
}
