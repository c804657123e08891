import type { LanguageTower } from "#domain/architecture.ts";
import type { LoadedStage, StageLayout } from "#domain/bundle.ts";
import { tensorEntry } from "#graph/linear.ts";
import type { Area, Arena } from "./kernel.ts";
import {
  type ActivationKind,
  type Activations,
  activationKind,
  type PackedLinear,
  packLinear,
  partOf,
} from "./linear.ts";

const LINEARS = {
  query: "self_attn.q_proj",
  key: "self_attn.k_proj",
  value: "self_attn.v_proj",
  out: "self_attn.o_proj",
  gate: "mlp.gate_proj",
  up: "mlp.up_proj",
  down: "mlp.down_proj",
} as const;

type LinearName = keyof typeof LINEARS;

/** A layer's weights in a kernel's memory. */
export interface LayerWeights {
  readonly linears: Readonly<Record<LinearName, PackedLinear>>;
  /** Weights of the norms before attention and before the feed-forward part, f32 [D]. */
  readonly inputNorm: Area;
  readonly innerNorm: Area;
  /** Quantises rows [rows, inputs], rows in fours, for the products with the layer's linears. */
  quantise(source: Area, into: Activations, rows: number, inputs: number): void;
}

/**
 * How the kernels would take a layer; undefined where they do not: its linears are stored in other encodings or in several, have
 * biases, or are of sizes that do not come out even.
 */
export function kindOfLayer(
  { hiddenSize, headSize, heads, keyValueHeads }: LanguageTower,
  layout: StageLayout,
): ActivationKind | undefined {
  if (hiddenSize % 32 !== 0 || headSize % 8 !== 0 || heads % keyValueHeads !== 0) return undefined;
  const linears = Object.values(LINEARS);
  const known = new Set(linears.map((name) => `${name}.weight`));
  known.add("input_layernorm.weight").add("post_attention_layernorm.weight");
  if (layout.tensors.some(({ name }) => !known.has(name))) return undefined;
  const kinds = linears.map((name) => activationKind(tensorEntry(layout, `${name}.weight`)));
  const [kind] = kinds;
  return kinds.every((other) => other === kind) ? kind : undefined;
}

/** Packs a layer that `kindOfLayer` takes. The stage's bytes are not needed any more then. */
export function packLayer(
  arena: Arena,
  kind: ActivationKind,
  { layout, bytes }: LoadedStage,
): LayerWeights {
  const linear = (name: LinearName): PackedLinear =>
    packLinear(arena, bytes, layout, LINEARS[name]);
  const norm = (name: string): Area => {
    const entry = tensorEntry(layout, `${name}.weight`);
    const part = partOf(bytes, entry, "data");
    const weights = Float32Array.from(
      entry.encoding === "f16" ? new Float16Array(part.buffer) : new Float32Array(part.buffer),
    );
    const area = arena.takeFloats(weights.length);
    arena.floats(area, weights.length).set(weights);
    return area;
  };
  return {
    linears: {
      query: linear("query"),
      key: linear("key"),
      value: linear("value"),
      out: linear("out"),
      gate: linear("gate"),
      up: linear("up"),
      down: linear("down"),
    },
    inputNorm: norm("input_layernorm"),
    innerNorm: norm("post_attention_layernorm"),
    quantise(source, { levels, scales, corrections }, rows, inputs) {
      if (kind === "signed") {
        arena.kernel.quantiseSigned(source, levels, scales, corrections, rows, inputs);
      } else arena.kernel.quantiseSmall(source, levels, scales, rows, inputs);
    },
  };
}
