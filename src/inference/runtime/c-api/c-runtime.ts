import type { KeepOrder } from "#engine/runtime/kept-tensors.ts";
import type {
  Runtime,
  Session,
  SessionInput,
  SessionTensor,
  StageBytes,
} from "#engine/runtime/runtime.ts";
import { externalData, giveBackAll } from "#engine/runtime/stage-bytes.ts";
import {
  appendCuda,
  type CudaOptions,
  cudaSessionEntries,
  shareCudaArena,
} from "./cuda-options.ts";
import type { HandleKind, Pointer } from "./function-table.ts";
import { KeptValues } from "./kept-values.ts";
import { type OrtApi, openOrtApi } from "./ort-api.ts";
import { createRawSession, type RawSession } from "./raw-session.ts";
import { readValue, valueOver } from "./values.ts";

/** What a runtime over the C API is made of. */
export interface CRuntimeOptions {
  /** ONNX Runtime's shared library. */
  readonly libraryPath: string;
  /** Threads of one operation on the CPU; the runtime's own choice if absent. */
  readonly threads?: number;
  /** Computes on a GPU; absent: on the CPU. The provider's files lie beside the library. */
  readonly cuda?: CudaOptions;
}

/** A runtime that also tells what it holds of C's. */
export interface CRuntime extends Runtime {
  /** As the library says it. */
  readonly version: string;
  live(): Readonly<Partial<Record<HandleKind, number>>>;
}

/**
 * ONNX Runtime through its C API. It does what the package's own binding does, bit for bit, and three things that one cannot: outputs
 * stay on a GPU and go from there into other sessions, the CUDA provider is given its options, and its library may lie anywhere.
 *
 * Runs compute on the calling thread, as those of the other binding do, and are meant for the runtime's own thread
 * (`loadRuntimeOffThread`): the CUDA provider keeps a cuBLAS handle with its workspace for each session and each thread that ever
 * calls it, so a pool of threads such as koffi's asynchronous calls use would take that memory several times over.
 */
export async function loadCRuntime(options: CRuntimeOptions): Promise<CRuntime> {
  const api = await openOrtApi(options.libraryPath);
  const environment = api.create("Env", "CreateEnv", LOG_ERRORS, "unmask");
  const host = memoryInfo(api, "Cpu", 0);
  const home = options.cuda === undefined ? host : memoryInfo(api, "Cuda", options.cuda.device);
  const kept = new KeptValues(api);
  const places: Places = { api, host, home, kept };
  const close = (): void => {
    kept.clearAll();
    for (const info of new Set([host, home])) api.release("MemoryInfo", info);
    api.release("Env", environment);
  };
  try {
    if (options.cuda !== undefined) shareCudaArena(api, environment, home, options.cuda);
  } catch (cause) {
    close();
    throw cause;
  }
  return {
    version: api.version,
    live: api.live,
    keepsAcrossSessions: true,
    async createSession(name, model, stage, { giveBack } = {}) {
      try {
        const session = withSessionOptions(api, options, stage, (made) =>
          createRawSession(api, environment, model, made),
        );
        giveBackAll(stage, giveBack);
        return wrap(places, name, session);
      } catch (cause) {
        throw new Error(`the session of stage ${name} cannot be created`, { cause });
      }
    },
    clear: async (shelf) => kept.clear(shelf),
    close: async () => close(),
  };
}

/** Where tensors of a runtime lie. */
interface Places {
  readonly api: OrtApi;
  /** The machine's memory. */
  readonly host: Pointer;
  /** Where the provider computes: what is kept lies there. */
  readonly home: Pointer;
  readonly kept: KeptValues;
}

const LOG_ERRORS = 3;
const OPTIMIZE_ALL = 99;
const SEQUENTIAL = 0;
/** Source: enum OrtAllocatorType and OrtMemType. */
const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;

function memoryInfo(api: OrtApi, device: "Cpu" | "Cuda", number: number): Pointer {
  return api.create(
    "MemoryInfo",
    "CreateMemoryInfo",
    device,
    DEVICE_ALLOCATOR,
    number,
    DEFAULT_MEMORY,
  );
}

/** The same options as the other binding is given; see `sessionOptions` in `ort.ts` for their reasons. */
function withSessionOptions<Result>(
  api: OrtApi,
  { threads, cuda }: CRuntimeOptions,
  stage: StageBytes,
  use: (options: Pointer) => Result,
): Result {
  const options = api.create("SessionOptions", "CreateSessionOptions");
  try {
    api.call("SetSessionGraphOptimizationLevel", options, OPTIMIZE_ALL);
    api.call("SetSessionExecutionMode", options, SEQUENTIAL);
    api.call("DisableCpuMemArena", options);
    api.call("SetSessionLogSeverityLevel", options, LOG_ERRORS);
    api.call("AddSessionConfigEntry", options, "session.intra_op.allow_spinning", "0");
    if (threads !== undefined) api.call("SetIntraOpNumThreads", options, threads);
    if (cuda !== undefined) {
      for (const entry of Object.entries(cudaSessionEntries))
        api.call("AddSessionConfigEntry", options, ...entry);
      appendCuda(api, options, cuda);
    }
    const files = externalData(stage);
    api.call(
      "AddExternalInitializersFromFilesInMemory",
      options,
      files.map(({ path }) => path),
      files.map(({ data }) => api.memory.addressOf(data)),
      files.map(({ data }) => data.byteLength),
      files.length,
    );
    return use(options);
  } finally {
    api.release("SessionOptions", options);
  }
}

function wrap(places: Places, name: string, session: RawSession): Session {
  let isReleased = false;
  const checkAlive = (): void => {
    if (isReleased) throw new Error("Session already disposed.");
  };
  return {
    async run(inputs, outputs, keep = {}) {
      for (const input of Object.values(inputs)) if ("shelf" in input) places.kept.take(input);
      try {
        checkAlive();
        return runOnce(places, session, inputs, outputs, keep);
      } catch (cause) {
        throw new Error(`stage ${name} failed to run`, { cause });
      }
    },
    async release() {
      checkAlive();
      isReleased = true;
      session.release();
    },
  };
}

function runOnce(
  { api, host, home, kept }: Places,
  session: RawSession,
  inputs: Readonly<Record<string, SessionInput>>,
  outputs: readonly string[],
  keep: Readonly<Record<string, KeepOrder>>,
): Readonly<Record<string, SessionTensor>> {
  const fetches = [...outputs, ...Object.keys(keep)];
  const unknown = fetches.find((output) => !session.outputs.includes(output));
  if (Object.values(keep).some(({ positions }) => positions !== undefined))
    throw new Error("this runtime keeps outputs whole, not their first positions");
  if (unknown !== undefined) {
    throw new RangeError(`'fetches' contains invalid output name: ${unknown}.`);
  }
  const own = new Set<Pointer>();
  try {
    const feeds = session.inputs.map((input): [string, Pointer] => {
      const given = inputs[input];
      if (given === undefined) throw new Error(`input '${input}' is missing in 'feeds'.`);
      if ("shelf" in given) return [input, kept.take(given)];
      const value = valueOver(api, host, given);
      own.add(value);
      return [input, value];
    });
    const homes = fetches.map((output, index): [string, Pointer] => [
      output,
      index < outputs.length ? host : home,
    ]);
    const values = session.run(feeds, homes);
    for (const value of values) own.add(value);
    const results = outputs.map((output, index) => [
      output,
      readValue(api, values[index] ?? 0n, output),
    ]);
    for (const [index, order] of Object.values(keep).entries()) {
      const value = values[outputs.length + index];
      if (value === undefined) throw new Error("the runtime left out an output");
      kept.put(order, value);
      // It is the shelf's from here on.
      own.delete(value);
    }
    return Object.fromEntries(results);
  } finally {
    for (const value of own) api.release("Value", value);
  }
}
