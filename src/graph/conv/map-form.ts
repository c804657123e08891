import { type Convolution, samePadding } from "#domain/conv-tower.ts";
import type { Value } from "../build.ts";
import { plain, type StageWeights } from "../linear.ts";
import { kernel } from "./kernel.ts";

/** How maps lie between convolutions, and how they are convolved: one of two forms, which compute the same. */
export interface MapForm {
  /** The view [1, 3, S, S] as a map. */
  enter(view: Value): Value;
  /** With bias, without what follows. */
  convolve(x: Value, convolution: Convolution): Value;
  /** The places of a map as rows: [1, side², C]. */
  rows(x: Value, side: number, channels: number): Value;
  /**
   * Squares of `by` × `by` places side by side, channel by channel: [1, (side / by)², C · by²].
   * Source: `torch.nn.functional.pixel_unshuffle`.
   */
  unshuffled(x: Value, side: number, channels: number, by: number): Value;
}

/** The form that a provider takes (`OpProfile.convolutions`). */
export function mapFormOf(weights: StageWeights): MapForm {
  return weights.profile.convolutions === "product" ? products(weights) : operators(weights);
}

/** Channels first, as the operator wants them: [1, C, H, W]. */
function operators(weights: StageWeights): MapForm {
  const { graph } = weights;
  const ordered = (x: Value, split: number[], perm: number[], shape: number[]): Value => {
    const cells = graph.node("Reshape", [x, graph.integers(split)]);
    const turned = graph.node("Transpose", [cells], { attributes: { perm } });
    return graph.node("Reshape", [turned, graph.integers(shape)]);
  };
  return {
    enter: (view) => view,
    convolve(x, convolution) {
      const { name, kernel: side, stride, isDepthwise, inputs } = convolution;
      const [before, behind] = samePadding(convolution);
      const inputsOf = [x, kernel(weights, `${name}.weight`), plain(weights, `${name}.bias`)];
      return graph.node("Conv", inputsOf, {
        attributes: {
          kernel_shape: [side, side],
          strides: [stride, stride],
          pads: [before, before, behind, behind],
          group: isDepthwise ? inputs : 1,
        },
      });
    },
    rows: (x, side, channels) =>
      ordered(x, [1, channels, side ** 2], [0, 2, 1], [1, side ** 2, channels]),
    unshuffled(x, side, channels, by) {
      const cells = side / by;
      return ordered(
        x,
        [1, channels, cells, by, cells, by],
        [0, 2, 4, 1, 3, 5],
        [1, cells ** 2, channels * by ** 2],
      );
    },
  };
}

/**
 * Channels last: [1, H, W, C]. A convolution is a matrix product over its places side by side, and one that filters channel by
 * channel a sum over the shifted map: for providers whose convolution wants a library that is not there.
 */
function products(weights: StageWeights): MapForm {
  const { graph } = weights;
  const reshaped = (x: Value, shape: number[]): Value =>
    graph.node("Reshape", [x, graph.integers(shape)]);
  const turned = (x: Value, perm: number[]): Value =>
    graph.node("Transpose", [x], { attributes: { perm } });

  /** What each place of the filter meets, place by place: side² maps [1, sideOut, sideOut, C]. */
  function shifted(x: Value, convolution: Convolution): Value[] {
    const { kernel: side, stride, sideOut } = convolution;
    const [before, behind] = samePadding(convolution);
    const pads = graph.integers([0, before, before, 0, 0, behind, behind, 0]);
    if (side === 1 && stride === 1) return [x];
    const padded = before + behind === 0 ? x : graph.node("Pad", [x, pads]);
    const reach = (sideOut - 1) * stride + 1;
    return Array.from({ length: side ** 2 }, (_, place) => {
      const [down, across] = [Math.floor(place / side), place % side];
      return graph.node("Slice", [
        padded,
        graph.integers([down, across]),
        graph.integers([down + reach, across + reach]),
        graph.integers([1, 2]),
        graph.integers([stride, stride]),
      ]);
    });
  }

  function filtered(x: Value, convolution: Convolution): Value {
    const { name, kernel: side, outputs } = convolution;
    const filters = reshaped(kernel(weights, `${name}.weight`), [outputs, side ** 2]);
    const places = turned(filters, [1, 0]); // [k², C]
    return shifted(x, convolution)
      .map((map, place) => {
        const own = graph.node("Slice", [
          places,
          graph.integers([place]),
          graph.integers([place + 1]),
          graph.integers([0]),
        ]);
        return graph.node("Mul", [map, own]);
      })
      .reduce((sum, term) => graph.node("Add", [sum, term]));
  }

  function multiplied(x: Value, convolution: Convolution): Value {
    const { name, kernel: side, inputs, outputs } = convolution;
    const maps = shifted(x, convolution);
    const [only = x] = maps;
    const beside =
      maps.length === 1 ? only : graph.node("Concat", maps, { attributes: { axis: 3 } });
    const filters = turned(kernel(weights, `${name}.weight`), [2, 3, 1, 0]); // [k, k, in, out]
    return graph.node("MatMul", [beside, reshaped(filters, [side ** 2 * inputs, outputs])]);
  }

  return {
    enter: (view) => turned(view, [0, 2, 3, 1]),
    convolve(x, convolution) {
      const product = convolution.isDepthwise ? filtered : multiplied;
      const bias = plain(weights, `${convolution.name}.bias`);
      return graph.node("Add", [product(x, convolution), bias]);
    },
    rows: (x, side, channels) => reshaped(x, [1, side ** 2, channels]),
    unshuffled(x, side, channels, by) {
      const cells = side / by;
      const squares = turned(reshaped(x, [1, cells, by, cells, by, channels]), [0, 1, 3, 5, 2, 4]);
      return reshaped(squares, [1, cells ** 2, channels * by ** 2]);
    },
  };
}
