import type { Shape, Tensor } from "#domain/tensor.ts";
import { STAGE_FILE } from "#graph/build.ts";
import type { Provider } from "#graph/profile.ts";
import type { GiveBack } from "#weights/spares.ts";
import { type KeepOrder, type KeptName, KeptTensors } from "./kept-tensors.ts";

/**
 * What a session yields: float32 tensors, and int32 where a graph says so. No other type crosses this border; float16 would not
 * survive it on Node 24 (microsoft/onnxruntime#32323), so it stays inside the graphs.
 */
export interface SessionTensor {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

/** What a run is given: a tensor, or one that an earlier run of the same session left with the runtime. */
export type SessionInput = Tensor | KeptName;

/** One graph with its weights, ready to run. Runs must not overlap. */
export interface Session {
  /**
   * Runs the graph and returns the outputs asked for; those in `keep`, by their names, stay with the runtime instead.
   * Throws an Error that names the session.
   */
  run(
    inputs: Readonly<Record<string, SessionInput>>,
    outputs: readonly string[],
    keep?: Readonly<Record<string, KeepOrder>>,
  ): Promise<Readonly<Record<string, SessionTensor>>>;
  release(): Promise<void>;
}

/** A runtime that can make sessions. */
export interface Runtime {
  /**
   * @param stage the bytes that the graph's weights point into; the runtime's from here on, which may take them away from
   *   the caller (a detached buffer has length 0)
   * @param giveBack is told a buffer of that size once the runtime has read it, for who fills it again; without it the
   *   buffer's memory is freed at once where the runtime has taken it
   */
  createSession(
    name: string,
    model: Uint8Array,
    stage: Uint8Array,
    giveBack?: GiveBack,
  ): Promise<Session>;
  /** Lets go of everything that runs have kept on a shelf. */
  clear(shelf: number): Promise<void>;
  /** Ends the runtime, once what it was asked for is done. Its sessions should have been released. */
  close(): Promise<void>;
}

/** Loads a provider's runtime. Throws an Error that names the provider if it cannot be loaded on this machine. */
export async function loadRuntime(provider: Provider, threads?: number): Promise<Runtime> {
  try {
    return await providers[provider](threads);
  } catch (cause) {
    throw new Error(`the runtime of provider ${provider} cannot be loaded`, { cause });
  }
}

/**
 * How each provider's runtime is loaded: the only place that knows the packages. They are imported when asked for, so that a
 * machine without the native library can still run wasm.
 */
const providers: Readonly<Record<Provider, (threads?: number) => Promise<Runtime>>> = {
  async cpu(threads) {
    return runtime(await import("onnxruntime-node"), {
      executionProviders: ["cpu"],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
  },
  async wasm(threads) {
    const ort = await import("onnxruntime-web");
    // One pool for all sessions of the process; the first engine's choice stays.
    if (threads !== undefined) ort.env.wasm.numThreads = threads;
    return runtime(ort, { executionProviders: ["wasm"] });
  },
};

type Ort = Pick<typeof import("onnxruntime-node"), "InferenceSession" | "Tensor">;
type OrtSession = Awaited<ReturnType<Ort["InferenceSession"]["create"]>>;
type OrtOptions = NonNullable<Parameters<Ort["InferenceSession"]["create"]>[1]>;

function runtime(ort: Ort, providerOptions: OrtOptions): Runtime {
  const kept = new KeptTensors();
  return {
    async createSession(name, model, stage, giveBack) {
      try {
        const session = await ort.InferenceSession.create(model, {
          ...providerOptions,
          ...sessionOptions,
          externalData: [{ path: STAGE_FILE, data: stage }],
        });
        if (stage.buffer instanceof ArrayBuffer) giveBack?.(stage as Uint8Array<ArrayBuffer>);
        return wrap(ort, name, session, kept);
      } catch (cause) {
        throw new Error(`the session of stage ${name} cannot be created`, { cause });
      }
    },
    clear: async (shelf) => kept.clear(shelf),
    close: async () => undefined,
  };
}

const sessionOptions: OrtOptions = {
  graphOptimizationLevel: "all",
  executionMode: "sequential",
  // An arena keeps what its largest run took, and each session has its own: measured 300 MB per 8B layer once 600 positions
  // have gone through it, 10 GB for 32 layers, against none without one at the same speed.
  enableCpuMemArena: false,
  // Errors only: it warns about every weight that it folds away, on the terminal of whoever uses us.
  logSeverityLevel: 3,
  // Each session has threads of its own, and a model is as many sessions as it has stages. Threads that spin after their
  // layer has run take cores from the next: 211 against 161 ms for an 8B q4 layer of 32 rows on two shared cores.
  extra: { session: { intra_op: { allow_spinning: "0" } } },
};

function wrap(ort: Ort, name: string, session: OrtSession, kept: KeptTensors): Session {
  return {
    async run(inputs, outputs, keep = {}) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([key, input]) => {
          const { data, shape } = "shelf" in input ? kept.take(input) : input;
          return [key, new ort.Tensor("float32", data, shape)];
        }),
      );
      try {
        const results = await session.run(feeds, [...outputs, ...Object.keys(keep)]);
        for (const [output, order] of Object.entries(keep))
          kept.put(order, sessionTensor(name, output, results[output]));
        return Object.fromEntries(
          outputs.map((key) => [key, sessionTensor(name, key, results[key])]),
        );
      } catch (cause) {
        throw new Error(`stage ${name} failed to run`, { cause });
      }
    },
    release: () => session.release(),
  };
}

function sessionTensor(
  name: string,
  output: string,
  result: Awaited<ReturnType<OrtSession["run"]>>[string] | undefined,
): SessionTensor {
  const data = result?.data;
  if (result === undefined || !(data instanceof Float32Array || data instanceof Int32Array)) {
    throw new Error(`stage ${name} yields no float32 or int32 numbers as ${output}`);
  }
  return { shape: result.dims, data };
}
