import { describe, expect, test } from "vitest";
import type { Architecture } from "#domain/architecture.ts";
import { tensor } from "#domain/tensor.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import { fileStore } from "#inference/file-store.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import { createSha256 } from "#inference/sha256.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { residualRotation } from "#weights/checkpoint/rotation.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import { memoryStore } from "#weights/object-store.ts";
import { loadBundle } from "#weights/stream.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";

const patient = new AbortController().signal;

const stream = mulberry32(5);
const normal = (): number =>
  Math.sqrt(-2 * Math.log(1 - stream.next())) * Math.cos(2 * Math.PI * stream.next());

function ofWidth(hiddenSize: number): Architecture {
  const architecture = synthArchitecture("tiny");
  return { ...architecture, language: { ...architecture.language, hiddenSize } };
}

async function openReference(form: StorageForm, rotate: boolean): Promise<OrtEngine> {
  const store = memoryStore();
  const { bundle } = await convertCheckpoint({
    checkpoint: storedCheckpoint(fileStore("test/fixtures/reference/tiny-a")),
    ...{ store, name: "tiny-a", version: "1", form, rotate, idsOnly: true },
    createHasher: createSha256,
  });
  const engine = await createNodeEngine({
    ...{ architecture: bundle.architecture, provider: "cpu", threads: 1, thread: "callers" },
  });
  const acceptor = (stage: Parameters<OrtEngine["accept"]>[0]) => engine.accept(stage);
  await loadBundle({ store, bundle, createHasher: createSha256, acceptor });
  return engine;
}

/** Predictions over a text with a picture in it: everything that writes into the residual stream has its part. */
async function predictions(engine: OrtEngine) {
  const { language, vision } = engine.architecture;
  const side = vision?.imageSize ?? 0;
  const pixels = Float32Array.from({ length: 3 * side * side }, (_, index) => Math.sin(index / 7));
  const seen = await engine.encodeImage(tensor([1, 3, side, side], pixels), patient);
  const said = await engine.embedTokens([3, 141, 59, 26, 5, 35, 8, 97, 93, 23], patient);
  const rows = [...said.data, ...seen.data, ...(await engine.imageNewline(patient))];
  const length = rows.length / language.hiddenSize;
  const embeddingsSD = tensor([length, language.hiddenSize], Float32Array.from(rows));
  const asked = Array.from({ length }, (_, row) => row);
  return await engine.denoise({ embeddingsSD, rows: asked, suppressed: [] }, patient);
}

describe("a rotated residual stream", () => {
  test("gives the same predictions in float32, although every stage stores other numbers", async () => {
    const plain = await openReference({ format: "f32" }, false);
    const turned = await openReference({ format: "f32" }, true);
    const [before, after] = [await predictions(plain), await predictions(turned)];
    expect(after.tokens).toEqual(before.tokens);
    for (const [row, logit] of before.maxLogits.entries()) {
      expect(Math.abs(after.maxLogits[row]! - logit)).toBeLessThan(2e-4);
    }
    const [mine, theirs] = await Promise.all(
      [plain, turned].map((engine) => engine.embedTokens([3], patient)),
    );
    expect(mine?.data).not.toEqual(theirs?.data);
  });

  test("keeps lengths and angles", () => {
    const { turn } = residualRotation(ofWidth(96));
    const [x, y] = [0, 1].map(() => Float32Array.from({ length: 96 }, normal)) as [
      Float32Array,
      Float32Array,
    ];
    const dot = (left: Float32Array, right: Float32Array): number =>
      left.reduce((sum, value, index) => sum + value * right[index]!, 0);
    const before = [dot(x, x), dot(x, y)];
    turn(x);
    turn(y);
    expect(dot(x, x)).toBeCloseTo(before[0]!, 3);
    expect(dot(x, y)).toBeCloseTo(before[1]!, 3);
  });

  test("spreads outlier channels, so that int8 activations lose a tenth of what they lost", () => {
    const width = 1024;
    const rotation = residualRotation(ofWidth(width));
    const rows = Float32Array.from({ length: 16 * width }, (_, index) =>
      index % width < 4 ? 100 * normal() : normal(),
    );
    const weights = Float32Array.from({ length: 16 * width }, (_, index) =>
      // What reads a stream with outliers has small weights for them.
      index % width < 4 ? normal() / 100 : normal(),
    );
    const product = (left: Float32Array): number[] =>
      Array.from({ length: 256 }, (_, cell) => {
        const [x, w] = [(cell >> 4) * width, (cell & 15) * width];
        let sum = 0;
        for (let index = 0; index < width; index++) sum += left[x + index]! * weights[w + index]!;
        return sum;
      });
    const errorOfInt8 = (): number => {
      const rounded = rows.slice();
      for (let start = 0; start < rows.length; start += width) {
        const row = rounded.subarray(start, start + width);
        const step = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
        for (const [index, value] of row.entries()) row[index] = Math.round(value / step) * step;
      }
      const [exact, lossy] = [product(rows), product(rounded)];
      const size = exact.reduce((sum, value) => sum + value ** 2, 0);
      return Math.sqrt(exact.reduce((sum, value, i) => sum + (lossy[i]! - value) ** 2, 0) / size);
    };
    const before = errorOfInt8();
    rotation.turn(rows);
    rotation.turn(weights);
    expect(errorOfInt8()).toBeLessThan(before / 8);
  });

  test("is refused, by name, for a width with no power of two worth mixing", () => {
    expect(() => residualRotation(ofWidth(72))).toThrow(
      "a residual stream of 72 channels cannot be rotated: its largest power of two is 8",
    );
  });
});
