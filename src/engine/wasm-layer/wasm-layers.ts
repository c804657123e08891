import { KeptTensors } from "../runtime/kept-tensors.ts";
import type { LayerOrder, Runtime, Session } from "../runtime/runtime.ts";
import { giveBackAll } from "../runtime/stage-bytes.ts";
import { Arena, compileLayerKernel, type LayerBinaries } from "./kernel.ts";
import { openLayer } from "./layer.ts";
import { kindOfLayer } from "./layer-weights.ts";
import { faultOf } from "./self-test.ts";
import { layerSession } from "./session.ts";

/**
 * Names the layers' arithmetic in a numerics class, beside that of the runtime that does all else: the same on every machine, whether
 * it has relaxed SIMD or not. Its number goes up with every change of a bit.
 */
export const LAYERS_ARITHMETIC = "simd128+layers.1";

/**
 * The wasm runtime with decoder layers that our own kernels compute (`wasm/layer.ts`): those in q4, w8a8 and w7a8 whose sizes come out
 * even (`kindOfLayer`). All else is the runtime's own. Where the kernels fail their test on this machine it is the runtime as it
 * was, and `tell` is told why.
 */
export async function withWasmLayers(
  runtime: Runtime,
  binaries: LayerBinaries,
  tell: (fault: string) => void = () => undefined,
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
      if (kind === undefined) return undefined;
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
    arithmetic: { ...runtime.arithmetic, kernels: LAYERS_ARITHMETIC },
  };
}
