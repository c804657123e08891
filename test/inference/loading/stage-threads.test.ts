import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Bundle } from "#domain/bundle.ts";
import { fileStore } from "#inference/file-store.ts";
import { openStageThreads, type StageThreads } from "#inference/loading/stage-threads.ts";
import { blobKey } from "#weights/manifest.ts";
import { planLoad } from "#weights/plan.ts";
import type { FetchProgress } from "#weights/shard-fetch.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { loadedHashes, tinyBundle } from "../../support/bundles.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { serveObjects } from "../../support/object-server.ts";
import type { TestServer } from "../../support/test-server.ts";

const forever = new AbortController().signal;
const silent: FetchProgress = {
  placed: () => undefined,
  takenBack: () => undefined,
  received: () => undefined,
  retried: () => undefined,
  corrupted: () => undefined,
  shardDone: () => undefined,
  mended: () => undefined,
};

let root: string;
let bundle: Bundle;
let right: string[];
let server: TestServer;
let proxy: FaultProxy;
let threads: StageThreads | undefined;
const folder = (): string => path.join(root, "store");
const store = () => fileStore(folder());
const s3 = () => ({
  kind: "s3" as const,
  prefix: "",
  config: {
    ...{ endpoint: proxy.origin, region: "auto", bucket: "models" },
    ...{ accessKeyId: "any", secretAccessKey: "any" },
  },
});

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "unmask-threads-"));
  ({ bundle } = await tinyBundle(store()));
  right = (await loadedHashes({ store: store(), bundle })).hashes;
  server = await serveObjects(store());
  proxy = await startFaultProxy(server.origin);
});
afterEach(async () => {
  await threads?.close();
});
afterAll(async () => {
  await proxy.close();
  await server.close();
  await rm(root, { recursive: true });
});

describe("threads that fetch stages", () => {
  test("bring the same bytes as the caller's thread, from a folder and through S3, and count them alike", async () => {
    for (const source of [{ kind: "folder", folder: folder() } as const, s3()]) {
      threads = openStageThreads({ store: source });
      const { fetchStage } = threads;
      const { hashes, status } = await loadedHashes({ store: store(), bundle, fetchStage });
      expect(hashes).toEqual(right);
      const { totalBytes, stagesTotal } = status;
      expect(status).toMatchObject({ doneBytes: totalBytes, receivedBytes: totalBytes });
      expect(status).toMatchObject({ retries: 0, corruptions: 0, stagesDone: stagesTotal });
      await threads.close();
    }
  });

  test("mend what their store does wrong, and tell it", async () => {
    const shard = bundle.stages[2]?.shards[0];
    proxy.inject(
      shard?.sha256 ?? "",
      { kind: "cut", afterBytes: 777 },
      { kind: "bit-flip", byte: 9 },
    );
    threads = openStageThreads({ store: s3() });
    const mended: string[] = [];
    const { hashes, status } = await loadedHashes({
      ...{ store: store(), bundle, fetchStage: threads.fetchStage },
      onMended: (sentence) => mended.push(sentence),
    });
    expect(hashes).toEqual(right);
    expect(status).toMatchObject({ retries: 1, corruptions: 1, doneBytes: status.totalBytes });
    expect(mended).toEqual([
      expect.stringContaining("trying again"),
      expect.stringContaining("arrived wrong"),
    ]);
  });

  test("fail by the fault's own name, with the shard and its cause", async () => {
    const shard = bundle.stages[3]?.shards[0];
    const flip = { kind: "bit-flip", byte: 9 } as const;
    proxy.inject(shard?.sha256 ?? "", flip, flip, flip);
    threads = openStageThreads({ store: s3() });
    const attempt = loadedHashes({ store: store(), bundle, fetchStage: threads.fetchStage });
    const error = await attempt.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(WeightsError);
    expect(error).toMatchObject({
      code: "shard_corrupt",
      message: expect.stringContaining(shard?.sha256 ?? "-"),
      cause: { message: expect.stringContaining("the hash was another") },
    });
  });

  test("take shards from the disk cache, drop those that are wrong or have grown, and keep new ones", async () => {
    const cached = path.join(root, "cache");
    const cache = { folder: cached, maxBytes: 1e9 };
    threads = openStageThreads({ store: { kind: "folder", folder: folder() }, cache });
    const { fetchStage } = threads;
    await loadedHashes({ store: store(), bundle, fetchStage });
    const [grown, short] = bundle.stages.map(({ shards }) => shards[0]?.sha256 ?? "");
    await writeFile(path.join(cached, grown ?? ""), "more", { flag: "a" });
    await truncate(path.join(cached, short ?? ""), 100);
    await threads.close();

    threads = openStageThreads({ store: { kind: "folder", folder: folder() }, cache });
    const mended: string[] = [];
    const progress = { ...silent, mended: (sentence: string) => mended.push(sentence) };
    const plan = planLoad(bundle, () => true, Number.POSITIVE_INFINITY);
    for (const stage of plan.stages) {
      const bytes = await threads.fetchStage(stage, undefined, progress, forever);
      const hash = createHash("sha256").update(bytes).digest("hex");
      expect(right).toContain(`${stage.layout.name} ${hash}`);
    }
    expect(mended.map((sentence) => sentence.split(" ")[1]).sort()).toEqual([grown, short].sort());
    expect(await readdir(cached)).toHaveLength(bundle.stages.flatMap((s) => s.shards).length);
  });

  test("fill the buffer that they are given", async () => {
    threads = openStageThreads({ store: { kind: "folder", folder: folder() } });
    const [stage] = planLoad(bundle, () => false, Number.POSITIVE_INFINITY).stages;
    if (stage === undefined) throw new Error("the bundle has no stages");
    const spare = new Uint8Array(stage.layout.bytes).fill(255);
    const bytes = await threads.fetchStage(stage, spare, silent, forever);
    expect(spare.byteLength).toBe(0); // it has changed hands
    expect(right).toContain(
      `${stage.layout.name} ${createHash("sha256").update(bytes).digest("hex")}`,
    );
  });

  test("reject with the signal's reason at once, whatever the store does", async () => {
    const shard = bundle.stages[0]?.shards[0];
    proxy.inject(shard?.sha256 ?? "", { kind: "stall", afterBytes: 10 });
    threads = openStageThreads({ store: s3() });
    const [stage] = planLoad(bundle, () => false, Number.POSITIVE_INFINITY).stages;
    if (stage === undefined) throw new Error("the bundle has no stages");
    const stop = new AbortController();
    const attempt = threads.fetchStage(stage, undefined, silent, stop.signal);
    const reason = new Error("shutting down");
    stop.abort(reason);
    await expect(attempt).rejects.toBe(reason);
    const gone = await store().get(blobKey(shard ?? { sha256: "", bytes: 0 }));
    expect(gone.objectBytes).toBe(shard?.bytes);
  });

  test("that have ended fail what they were asked", async () => {
    threads = openStageThreads({ store: { kind: "folder", folder: folder() } });
    const [stage] = planLoad(bundle, () => false, Number.POSITIVE_INFINITY).stages;
    if (stage === undefined) throw new Error("the bundle has no stages");
    const refused = expect(threads.fetchStage(stage, undefined, silent, forever)).rejects;
    await Promise.all([refused.toThrow("has ended"), threads.close()]);
  });
});
