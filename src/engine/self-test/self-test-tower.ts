import type { ConvTower } from "#domain/conv-tower.ts";
import { elementCount } from "#domain/tensor.ts";
import { convTowerGraph } from "#graph/conv/tower.ts";
import type { OpProfile } from "#graph/profile.ts";
import { convTower } from "#model/reference/conv-tower.ts";
import { convTensors } from "#weights/layout.ts";
import { floats } from "../engine-parts.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { packStage } from "../stages/packed-stage.ts";
import { drawer, random } from "./random-layers.ts";
import type { LayerOutcome } from "./self-test-layers.ts";

/** Everything that a large one has: sides 12, 6, 6 and 3, both kernels and strides, both paddings, a residual block, a finer tap. */
export const smallTower: ConvTower = {
  kind: "conv",
  imageSize: 12,
  levels: { mean: 127, deviation: 128 },
  stem: { channels: 6, kernel: 3, stride: 2 },
  blocks: [
    { channels: 5, kernel: 3, stride: 1, expansion: 1, isResidual: false },
    { channels: 5, kernel: 5, stride: 1, expansion: 3, isResidual: true },
    { channels: 7, kernel: 5, stride: 2, expansion: 2, isResidual: false },
  ],
  headChannels: 11,
  tap: { block: 1, unshuffle: 2 },
  evidence: { classes: 13, concepts: 4, readerWidth: 9, energyScale: 0.1 },
};

/** Runs a small random tower of convolutions, its kernels in one encoding, on the runtime and in plain TypeScript. */
export async function runConvTower(
  runtime: Runtime,
  profile: OpProfile,
  encoding: "f32" | "f16" | "r8",
): Promise<LayerOutcome> {
  const draw = drawer();
  const stage = packStage(
    "vision",
    convTensors(smallTower).map(({ name, shape, role }) => {
      // Deviations divide, so they keep away from 0; what is multiplied keeps the size of what goes through it.
      const [size, least] = name.endsWith("_std")
        ? [0.5, 1]
        : [Math.sqrt(3 / elementCount(shape.slice(1))), 0];
      const values = Float32Array.from(
        { length: elementCount(shape) },
        () => least + size * draw(),
      );
      return { name, shape, encoding: role === "kernel" ? encoding : "f32", values } as const;
    }),
  );
  const { imageSize } = smallTower;
  const views = random(draw, [1, 3, imageSize, imageSize]);
  const model = convTowerGraph(smallTower, stage.layout, profile, false);
  const session = await runtime.createSession("vision", model, stage.bytes);
  try {
    const { features } = await session.run({ views }, ["features"]);
    const pixels = { width: 3, data: channelsLast(views.data) };
    const expected = convTower(stage.weights, smallTower, pixels).features.data;
    return { layer: "tower of convolutions", actual: floats(features).data, expected };
  } finally {
    await session.release();
  }
}

/** [3, S²] → [S², 3]. */
function channelsLast(planes: Float32Array): Float64Array {
  const places = planes.length / 3;
  return Float64Array.from(planes, (_, index) => {
    return planes[(index % 3) * places + Math.floor(index / 3)] ?? Number.NaN;
  });
}
