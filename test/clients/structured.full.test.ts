import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { python } from "./python.ts";

const run = promisify(execFile);

let system: LocalSystem;
beforeAll(async () => {
  system = await startLocalSystem("programs", {
    args: ["--model", "infra/demo-model/bundle", "--provider", "cpu"],
  });
}, 120_000);
afterAll(async () => await system[Symbol.asyncDispose]());

// Each in an environment of its own: they want OpenAI's client in versions that do not go together.
test.each([
  [
    "openai",
    ["openai==3.57.0"],
    [
      ...["parsed dog stop", "streamed True", "refused schema_unsupported"],
      ...["responses A dog. completed", "went on A dog.", "heard True", "parsed dog"],
      ...["decided True kind dog", "sums to one True"],
    ],
  ],
  ["instructor", ["instructor==1.17.0"], ["tools dog", "partial dog", "json schema True", "bool "]],
  [
    "pydantic_ai",
    ["pydantic-ai-slim[openai]==2.68.0"],
    ["tool dog", "native True", "streamed True"],
  ],
  [
    "typesafe",
    ["typesafe-sdk==0.7.5"],
    [
      ...["models True", "noul True", "choice dog", "score True", "refused True"],
      ...["image dog", "assets 1"],
    ],
  ],
])(
  "%s of Python reads a picture into a model",
  async (name, packages, printed) => {
    const folder = mkdtempSync(path.join(tmpdir(), "unmask-structured-"));
    try {
      await run(python ?? "", ["-m", "venv", folder]);
      const own = path.join(folder, "bin/python");
      await run(own, ["-m", "pip", "install", "--quiet", ...packages]);
      const { stdout } = await run(own, ["-B", `test/clients/structured/with_${name}.py`], {
        env: {
          ...process.env,
          UNMASK_URL: system.url,
          UNMASK_KEY: system.key,
          UNMASK_MODEL: system.model,
          UNMASK_PICTURE: path.resolve("test/fixtures/pictures/dog.png"),
        },
      });
      const lines = stdout.trim().split("\n");
      expect(lines.map((line, index) => line.slice(0, printed[index]?.length))).toEqual(printed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  300_000,
);
