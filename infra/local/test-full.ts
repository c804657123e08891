// npm run test:full: what needs more than npm brings, in whole: Python packages, other programs, software Vulkan, minutes. A part
// whose needs are not met is skipped by name, with the reason. `npm test` runs what it can of the same files.

import { spawn } from "node:child_process";
import { forgotten, type Part, parts } from "./full-parts.ts";

function run({ files, env }: Part): Promise<boolean> {
  const child = spawn("vitest", ["run", ...files], {
    env: { ...process.env, ...env, TEST_FULL: "1" },
    stdio: "inherit",
  });
  return new Promise((resolve) => child.once("close", (code) => resolve(code === 0)));
}

const lines = forgotten().map(
  (file) => `failed ${file}: no part of infra/local/full-parts.ts runs it`,
);
for (const part of parts) {
  const reason = part.lacks();
  const startMs = performance.now();
  const outcome = reason !== null ? "skipped" : (await run(part)) ? "passed" : "failed";
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  lines.push(`${outcome} ${part.name}${reason === null ? ` (${seconds} s)` : `: ${reason}`}`);
}
for (const line of lines) console.log(line);
process.exitCode = lines.some((line) => line.startsWith("failed")) ? 1 : 0;
