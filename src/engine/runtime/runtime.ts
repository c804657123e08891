import type { LanguageTower } from "#domain/architecture.ts";
import type { LoadedStage } from "#domain/bundle.ts";
import type { Shape } from "#domain/tensor.ts";
import type { Queries } from "#graph/decoder-layer.ts";
import type { GiveBack } from "#weights/spares.ts";
import type { Arithmetic } from "../arithmetic.ts";
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

/** A decoder layer that is to run. Its bytes are the runtime's once it has taken it. */
export interface LayerOrder {
  readonly tower: LanguageTower;
  readonly stage: LoadedStage;
  readonly queries: Queries;
  readonly giveBack?: GiveBack;
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
  /**
   * Makes a session of one decoder layer without a graph, with the inputs and outputs of `decoderLayerGraph`; resolves with undefined
   * where the runtime does not take this layer, absent where it takes none: then by `createSession`.
   */
  openLayer?(layer: LayerOrder): Promise<Session | undefined>;
  /** Lets go of everything that runs have kept on a shelf. */
  clear(shelf: number): Promise<void>;
  /** Ends the runtime, once what it was asked for is done. Its sessions should have been released. */
  close(): Promise<void>;
  /** What decides the last bits and is known only once it is loaded, as its device; the rest the machine decides. */
  readonly arithmetic?: Partial<Omit<Arithmetic, "provider">>;
}

/** What the packages have in common, and all that the runtimes over them use: `onnxruntime-node`, `onnxruntime-web` and its `/webgpu` alike. */
export type Ort = Pick<typeof import("onnxruntime-web"), "InferenceSession" | "Tensor">;
export type OrtSession = Awaited<ReturnType<Ort["InferenceSession"]["create"]>>;
export type OrtOptions = NonNullable<Parameters<Ort["InferenceSession"]["create"]>[1]>;
