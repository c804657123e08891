import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createSha256 } from "#inference/sha256.ts";
import { blobKey } from "#weights/manifest.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { createS3Store, type S3Config } from "#weights/s3.ts";
import { loadBundle } from "#weights/stream.ts";
import type { SynthShape } from "#weights/synth/shapes.ts";
import { synthBundle } from "#weights/synth/synth.ts";
import { MEMORY_SETTINGS } from "../../infra/local/memory-settings.ts";
import { startLocalR2 } from "../support/local-r2.ts";
import { type FirstAnswer, measureFirstAnswer } from "./first-answer.ts";
import { median } from "./median.ts";

/** What a load costs beside what the store itself costs. Ratios are what counts: both sides share the same busy machine. */
export interface LoadFigures {
  readonly shape: SynthShape;
  readonly weightBytes: number;
  /** Fetching the same objects, as many at once, and doing nothing with them. */
  readonly plainBytesPerSecond: number;
  /** Fetching, placing, hashing and handing on. */
  readonly loadBytesPerSecond: number;
  /** Load over plain; 1 is "nothing is added to the network". */
  readonly speedRatio: number;
  /** Highest resident memory of the loading process, whose acceptor keeps nothing. */
  readonly peakRssBytes: number;
  readonly firstAnswer: FirstAnswer;
}

const CONCURRENCY = 6;
/**
 * Measures loading a q4 bundle of random weights from R2 on this machine. Each side runs in a process of its own; the two
 * take turns, and the median of each counts.
 */
export async function measureLoad(
  shape: SynthShape,
  rounds: number,
  say: (words: string) => void,
): Promise<LoadFigures> {
  const r2 = await startLocalR2();
  try {
    const store = createS3Store(r2.config);
    say(`writing random weights, shape ${shape} …`);
    const { bundle } = await synthBundle({
      store,
      name: "bench",
      version: "1",
      shape,
      format: "q4",
      seed: 1,
      createHasher: createSha256,
    });
    const weightBytes = bundle.stages.reduce((total, { bytes }) => total + bytes, 0);
    const turns = { plain: [] as Turn[], load: [] as Turn[] };
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds} …`);
      turns.plain.push(await runApart<Turn>("plain", r2.config));
      turns.load.push(await runApart<Turn>("load", r2.config));
    }
    say("loading into sessions, asked at the start …");
    const firstAnswer = await runApart<FirstAnswer>("answer", r2.config);
    const typical = (side: readonly Turn[]): number =>
      weightBytes / median(side.map(({ seconds }) => seconds));
    const peakRssBytes = Math.max(...turns.load.map(({ rss }) => rss));
    return {
      shape,
      weightBytes,
      plainBytesPerSecond: typical(turns.plain),
      loadBytesPerSecond: typical(turns.load),
      speedRatio: typical(turns.load) / typical(turns.plain),
      peakRssBytes,
      firstAnswer,
    };
  } finally {
    await r2.close();
  }
}

type Side = "plain" | "load" | "answer";

interface Turn {
  readonly seconds: number;
  readonly rss: number;
}

async function runApart<Figures>(side: Side, config: S3Config): Promise<Figures> {
  const script = fileURLToPath(import.meta.url);
  const args = [script, "--side", side, "--config", JSON.stringify(config)];
  const env = { ...process.env, ...MEMORY_SETTINGS }; // as a function is started
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout);
}

async function runSide(side: string, config: S3Config): Promise<Turn | FirstAnswer> {
  if (side === "answer") return await measureFirstAnswer(config);
  const store = createS3Store(config);
  const { bundle } = await readManifest(store, "bench");
  const startedMs = performance.now();
  if (side === "load") {
    await loadBundle({
      store,
      bundle,
      createHasher: createSha256,
      concurrency: CONCURRENCY,
      acceptor: async () => {},
    });
  } else {
    const keys = bundle.stages.flatMap(({ shards }) => shards.map(blobKey));
    const drain = async (): Promise<void> => {
      for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
        for await (const _ of (await store.get(key)).chunks);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, drain));
  }
  return {
    seconds: (performance.now() - startedMs) / 1000,
    rss: process.resourceUsage().maxRSS * 1024,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { side: { type: "string" }, config: { type: "string" } },
  });
  const figures = await runSide(values.side ?? "load", JSON.parse(values.config ?? "{}"));
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit());
}
