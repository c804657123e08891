import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { readCompose } from "../../infra/deploy/compose/here/compose-file.ts";
import { up } from "../../infra/deploy/compose/here/up.ts";
import { buildEdge } from "../../infra/edge/workerd/build.ts";
import { killUnderLoad } from "../bench/compose-load.ts";
import { COMPOSE_FILE } from "./compose.ts";

// The services of compose.yaml as processes, from the file itself; more of it, with figures: `npm run bench -- compose`. The edge in workerd over a
// function that is killed while it answers is in test/flow/registered-function.test.ts too, which `npm test` runs.

test("a function of compose.yaml is killed while it answers: every answer that was accepted ends, at its quote", async () => {
  const state = mkdtempSync(path.join(tmpdir(), "unmask-topology-"));
  const said: string[] = [];
  try {
    await buildEdge(path.join(state, "built"));
    const services = readCompose(readFileSync(COMPOSE_FILE, "utf8"));
    const { signal } = new AbortController();
    const say = (words: string): void => void said.push(words);
    await using topology = await up({
      services,
      state,
      built: path.join(state, "built"),
      say,
      signal,
    });
    const figures = await killUnderLoad(topology, {
      ...{ callers: 6, answersEach: 6, steps: 32, waitsForReturn: false },
    });
    expect(figures).toMatchObject({ lost: [], misquoted: [], heldMicros: 0 });
    expect(figures.cut).toBeGreaterThan(0);
    const [before, away] = figures.phases;
    expect([before?.answers, away?.answers]).not.toContain(0);
    expect(figures.chargedMicros).toBeGreaterThan(0);
    expect(figures.spentMicros).toBe(figures.chargedMicros);
    expect(said.join()).toContain("function-1 was killed (SIGKILL)");
  } finally {
    rmSync(state, { recursive: true, force: true, maxRetries: 5 });
  }
}, 120_000);
