import { type VisionTower, viewRules, viewVectors } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { observedCells } from "#graph/conv/tower.ts";
import type { OnTower } from "#model/engine.ts";
import { type EngineParts, floats } from "../engine-parts.ts";

/**
 * Runs the vision tower and the projector; see `Engine.encodeImage`. View by view: one view's patches already fill the
 * matrix products, and N views at once would hold N times the attention scores (34 MB each in the 8B checkpoint's tower).
 * Features come to the host and go to the projector from there, on a device too: 3.4 MB a view in the 8B checkpoint.
 */
export async function encodeImage(
  parts: EngineParts,
  viewsNCHW: Tensor,
  signal: AbortSignal,
  onTower?: OnTower,
): Promise<Tensor> {
  const { language, vision } = parts.architecture;
  if (vision === undefined) throw new Error("this architecture has no vision tower");
  const views = countViews(viewsNCHW, vision);
  const patches = viewVectors(viewRules(vision));
  const shape = [views, patches, language.hiddenSize];
  const projected = new Float32Array(views * patches * language.hiddenSize);
  for (let index = 0; index < views; index++) {
    const view = viewOf(viewsNCHW, vision, index);
    const features = await runTower(parts, view, signal);
    if (index === 0) onTower?.(ofOneView(features));
    const projector = await parts.sessions.session("projector", signal);
    signal.throwIfAborted();
    const result = await projector.run({ features }, ["projected"]);
    projected.set(floats(result["projected"]).data, index * patches * language.hiddenSize);
  }
  return tensor(shape, projected);
}

function countViews({ shape }: Tensor, { imageSize }: VisionTower): number {
  const [views = 0, ...view] = shape;
  const isRight = views >= 1 && view.join() === [3, imageSize, imageSize].join();
  if (isRight) return views;
  throw new RangeError(`views have shape [${shape}], expected [N, 3, ${imageSize}, ${imageSize}]`);
}

function ofOneView({ shape, data }: Tensor): Tensor {
  return tensor(shape.slice(1), data);
}

function viewOf({ data }: Tensor, { imageSize }: VisionTower, index: number): Tensor {
  const size = 3 * imageSize ** 2;
  const shape = [1, 3, imageSize, imageSize];
  return tensor(shape, data.subarray(index * size, (index + 1) * size));
}

/** What a tower shows beside its features when it is observed, in the order in which it is computed. */
export function insideTower(tower: VisionTower): readonly string[] {
  if (tower.kind === "conv") return observedCells;
  return ["embeddings", ...Array.from({ length: tower.layers }, (_, layer) => `layer${layer}`)];
}

async function runTower(parts: EngineParts, views: Tensor, signal: AbortSignal): Promise<Tensor> {
  const { vision } = parts.architecture;
  const inside = vision === undefined ? [] : insideTower(vision);
  const session = await parts.sessions.session("vision", signal);
  signal.throwIfAborted();
  const result = await session.run({ views }, [...(parts.isObserved ? inside : []), "features"]);
  if (parts.isObserved) {
    for (const [name, value] of Object.entries(result)) parts.observe(name, floats(value));
  }
  return floats(result["features"]);
}
