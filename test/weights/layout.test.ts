import { describe, expect, test } from "vitest";
import { bundleFormats, TENSOR_ALIGNMENT } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import { draftStages, encodedBytes, stageTensors } from "#weights/layout.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { convArchitecture, lite0 } from "../support/conv-tower.ts";

const real = synthArchitecture("llada-v-8b");

describe("the layout of stages", () => {
  test.each(bundleFormats)("in %s is aligned, ascending and without overlap", (format) => {
    for (const { bytes, tensors } of draftStages(real, format)) {
      let end = 0;
      for (const { data, scales } of tensors) {
        for (const range of scales === undefined ? [data] : [data, scales]) {
          expect(range.offset % TENSOR_ALIGNMENT).toBe(0);
          expect(range.offset).toBeGreaterThanOrEqual(end);
          expect(range.offset - end).toBeLessThan(TENSOR_ALIGNMENT);
          end = range.offset + range.bytes;
        }
      }
      expect(bytes).toBe(end);
    }
  });

  test("of the real shape in f16 has the published number of parameters", () => {
    const parameters = draftStages(real, "f16")
      .flatMap(({ tensors }) => tensors)
      .reduce((total, { shape }) => total + shape.reduce((count, size) => count * size, 1), 0);
    // 8,434,837,024 with post_layernorm (2 × 1152), which never runs. Source: the checkpoint's parameter count.
    expect(parameters).toBe(8_434_837_024 - 2 * 1152);
  });

  test("of the real shape in q4 takes about five gigabytes", () => {
    const bytes = draftStages(real, "q4").reduce((total, stage) => total + stage.bytes, 0);
    expect(bytes / 1e9).toBeCloseTo(5.04, 2);
  });

  test.each([
    [64, 4.8],
    [128, 4.67],
  ] as const)("of the real shape in q4 blocks of %i takes %f gigabytes", (block, gigabytes) => {
    const bytes = draftStages(real, "q4", block).reduce((total, stage) => total + stage.bytes, 0);
    expect(bytes / 1e9).toBeCloseTo(gigabytes, 2);
  });

  test("writes down a block that is not the standard one, of q4 linears only", () => {
    const blocksOf = (...args: Parameters<typeof draftStages>) =>
      new Set(
        draftStages(...args).flatMap(({ tensors }) =>
          tensors.map(({ encoding, block }) => `${encoding} ${block}`),
        ),
      );
    expect(blocksOf(real, "q4", 64)).toEqual(
      new Set(["f32 undefined", "f16t undefined", "q8 undefined", "q4 64"]),
    );
    expect(blocksOf(real, "q4", 32)).toEqual(blocksOf(real, "q4"));
    expect(blocksOf(real, "q4")).toContain("q4 undefined");
  });

  test("keeps norms, biases, positions and the patch convolution in f32 in every format", () => {
    for (const format of ["f16", "w8a8", "w7a8", "q4"] as const) {
      const [vision, projector] = draftStages(real, format);
      const plain = [...(vision?.tensors ?? []), ...(projector?.tensors ?? [])].filter(({ name }) =>
        /norm|bias|embeddings|newline/.test(name),
      );
      expect(new Set(plain.map(({ encoding }) => encoding))).toEqual(new Set(["f32"]));
    }
  });

  test("has the projector in f16t and the table in q8 where linears are quantised", () => {
    for (const format of ["w8a8", "w7a8", "q4"] as const) {
      const stages = draftStages(real, format);
      const encodingOf = (stage: string, name: string): string | undefined =>
        stages.find((draft) => draft.name === stage)?.tensors.find((tensor) => tensor.name === name)
          ?.encoding;
      const linear = { w8a8: "w8", w7a8: "w7", q4: "q4" }[format];
      expect(encodingOf("projector", "0.weight")).toBe("f16t");
      expect(encodingOf("embed", "weight")).toBe("q8");
      expect(encodingOf("layer-31", "mlp.down_proj.weight")).toBe(linear);
      expect(encodingOf("vision", "encoder.layers.25.mlp.fc2.weight")).toBe(linear);
      expect(encodingOf("head", "weight")).toBe(linear);
    }
  });

  test("has the large kernels of a tower of convolutions in 8 bits in every quantised format, the small ones in f16", () => {
    const seeing = { ...convArchitecture, vision: lite0 };
    for (const format of ["w8a8", "w7a8", "q8", "q4"] as const) {
      const [vision] = draftStages(seeing, format);
      const kernels = vision?.tensors.filter(({ name }) => !/(bias|_mean|_std|where)$/.test(name));
      expect(kernels?.map(({ encoding }) => encoding)).toEqual(
        kernels?.map(({ shape }) => (elementCount(shape) > 32_768 ? "r8" : "f16")),
      );
      // Every filter of a single channel is among the small ones.
      const filters = kernels?.filter(({ shape }) => shape.length === 4 && shape[1] === 1);
      expect(new Set(filters?.map(({ encoding }) => encoding))).toEqual(new Set(["f16"]));
      expect(vision?.bytes).toBeLessThan(6.3e6);
      const rest = vision?.tensors.filter((tensor) => !kernels?.includes(tensor));
      expect(new Set(rest?.map(({ encoding }) => encoding))).toEqual(new Set(["f32"]));
    }
    const stored = (format: "f32" | "f16") =>
      new Set(draftStages(convArchitecture, format)[0]?.tensors.map(({ encoding }) => encoding));
    expect([stored("f32"), stored("f16")]).toEqual([new Set(["f32"]), new Set(["f16", "f32"])]);
    // One scale for each output, whatever lies behind it.
    expect(encodedBytes([6, 3, 5, 5], "r8")).toEqual({ data: 450, scales: 24 });
  });

  test("pads the last block of a row", () => {
    expect(encodedBytes([2, 33], "q4")).toEqual({ data: 2 * 2 * 16, scales: 2 * 2 * 2 });
    expect(encodedBytes([2, 33], "q8")).toEqual({ data: 2 * 64, scales: 2 * 2 * 2 });
    expect(encodedBytes([3, 5], "w8")).toEqual({ data: 15, scales: 12 });
  });

  test("has no eyes where the architecture has none", () => {
    const { vision: _, image: __, ...blind } = real;
    expect(draftStages(blind, "q4")[0]?.name).toBe("embed");
    expect(() => stageTensors(blind, "vision")).toThrow(RangeError);
  });
});
