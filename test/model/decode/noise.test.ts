import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gumbelNoise, mulberry32, randomScores } from "#model/decode/noise.ts";
import { referenceArrays } from "../../support/reference.ts";

const numerics = referenceArrays("pure/numerics.safetensors");

describe("mulberry32", () => {
  test("gives the reference's stream", () => {
    const uniform = mulberry32(1234);
    const drawn = Array.from({ length: 16 }, () => uniform.next());
    expect(drawn).toEqual([...numerics.get("mulberry32_seed1234_first16").data]);
  });

  test("skipping is the same as drawing", () => {
    const seed = fc.integer();
    fc.assert(
      fc.property(seed, fc.integer({ min: 0, max: 500 }), (from, count) => {
        const drawn = mulberry32(from);
        for (let index = 0; index < count; index++) drawn.next();
        const skipped = mulberry32(from);
        skipped.skip(count);
        expect(skipped.next()).toBe(drawn.next());
      }),
    );
  });

  test("skipping works beyond 2^32 numbers, where the stream begins again", () => {
    const uniform = mulberry32(9);
    uniform.skip(2 ** 32);
    expect(uniform.next()).toBe(mulberry32(9).next());
  });
});

describe("gumbelNoise", () => {
  test.each([0.3, 0.7, 1, 1.5])("at temperature %d the noised choice is the reference's", (tau) => {
    const logits = numerics.get("gumbel_logits");
    const [rows = 0, columns = 0] = logits.shape;
    const uniforms = numerics.get("gumbel_uniform").data;
    let drawn = 0;
    const stream = { next: () => uniforms[drawn++]!, skip: () => undefined };
    const noiseRV = gumbelNoise(
      Array.from({ length: rows }, (_, row) => row),
      columns,
      tau,
      stream,
    );
    const noised = noiseRV.map((noise, index) => noise + logits.data[index]!);
    const chosen = Array.from({ length: rows }, (_, row) => {
      const values = noised.subarray(row * columns, (row + 1) * columns);
      return values.indexOf(Math.max(...values));
    });
    expect(chosen).toEqual([...numerics.get(`gumbel_argmax_T${tau.toFixed(1)}`).data]);
  });

  test("asked to follow the whole sequence it draws each row from its own place and leaves none out", () => {
    const whole = mulberry32(7);
    const all = gumbelNoise([0, 1, 2, 3, 4], 3, 1, whole);
    const asked = mulberry32(7);
    const some = gumbelNoise([1, 3], 3, 1, asked, 5);
    expect([...some]).toEqual([...all.subarray(3, 6), ...all.subarray(9, 12)]);
    expect(asked.next()).toBe(whole.next());
  });

  test("otherwise it draws only what is used", () => {
    const uniform = mulberry32(7);
    gumbelNoise([10, 20], 3, 1, uniform);
    const expected = mulberry32(7);
    expected.skip(6);
    expect(uniform.next()).toBe(expected.next());
  });
});

describe("randomScores", () => {
  test("are float32 and come from the positions' own places in the sequence", () => {
    const uniform = mulberry32(3);
    const all = randomScores([0, 1, 2, 3], uniform);
    expect(randomScores([1, 2], mulberry32(3), 4)).toEqual(all.slice(1, 3));
    expect(all.every((score) => score === Math.fround(score))).toBe(true);
  });
});
