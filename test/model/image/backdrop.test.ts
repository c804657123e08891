import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { onBackdrop } from "#model/image/backdrop.ts";

function colors(...pixels: readonly (readonly [number, number, number, number])[]): number[] {
  const data = Uint8Array.from(pixels.flat());
  return [...onBackdrop({ width: pixels.length, height: 1, channels: 4, data }).pixelsHWC];
}

describe("a transparent picture", () => {
  test("that is dark lies on white, one that is bright on black: both stay to be seen", () => {
    expect(colors([0, 0, 0, 255], [0, 0, 0, 0])).toEqual([0, 0, 0, 255, 255, 255]);
    expect(colors([255, 255, 255, 255], [255, 255, 255, 0])).toEqual([255, 255, 255, 0, 0, 0]);
  });

  test("is judged by what is seen of it: colours under alpha 0 count nothing", () => {
    expect(colors([10, 10, 10, 1], [255, 255, 255, 0]).slice(3)).toEqual([255, 255, 255]);
  });

  test("lies on white at a mean luminance of exactly one half or of nothing, on black just above", () => {
    expect(colors([0, 0, 0, 128], [255, 255, 255, 128]).slice(0, 3)).toEqual([127, 127, 127]);
    expect(colors([0, 0, 0, 128], [255, 255, 255, 129]).slice(0, 3)).toEqual([0, 0, 0]);
    expect(colors([9, 9, 9, 0])).toEqual([255, 255, 255]);
  });

  test("weighs green above red above blue, as Rec. 709 does", () => {
    const lies = (r: number, g: number, b: number): string =>
      colors([r, g, b, 255], [r, g, b, 0])[3] === 0 ? "on black" : "on white";
    expect([lies(0, 255, 0), lies(255, 0, 0), lies(0, 0, 255), lies(255, 0, 255)]).toEqual([
      "on black",
      "on white",
      "on white",
      "on white",
    ]);
  });

  test("of grey and alpha gives what the same picture in RGB gives", () => {
    const greys = fc.array(fc.tuple(fc.nat(255), fc.nat(255)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(greys, (pixels) => {
        const data = Uint8Array.from(pixels.flat());
        const size = { width: pixels.length, height: 1 };
        const grey = onBackdrop({ ...size, channels: 2, data });
        const rgba = pixels.map(([level, alpha]) => [level, level, level, alpha] as const);
        expect([...grey.pixelsHWC]).toEqual(colors(...rgba));
      }),
    );
  });

  test("has every channel within half a level of the exact blend", () => {
    const level = fc.nat(255);
    const pixels = fc.array(fc.tuple(level, level, level, level), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(pixels, (list) => {
        const seen = colors(...list, [0, 0, 0, 0]);
        const backdrop = seen.at(-1) ?? 0;
        for (const [pixel, [r, g, b, alpha]] of list.entries())
          for (const [channel, value] of [r, g, b].entries()) {
            const exact = (alpha * value + (255 - alpha) * backdrop) / 255;
            expect(Math.abs((seen[pixel * 3 + channel] ?? 0) - exact)).toBeLessThanOrEqual(0.5);
          }
      }),
    );
  });
});

test("an opaque picture is left as it is, whether it has a channel for alpha or not", () => {
  const level = fc.nat(255);
  const pixels = fc.array(fc.tuple(level, level, level), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(pixels, (list) => {
      const data = Uint8Array.from(list.flat());
      const plain = onBackdrop({ width: list.length, height: 1, channels: 3, data });
      expect([...plain.pixelsHWC]).toEqual(list.flat());
      expect(colors(...list.map(([r, g, b]) => [r, g, b, 255] as const))).toEqual(list.flat());
    }),
  );
});

test("grey is spread over three channels", () => {
  const data = Uint8Array.of(7, 250);
  const { pixelsHWC } = onBackdrop({ width: 2, height: 1, channels: 1, data });
  expect([...pixelsHWC]).toEqual([7, 7, 7, 250, 250, 250]);
});
