import type { LanguageTower } from "#domain/architecture.ts";
import { firstDeepLayer } from "../passes/kept-prefix.ts";

/** Layers that run in one session: from `from` to before `to`. */
export interface LayerGroup {
  readonly from: number;
  readonly to: number;
}

/**
 * Layers of a session on a device. A run of a session costs the same however little it computes, estimated at 0.1 to 0.3 ms; 32
 * layers one by one are 32 of them in a step that computes for 10 to 40 ms, four by four they are 8. More would gain
 * little, and the bytes of so many layers are in memory at once while a model loads.
 */
export const LAYERS_AT_ONCE = 4;

/** Groups the layers of a tower; none reaches over the middle, where a pass may begin to compute its prefix anew. */
export function layerGroups(tower: Pick<LanguageTower, "layers">, atOnce: number): LayerGroup[] {
  const groups: LayerGroup[] = [];
  const deep = firstDeepLayer(tower);
  for (let from = 0; from < tower.layers; ) {
    const end = from < deep ? deep : tower.layers;
    const to = Math.min(from + atOnce, end);
    groups.push({ from, to });
    from = to;
  }
  return groups;
}
