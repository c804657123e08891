import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";

/** By how many MiB a process of its own grows while it decodes a picture and cuts its views. */
function growth(picture: string, aspect: "anyres" | "pad"): number {
  const script = "test/support/picture-memory.ts";
  return Number(execFileSync(process.execPath, [script, picture, aspect], { encoding: "utf8" }));
}

const line = "test/fixtures/odd-pictures/14142x1.png";
const thin = "test/fixtures/odd-pictures/thin-16384x16.png";

describe("looking at a picture takes the memory of what was decoded and one pass, never of its square:", () => {
  test.each([
    [line, "pad"],
    [line, "anyres"],
    [thin, "pad"],
    [thin, "anyres"],
    ["1x16384", "pad"],
    ["1x16384", "anyres"],
  ] as const)("%s, %s: less than 64 MiB", (picture, aspect) => {
    expect(growth(picture, aspect)).toBeLessThan(64);
  });

  // 192 MB of pixels, and their copy in the kernel's memory. Its square would be another 805 MB.
  test("the largest picture, padded: less than 480 MiB", () => {
    expect(growth("16384x3906", "pad")).toBeLessThan(480);
  });
});
