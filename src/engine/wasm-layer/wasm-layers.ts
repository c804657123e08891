import { KeptTensors } from "../runtime/kept-tensors.ts";
import type { LayerOrder, Runtime, Session } from "../runtime/runtime.ts";
import { giveBackAll } from "../runtime/stage-bytes.ts";
import { Arena, compileLayerKernel, type LayerBinaries } from "./kernel.ts";
import { openLayer } from "./layer.ts";
import { kindOfLayer } from "./layer-weights.ts";
import type { ActivationKind } from "./linear.ts";
import { faultOf } from "./self-test.ts";
import { layerSession } from "./session.ts";

/** What layers are stored in: `int4` is q4, `int8` are w8a8 and w7a8. */
export type LayerFamily = "int4" | "int8";

const families: Readonly<Record<ActivationKind, LayerFamily>> = { signed: "int4", small: "int8" };

export interface WasmLayersOptions {
  /**
   * Families that are taken; default: `int4`. A layer in 8 bits is 1.5 times as fast as onnxruntime-web's over 32 rows and no faster over
   * 256, and its activations are half as fine (infra/docs/decisions/021-layers-of-our-own-on-wasm.md): it is taken where asked for.
   */
  readonly take?: readonly LayerFamily[];
  /** Is told which kernel fails its test on this machine. */
  readonly tell?: (fault: string) => void;
}

/**
 * Names the arithmetic in a numerics class, beside that of the runtime that does all else: the same on every machine, whether it has
 * relaxed SIMD or not. Its number goes up with every change of a bit.
 */
export function layersArithmetic(take: readonly LayerFamily[]): string {
  return `simd128+layers.1-${take.toSorted().join("-")}`;
}

/**
 * The wasm runtime with decoder layers that our own kernels compute (`wasm/layer.ts`), where their sizes come out even (`kindOfLayer`). All
 * else is the runtime's own. Where the kernels fail their test on this machine it is the runtime as it was.
 */
export async function withWasmLayers(
  runtime: Runtime,
  binaries: LayerBinaries,
  { take = ["int4"], tell = () => undefined }: WasmLayersOptions = {},
): Promise<Runtime> {
  const module = compileLayerKernel(binaries);
  const fault = await faultOf(module);
  if (fault !== undefined) {
    tell(fault);
    return runtime;
  }
  const kept = new KeptTensors();
  const arena = new Arena(module);
  return {
    keepsAcrossSessions: runtime.keepsAcrossSessions,
    createSession: runtime.createSession.bind(runtime),
    async openLayer({ tower, stage, queries, giveBack }: LayerOrder): Promise<Session | undefined> {
      const { name } = stage.layout;
      const kind = kindOfLayer(tower, stage.layout);
      if (kind === undefined || !take.includes(families[kind])) return undefined;
      try {
        const layer = openLayer(new Arena(module), tower, kind, stage);
        giveBackAll(stage.bytes, giveBack);
        return layerSession({ name, tower, queries, layer, arena, kept });
      } catch (cause) {
        throw new Error(`the session of stage ${name} cannot be created`, { cause });
      }
    },
    async clear(shelf) {
      kept.clear(shelf);
      await runtime.clear(shelf);
    },
    close: runtime.close.bind(runtime),
    arithmetic: { ...runtime.arithmetic, kernels: layersArithmetic(take) },
  };
}
