import type { Shape } from "#domain/tensor.ts";
import type { Provider } from "#graph/profile.ts";
import type { GiveBack } from "#weights/spares.ts";
import type { Arithmetic } from "./arithmetic.ts";
import type { CudaSettings } from "./cuda/cuda-runtime.ts";
import { openWebgpuRuntime } from "./device/webgpu-runtime.ts";
import { hostRuntime } from "./host-runtime.ts";
import type { KeepOrder, KeptName } from "./kept-tensors.ts";

/**
 * What a session yields: float32 tensors, and int32 where a graph says so. No other type crosses this border; float16 would not
 * survive it on Node 24 (microsoft/onnxruntime#32323), so it stays inside the graphs.
 */
export interface SessionTensor {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

/** What a run is given: a tensor, or one that an earlier run left with the runtime (see `Runtime.keepsAcrossSessions`). */
export type SessionInput = SessionTensor | KeptName;

/** What a session's weights point into: one buffer, or several where its graph is that of several stages (`stageFile`). */
export type StageBytes = Uint8Array | readonly Uint8Array[];

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

export interface SessionOptions {
  /**
   * Is told each buffer once the runtime has read it, for who fills it again; without it a buffer's memory is freed at once where the
   * runtime has taken it.
   */
  readonly giveBack?: GiveBack;
  /** Outputs that only ever stay with a device: the WebGPU binding wants to know when the session is made. */
  readonly staying?: readonly string[];
}

/** A runtime that can make sessions. */
export interface Runtime {
  /**
   * Whether what one session keeps can be what another is given, and lies wherever the device wants it: true of runtimes of devices, whose
   * graphs are those of `OpProfile.tensors` "device". They keep outputs as they are, whole (`KeepOrder.positions` absent), let go of
   * what a name held before, and run in the order in which runs are asked for, also if the one before has not been answered.
   * Otherwise only the session that kept it has it, and it lies in this process's memory.
   */
  readonly keepsAcrossSessions: boolean;
  /**
   * @param stage the bytes that the graph's weights point into; the runtime's from here on, which may take them away from
   *   the caller (a detached buffer has length 0)
   */
  createSession(
    name: string,
    model: Uint8Array,
    stage: StageBytes,
    options?: SessionOptions,
  ): Promise<Session>;
  /** Lets go of everything that runs have kept on a shelf. */
  clear(shelf: number): Promise<void>;
  /** Ends the runtime, once what it was asked for is done. Its sessions should have been released. */
  close(): Promise<void>;
  /** What decides the last bits and is known only once it is loaded, as its device; the rest is as `arithmeticOf` has it. */
  readonly arithmetic?: Partial<Omit<Arithmetic, "provider">>;
}

/**
 * Loads a provider's runtime. Throws an Error that names the provider if it cannot be loaded on this machine.
 *
 * @param cuda is for that provider alone, which does not go without it
 */
export async function loadRuntime(
  provider: Provider,
  threads?: number,
  cuda?: CudaSettings,
): Promise<Runtime> {
  try {
    return await providers[provider](threads, cuda);
  } catch (cause) {
    throw new Error(`the runtime of provider ${provider} cannot be loaded`, { cause });
  }
}

type Load = (threads?: number, cuda?: CudaSettings) => Promise<Runtime>;

/**
 * How each provider's runtime is loaded: the only place that knows the packages. They are imported when asked for, so that a
 * machine without the native library can still run wasm, and a browser can load this file.
 */
const providers: Readonly<Record<Provider, Load>> = {
  async cpu(threads) {
    return hostRuntime(await import("onnxruntime-node"), {
      executionProviders: ["cpu"],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
  },
  async wasm(threads) {
    const ort = await import("onnxruntime-web");
    // One pool for all sessions of the process; the first engine's choice stays.
    if (threads !== undefined) ort.env.wasm.numThreads = threads;
    return hostRuntime(ort, { executionProviders: ["wasm"] });
  },
  async webgpu() {
    return openWebgpuRuntime(await import("onnxruntime-node"));
  },
  async cuda(threads, cuda) {
    if (cuda === undefined) throw new Error("nobody has said where its files lie");
    const { loadCudaRuntime } = await import("./cuda/cuda-runtime.ts");
    return loadCudaRuntime(cuda, threads);
  },
};

/** What the packages have in common, and all that the runtimes over them use: a browser's `onnxruntime-web/webgpu` has it too. */
export type Ort = Pick<typeof import("onnxruntime-node"), "InferenceSession" | "Tensor">;
export type OrtSession = Awaited<ReturnType<Ort["InferenceSession"]["create"]>>;
export type OrtOptions = NonNullable<Parameters<Ort["InferenceSession"]["create"]>[1]>;
