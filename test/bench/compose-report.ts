import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readCompose } from "../../infra/deploy/compose/here/compose-file.ts";
import { up } from "../../infra/deploy/compose/here/up.ts";
import { buildEdge } from "../../infra/edge/workerd/build.ts";
import { type KillLoad, killUnderLoad } from "./compose-load.ts";

/** What `npm run bench -- compose` asks: answers of a second or so, more at once than one function makes. */
const LOAD: KillLoad = { callers: 8, answersEach: 60, steps: 64, waitsForReturn: true };

/** Starts the topology of compose.yaml as processes, kills a function under load, and tells rows of what and how much. */
export async function composeReport(): Promise<readonly (readonly string[])[]> {
  const state = mkdtempSync(path.join(tmpdir(), "unmask-compose-"));
  try {
    const built = path.join(state, "built");
    await buildEdge(built);
    const startedMs = performance.now();
    const services = readCompose(readFileSync("infra/deploy/compose/compose.yaml", "utf8"));
    const say = (words: string): void => console.error(words);
    const { signal } = new AbortController();
    await using topology = await up({ services, state, built, say, signal });
    const upMs = performance.now() - startedMs;
    const figures = await killUnderLoad(topology, LOAD);
    const inSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
    return [
      ["services", [...topology.services.keys()].join(", ")],
      ["from nothing to all well", inSeconds(upMs)],
      ["callers, steps of an answer", `${LOAD.callers}, ${LOAD.steps}`],
      ...figures.phases.map(({ name, answers, p50Ms, p95Ms }) => [
        `answers ${name}`,
        `${answers}, p50 ${inSeconds(p50Ms)}, p95 ${inSeconds(p95Ms)}`,
      ]),
      ["function-1 killed, away for", inSeconds(figures.awayMs ?? Number.NaN)],
      ["  answers it had, made elsewhere", String(figures.cut)],
      ["accepted and lost", String(figures.lost.length), ...figures.lost],
      ["charged otherwise than quoted", String(figures.misquoted.length)],
      ["charged, spent by the ledgers", `${figures.chargedMicros}, ${figures.spentMicros}`],
      ["held in the end", String(figures.heldMicros)],
    ];
  } finally {
    rmSync(state, { recursive: true, force: true, maxRetries: 5 });
  }
}
