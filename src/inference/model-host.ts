import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import { untilAborted } from "#engine/until-aborted.ts";
import type { FunctionProgress } from "#wire/function/status.ts";
import { type DescribedModel, type DescriptionOptions, describeModel } from "./described-model.ts";
import { type Health, healthOf, statusOf } from "./host-status.ts";
import { openScratchFile, type ScratchFile } from "./loading/scratch-file.ts";
import { errorChain, type Log } from "./log.ts";
import type { DeviceRegister, DeviceUser } from "./machine/device-register.ts";
import type { ModelLoad } from "./model-loader.ts";
import {
  condemnedSentence,
  MAX_OUT_OF_MEMORY,
  type Replacement,
  replacementCode,
  replacementSentence,
} from "./replacement.ts";
import type { CudaSettings } from "./runtime/cuda/cuda-runtime.ts";
import { createNodeEngine } from "./runtime/node-engine.ts";
import { runtimeFaultOf } from "./runtime/runtime-fault.ts";

/** The one model of a function, from the moment the process starts until it ends. */
export interface ModelHost {
  /**
   * Resolves as soon as the manifest and the language files are known, long before the weights: questions may then be
   * put, and the engine inside answers them as its stages become ready. Rejects with the error that broke the opening.
   */
  described(signal: AbortSignal): Promise<DescribedModel>;
  status(): Result<FunctionProgress, Failure>;
  /** Whether this process is to be replaced, and why: its weights will never come, or what it computes cannot be trusted. */
  health(): Health;
  /** Forgets what is kept in memory of an account's pictures. */
  forget(account: string): void;
  /** False once it is condemned: whoever asks is to go elsewhere, or come again when another process is here. */
  takesWork(): boolean;
  /** Says that what it computes cannot be trusted any more; for good, because nothing in this process can mend it. */
  condemn(reason: Failure["kind"]): void;
  /** Says whether an answer ended for want of memory. After `MAX_OUT_OF_MEMORY` in a row that do, it is condemned. */
  noteMemory(hasRunOut: boolean): void;
  /** Whether all weights have arrived, and were taken. */
  isLoaded(): boolean;
  /** Resolves, should it come to that, when this process is to end by itself: its runtime cannot compute here, or no more. */
  readonly replacement: Promise<Replacement>;
  /** Frees the runtime's memory; later questions reject. */
  dispose(): Promise<void>;
}

export interface ModelHostOptions extends DescriptionOptions {
  /** `openModel` with everything but its signal bound. */
  readonly open: (signal: AbortSignal) => Promise<ModelLoad>;
  readonly model: string;
  /** Where the provider cuda lies and what it may use. */
  readonly cuda?: CudaSettings;
  readonly threads?: number;
  /** As an engine's; absent: whatever a prompt takes. */
  readonly prefixBytes?: number;
  readonly log: Log;
  /** Who else computes on this machine's devices. Absent: nobody is asked. */
  readonly devices?: DeviceRegister;
  /** Folder on a disk for what is read too seldom to be in memory. Absent: everything is in memory. */
  readonly scratch?: string;
}

/** Starts to open and load at once and never throws: how it went is in `status`, in the log and in every `described`. */
export function createModelHost(options: ModelHostOptions): ModelHost {
  const { log, model: name } = options;
  const stop = new AbortController();
  let load: ModelLoad | undefined;
  let engine: OrtEngine | undefined;
  let openingError: unknown;
  let filling: Promise<void> | undefined;
  let condemned: Failure["kind"] | undefined;
  let withoutMemory = 0;
  let others: readonly DeviceUser[] = [];
  const replacement = Promise.withResolvers<Replacement>();
  const endFor = (error: unknown): void => {
    const fault = runtimeFaultOf(error);
    if (fault === undefined) return;
    const bytes = load?.state().status.totalBytes ?? 0;
    const sentence = replacementSentence(name, options.provider, { error, fault, bytes, others });
    replacement.resolve({ reason: fault, sentence, exitCode: replacementCode(fault) });
  };
  const condemn = (reason: Failure["kind"]): void => {
    if (condemned !== undefined) return;
    condemned = reason;
    log("model.condemned", { model: name, reason });
    if (reason === "device_lost" || reason === "device_out_of_memory")
      replacement.resolve({ reason, sentence: condemnedSentence(reason), exitCode: 75 });
  };

  const opening = (async (): Promise<DescribedModel> => {
    load = await options.open(stop.signal);
    others = await othersOnDevice(load, options);
    engine = await engineOf(load, options);
    const described = describeModel(load, engine, options);
    log("model.opened", { model: name, version: load.bundle.version, digest: load.digest });
    filling = fill(load, engine, log, endFor); // ends in the host's state, never in a rejection
    return described;
  })();
  opening.catch((error: unknown) => {
    openingError = error;
    log("model.failed", { model: name, error: errorChain(error) });
    endFor(error);
  });

  return {
    described: (signal) => untilAborted(opening, signal),
    status: () =>
      statusOf(name, load, engine, {
        openingError,
        health: healthOf(load, openingError, condemned),
      }),
    health: () => healthOf(load, openingError, condemned),
    forget: (account) => {
      // Names of askers are lists that begin with their account. Of a model that is not open yet nothing is kept.
      const beginning = JSON.stringify([account]).slice(0, -1);
      opening.then(
        ({ forget }) => forget(`${beginning},`),
        () => undefined,
      );
    },
    takesWork: () => condemned === undefined,
    condemn,
    noteMemory: (hasRunOut) => {
      withoutMemory = hasRunOut ? withoutMemory + 1 : 0;
      if (withoutMemory >= MAX_OUT_OF_MEMORY) condemn("device_out_of_memory");
    },
    isLoaded: () => load?.state().kind === "ready",
    replacement: replacement.promise,
    dispose: async () => {
      await options.devices?.leave(process.pid);
      stop.abort(new Error("the function is ending"));
      await opening.catch(() => undefined); // already told
      await engine?.dispose();
      await filling;
    },
  };
}

async function engineOf({ bundle }: ModelLoad, options: ModelHostOptions): Promise<OrtEngine> {
  const { provider, cuda, threads, prefixBytes } = options;
  return await createNodeEngine({
    architecture: bundle.architecture,
    provider,
    ...(cuda === undefined ? {} : { cuda }),
    ...(threads === undefined ? {} : { threads }),
    ...(prefixBytes === undefined ? {} : { prefixBytes }),
    putAside: (bytes) => putAside(bytes, options),
  });
}

/** An embedding table below this stays in memory: as a file it would save less than the disk costs. That of 8B has 0.55 GB. */
const ASIDE_FROM_BYTES: number = 64 * 1024 * 1024;

/** Of an embedding table a question reads some hundred rows of 4 KB: the disk's own cache is memory enough for them. */
async function putAside(
  bytes: Uint8Array,
  { scratch, log }: ModelHostOptions,
): Promise<ScratchFile | undefined> {
  if (scratch === undefined || bytes.byteLength < ASIDE_FROM_BYTES) return undefined;
  try {
    return await openScratchFile(scratch, bytes);
  } catch (cause) {
    const sentence = `the embedding table stays in memory: ${scratch} does not take it`;
    log("load.mended", { sentence, error: errorChain(cause) });
    return undefined;
  }
}

/** Writes this process down where it computes on a device, and says who else does. That it cannot be written hinders nothing. */
async function othersOnDevice(
  load: ModelLoad,
  { devices, provider, cuda, model, log }: ModelHostOptions,
): Promise<readonly DeviceUser[]> {
  if (devices === undefined || provider === "cpu" || provider === "wasm") return [];
  const device = `${provider}:${cuda?.device ?? 0}`;
  const bytes = load.state().status.totalBytes;
  try {
    const others = await devices.enter({ pid: process.pid, device, model, bytes });
    const theirBytes = others.reduce((sum, other) => sum + other.bytes, 0);
    if (others.length > 0)
      log("device.shared", { device, processes: others.length, bytes, theirBytes });
    return others;
  } catch (cause) {
    const sentence = "who else computes on the device is not known";
    log("load.mended", { sentence, error: errorChain(cause) });
    return [];
  }
}

/** Sessions that are made at once: as many as the engine has threads. */
const SESSIONS_AT_ONCE = 2;

/** Drives the load into the engine; a load that fails is told to everyone who waits for a stage. */
async function fill(
  load: ModelLoad,
  engine: OrtEngine,
  log: Log,
  onFault: (error: unknown) => void,
): Promise<void> {
  const startedMs = performance.now();
  try {
    await load.start((stage, giveBack) => engine.accept(stage, giveBack), SESSIONS_AT_ONCE);
    const { doneBytes, retries, corruptions } = load.state().status;
    const tookMs = Math.round(performance.now() - startedMs);
    log("model.ready", { bytes: doneBytes, tookMs, retries, corruptions });
  } catch (cause) {
    log("model.failed", { error: errorChain(cause) });
    onFault(cause);
    engine.fail(cause instanceof Error ? cause : new Error("loading failed", { cause }));
  }
}
