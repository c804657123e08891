import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { BundleFormat, Q4Block } from "#domain/bundle.ts";
import { fileStore } from "#inference/file-store.ts";
import { openStageThreads, type StageSource } from "#inference/loading/stage-threads.ts";
import { createSha256 } from "#inference/sha256.ts";
import { blobKey } from "#weights/manifest.ts";
import type { ObjectStore } from "#weights/object-store.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { createS3Store } from "#weights/s3.ts";
import { loadBundle } from "#weights/stream.ts";
import type { SynthShape } from "#weights/synth/shapes.ts";
import { synthBundle } from "#weights/synth/synth.ts";
import { MEMORY_SETTINGS } from "../../infra/local/memory-settings.ts";
import { startLocalR2 } from "../support/local-r2.ts";
import { type FirstAnswer, measureFirstAnswer } from "./first-answer.ts";
import { median } from "./median.ts";

/** What a load costs beside what the store itself costs. Ratios are what counts: both sides share the same busy machine. */
export interface LoadFigures {
  readonly weightBytes: number;
  /** Reading the same objects, as many at once, and doing nothing with them. */
  readonly plain: Turn;
  /** Fetching, placing, hashing and handing on. */
  readonly load: Turn;
  /** Highest resident memory of the loading process, whose acceptor keeps nothing. */
  readonly peakRssBytes: number;
  readonly firstAnswer: FirstAnswer;
}

/** What one side took. */
export interface Turn {
  readonly seconds: number;
  /** Of all its threads. */
  readonly cpuSeconds: number;
  readonly rss: number;
}

export interface LoadBench {
  readonly shape: SynthShape;
  readonly format: BundleFormat;
  /** Weights per scale of q4. */
  readonly block: Q4Block;
  /** R2 on this machine, through S3, or a folder on its disk, which is read cold. */
  readonly from: "s3" | "disk";
  readonly rounds: number;
}

const CONCURRENCY = 6;

/**
 * Measures loading a bundle of random weights. Each side runs in a process of its own; the two take turns, and the median of
 * each counts.
 */
export async function measureLoad(
  bench: LoadBench,
  say: (words: string) => void,
): Promise<LoadFigures> {
  const place = await openPlace(bench.from);
  try {
    say(`writing random weights, shape ${bench.shape}, ${bench.format} …`);
    const { bundle } = await synthBundle({
      ...{ store: place.store, name: "bench", version: "1", seed: 1 },
      ...{ shape: bench.shape, format: bench.format, block: bench.block },
      createHasher: createSha256,
    });
    const turns = { plain: [] as Turn[], load: [] as Turn[] };
    for (let round = 1; round <= bench.rounds; round++) {
      say(`round ${round} of ${bench.rounds} …`);
      for (const side of ["plain", "load"] as const) {
        await place.cool();
        turns[side].push(await runApart<Turn>(side, place.source));
      }
    }
    say("loading into sessions, asked at the start …");
    await place.cool();
    const firstAnswer = await runApart<FirstAnswer>("answer", place.source);
    return {
      weightBytes: bundle.stages.reduce((total, { bytes }) => total + bytes, 0),
      plain: typical(turns.plain),
      load: typical(turns.load),
      peakRssBytes: Math.max(...turns.load.map(({ rss }) => rss)),
      firstAnswer,
    };
  } finally {
    await place.close();
  }
}

type Side = "plain" | "load" | "answer";

interface Place {
  readonly store: ObjectStore;
  readonly source: StageSource["store"];
  /** Forgets what the machine remembers of it. */
  cool(): Promise<void>;
  close(): Promise<void>;
}

async function openPlace(from: LoadBench["from"]): Promise<Place> {
  if (from === "s3") {
    const r2 = await startLocalR2();
    const source = { kind: "s3", config: r2.config, prefix: "" } as const;
    return { store: createS3Store(r2.config), source, cool: async () => {}, close: r2.close };
  }
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-bench-"));
  return {
    store: fileStore(folder),
    source: { kind: "folder", folder },
    cool: () => forget(fileStore(folder), folder),
    close: () => rm(folder, { recursive: true }),
  };
}

/** Takes files out of the system's memory, so that they are read from the disk: GNU dd asks for that where it reads nothing. */
async function forget(store: ObjectStore, folder: string): Promise<void> {
  for await (const key of store.list("")) {
    const args = [`if=${path.join(folder, key)}`, "iflag=nocache", "count=0", "status=none"];
    await promisify(execFile)("dd", args);
  }
}

function typical(turns: readonly Turn[]): Turn {
  const middle = (of: (turn: Turn) => number): number => median(turns.map(of));
  return {
    seconds: middle(({ seconds }) => seconds),
    cpuSeconds: middle(({ cpuSeconds }) => cpuSeconds),
    rss: middle(({ rss }) => rss),
  };
}

async function runApart<Figures>(side: Side, source: StageSource["store"]): Promise<Figures> {
  const script = fileURLToPath(import.meta.url);
  const args = [script, "--side", side, "--source", JSON.stringify(source)];
  const env = { ...process.env, ...MEMORY_SETTINGS }; // as a function is started
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout);
}

async function runSide(side: string, source: StageSource["store"]): Promise<Turn | FirstAnswer> {
  const store = source.kind === "s3" ? createS3Store(source.config) : fileStore(source.folder);
  if (side === "answer") return await measureFirstAnswer(store, source);
  const { bundle } = await readManifest(store, "bench");
  const [startedMs, startedCpu] = [performance.now(), process.cpuUsage()];
  if (side === "load") {
    const threads = openStageThreads({ store: source });
    await loadBundle({
      ...{ store, bundle, createHasher: createSha256, fetchStage: threads.fetchStage },
      acceptor: async ({ bytes }, giveBack) => giveBack(bytes as Uint8Array<ArrayBuffer>),
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
  const { user, system } = process.cpuUsage(startedCpu);
  return {
    seconds: (performance.now() - startedMs) / 1000,
    cpuSeconds: (user + system) / 1e6,
    rss: process.resourceUsage().maxRSS * 1024,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { side: { type: "string" }, source: { type: "string" } },
  });
  const figures = await runSide(values.side ?? "load", JSON.parse(values.source ?? "{}"));
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit());
}
