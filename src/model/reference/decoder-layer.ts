import type { LanguageTower } from "#domain/architecture.ts";
import {
  add,
  linear,
  type Rows,
  rmsNorm,
  silu,
  type WeightLookup,
  weightOf,
} from "./arithmetic.ts";
import { attend, rotate } from "./attention.ts";

/** Where a window stands, and what was computed of the positions before it. */
export interface LayerWindow {
  /** Position of each row of the window. */
  readonly positions: readonly number[];
  /** Rotated keys and values of the positions before, [C, G·d] each. */
  readonly context?: { readonly keys: Rows; readonly values: Rows };
}

/** What a layer leaves: the hidden vectors [M, D], and the window's own rotated keys and values [M, G·d]. */
export interface LayerResult {
  readonly hidden: Rows;
  readonly keys: Rows;
  readonly values: Rows;
}

/** One layer of the language tower. Source: LLaDADecoderLayer in modeling_llada.py. */
export function decoderLayer(
  weights: WeightLookup,
  tower: LanguageTower,
  hidden: Rows,
  window: LayerWindow,
): LayerResult {
  const { headSize, ropeTheta, rmsNormEpsilon } = tower;
  const norm = (x: Rows, name: string): Rows =>
    rmsNorm(x, weightOf(weights, `${name}.weight`), rmsNormEpsilon);
  const turn = (x: Rows): Rows => rotate(x, window.positions, headSize, ropeTheta);

  const normed = norm(hidden, "input_layernorm");
  const query = turn(linear(weights, normed, "self_attn.q_proj"));
  const keys = turn(linear(weights, normed, "self_attn.k_proj"));
  const values = linear(weights, normed, "self_attn.v_proj");
  const mixed = attend(
    query,
    below(window.context?.keys, keys),
    below(window.context?.values, values),
    headSize,
  );
  const attended = add(hidden, linear(weights, mixed, "self_attn.o_proj"));

  const renormed = norm(attended, "post_attention_layernorm");
  const gate = linear(weights, renormed, "mlp.gate_proj");
  const up = linear(weights, renormed, "mlp.up_proj");
  const product = { width: up.width, data: up.data.map((value, k) => value * silu(gate.data[k]!)) };
  return { hidden: add(attended, linear(weights, product, "mlp.down_proj")), keys, values };
}

function below(context: Rows | undefined, window: Rows): Rows {
  if (context === undefined) return window;
  const data = new Float64Array(context.data.length + window.data.length);
  data.set(context.data);
  data.set(window.data, context.data.length);
  return { width: window.width, data };
}
