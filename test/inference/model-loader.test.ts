import { describe, expect, test } from "vitest";
import type { LoadedStage } from "#domain/bundle.ts";
import { type LoadState, openModel } from "#inference/model-loader.ts";
import { blobKey } from "#weights/manifest.ts";
import { inLoadingOrder } from "#weights/plan.ts";
import { impatientPolicy, tinyBundle } from "../support/bundles.ts";

describe("a model's loader", () => {
  test("knows manifest, digest and files before any weights have come", async () => {
    const { store, bundle, digest } = await tinyBundle();
    const model = await openModel({ store, model: "tiny" });
    expect(model).toMatchObject({ bundle, digest });
    expect([...model.files.keys()].sort()).toEqual(["tokenizer.json", "tokenizer_config.json"]);
    expect(model.state()).toMatchObject({
      kind: "loading",
      status: {
        ...{ doneBytes: 0, etaSeconds: Number.POSITIVE_INFINITY },
        totalBytes: bundle.stages.reduce((sum, { bytes }) => sum + bytes, 0),
      },
    });
  });

  test("hands on all stages, is loading meanwhile, and ready at the end", async () => {
    const { store, bundle } = await tinyBundle();
    const model = await openModel({ store, model: "tiny", version: "1" });
    const seen: string[] = [];
    const states: LoadState["kind"][] = [];
    await model.start(async ({ layout }: LoadedStage) => {
      seen.push(layout.name);
      states.push(model.state().kind);
    });
    expect(seen).toEqual(inLoadingOrder(bundle.stages).map(({ name }) => name));
    expect(new Set(states)).toEqual(new Set(["loading"]));
    expect(model.state()).toMatchObject({
      kind: "ready",
      status: { stagesDone: bundle.stages.length, etaSeconds: 0 },
    });
  });

  test("that fails says so by the fault's own name, from then on", async () => {
    const { store, bundle } = await tinyBundle();
    const shard = bundle.stages[2]?.shards[0];
    if (shard === undefined) throw new Error("the bundle has too few shards");
    await store.put(blobKey(shard), new Uint8Array(shard.bytes));
    const model = await openModel({ store, model: "tiny", policy: impatientPolicy() });
    await expect(model.start(async () => {})).rejects.toMatchObject({ code: "shard_corrupt" });
    expect(model.state()).toMatchObject({ kind: "failed", error: { code: "shard_corrupt" } });
  });

  test("names a model that the store does not know", async () => {
    const { store } = await tinyBundle();
    await expect(openModel({ store, model: "other" })).rejects.toMatchObject({ code: "not_found" });
  });
});
