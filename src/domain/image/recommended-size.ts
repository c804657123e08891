import type { ImageRules } from "../work.ts";
import type { Size } from "./layout.ts";

/** How large a picture is worth sending. */
export interface RecommendedSize {
  /** Width × height. */
  readonly pixels: number;
  /** The longer side, in pixels. */
  readonly side: number;
}

/**
 * How large a picture is worth sending to a model: the largest canvas that it looks at. Every picture is scaled into one of
 * them, so what is larger is never seen, and is only bytes to carry and to decode.
 */
export function recommendedSize({ policy, vision }: ImageRules): RecommendedSize {
  const view: Size = { width: vision.imageSize, height: vision.imageSize };
  const canvases =
    policy.aspect === "anyres"
      ? [view, ...policy.gridPinpoints.map(([width, height]) => ({ width, height }))]
      : [view];
  return {
    pixels: Math.max(...canvases.map(({ width, height }) => width * height)),
    side: Math.max(...canvases.map(({ width, height }) => Math.max(width, height))),
  };
}
