import { describe, expect, test } from "vitest";
import { parseNumerics } from "#domain/numerics.ts";
import { createModelHost, type ModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { createSha256 } from "#inference/sha256.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { blobKey } from "#weights/manifest.ts";
import { memoryStore, type ObjectStore } from "#weights/object-store.ts";
import { synthBundle } from "#weights/synth/synth.ts";
import { synthTokenizerFiles } from "#weights/synth/tokenizer.ts";
import { WeightsError } from "#weights/weights-error.ts";
import {
  safetensorsFile,
  storeOf,
  TINY_ORIGINAL_CONFIG,
  tensorsOf,
  withOriginalNames,
} from "../support/checkpoint-builder.ts";
import { options } from "../support/edge-builders.ts";

const forever = new AbortController().signal;

/** A store with a tiny model of random weights, and the keys of its shards. */
async function filledStore(): Promise<{ store: ObjectStore; shardKeys: Set<string> }> {
  const store = memoryStore();
  const { bundle } = await synthBundle({
    store,
    name: "tiny",
    version: "1",
    shape: "tiny",
    format: "w8a8",
    seed: 1,
    createHasher: createSha256,
  });
  const shards = bundle.stages.flatMap((stage) => stage.shards);
  return { store, shardKeys: new Set(shards.map(blobKey)) };
}

/** The same store, but no shard comes before `gate` opens; manifest and language files come at once. */
async function gatedStore(gate: Promise<void>): Promise<ObjectStore> {
  const { store, shardKeys } = await filledStore();
  return {
    ...store,
    get: async (key, getOptions) => {
      if (shardKeys.has(key)) await gate;
      return await store.get(key, getOptions);
    },
  };
}

function hostOver(store: ObjectStore): ModelHost {
  return createModelHost({
    model: "tiny",
    provider: "cpu",
    threads: 1,
    resize: resizeBicubic,
    log: () => undefined,
    open: (signal) => openModel({ store, model: "tiny", signal }),
  });
}

async function ask(host: ModelHost): Promise<ModelEvent[]> {
  const { tools } = await host.described(forever);
  const question = {
    messages: [{ role: "user", text: "hello" } as const],
    pictures: [],
    options: options({ canvas: 2, steps: 1, blockLength: 2, detail: "low" }),
  };
  return await Array.fromAsync(answer(question, tools, forever));
}

function stateOf(host: ModelHost): string {
  const status = host.status();
  return status.ok ? status.value.state : status.refusal.kind;
}

describe("a function's model", () => {
  test("a question that comes during the load is answered by the load's end", async () => {
    const gate = Promise.withResolvers<void>();
    const host = hostOver(await gatedStore(gate.promise));
    expect(stateOf(host)).toBe("weights_loading");
    let isAnswered = false;
    const events = ask(host).finally(() => {
      isAnswered = true;
    });
    await host.described(forever);
    expect(stateOf(host)).toBe("loading");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isAnswered).toBe(false);
    gate.resolve();
    expect((await events).at(-1)?.kind).toBe("answer.completed");
    expect(stateOf(host)).toBe("ready");
    await host.dispose();
  });

  test("a load that fails is told by name to those who wait and to those who come later", async () => {
    const gate = Promise.withResolvers<void>();
    const host = hostOver(await gatedStore(gate.promise));
    const waiting = ask(host);
    await host.described(forever);
    gate.reject(new WeightsError("access_denied", "the key has expired"));
    await expect(waiting).rejects.toMatchObject({ code: "access_denied" });
    await expect(ask(host)).rejects.toMatchObject({ code: "access_denied" });
    expect(stateOf(host)).toBe("failed");
    expect(host.health()).toEqual({ status: "failed", reason: "access_denied" });
    expect(host.takesWork()).toBe(true);
    await host.dispose();
  });

  test("a model that is not in the store is a refusal, not a crash", async () => {
    const host = hostOver(memoryStore());
    await expect(host.described(forever)).rejects.toMatchObject({ code: "not_found" });
    expect(host.status()).toEqual({
      ok: false,
      refusal: { kind: "weights_failed", code: "not_found" },
    });
    expect(host.health()).toEqual({ status: "failed", reason: "not_found" });
    await host.dispose();
  });

  test("once condemned it has failed for good and takes no more work, though its weights are there", async () => {
    const host = hostOver((await filledStore()).store);
    await ask(host);
    expect(host.health()).toEqual({ status: "ok" });
    host.condemn("logits_not_finite");
    host.condemn("internal");
    expect(host.health()).toEqual({ status: "failed", reason: "logits_not_finite" });
    expect([stateOf(host), host.takesWork()]).toEqual(["failed", false]);
    await host.dispose();
  });

  test("asks to be replaced once three answers in a row found no memory, and not before one did", async () => {
    const host = hostOver((await filledStore()).store);
    await ask(host);
    for (const hasRunOut of [true, true, false, true, true]) host.noteMemory(hasRunOut);
    expect(host.health()).toEqual({ status: "ok" });
    host.noteMemory(true);
    expect(host.status()).toMatchObject({
      value: { state: "failed", replace: true, reason: "device_out_of_memory" },
    });
    expect(await host.replacement).toMatchObject({ reason: "device_out_of_memory", exitCode: 75 });
    await host.dispose();
  });

  test("asks to be replaced at once where its device is lost; where its numbers are wrong it waits to be", async () => {
    const lost = hostOver((await filledStore()).store);
    await ask(lost);
    lost.condemn("device_lost");
    expect(await lost.replacement).toMatchObject({ reason: "device_lost", exitCode: 75 });
    await lost.dispose();
    const wrong = hostOver((await filledStore()).store);
    await ask(wrong);
    wrong.condemn("logits_not_finite");
    expect(await Promise.race([wrong.replacement, "waits"])).toBe("waits");
    expect(wrong.status()).toMatchObject({ value: { replace: true, reason: "logits_not_finite" } });
    await wrong.dispose();
  });

  test("says its class of arithmetic with its status, once its runtime is there", async () => {
    const host = hostOver((await filledStore()).store);
    const { numerics, card } = await host.described(forever);
    expect(parseNumerics(numerics)).toMatchObject({ provider: "cpu", model: card.digest });
    expect(host.status()).toMatchObject({ value: { numerics, replace: false, reason: null } });
    await host.dispose();
  });

  test("whoever stops waiting for the manifest is let go at once", async () => {
    const host = hostOver({ ...memoryStore(), get: () => new Promise(() => undefined) });
    const leave = new AbortController();
    const waiting = host.described(leave.signal);
    leave.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
  });

  test("that was converted from a text-only checkpoint says so in its card, and is asked as such", async () => {
    const config = { ...TINY_ORIGINAL_CONFIG, tokenizer_model_max_length: 512 };
    const weights = withOriginalNames(tensorsOf(config));
    const store = memoryStore();
    await convertCheckpoint({
      checkpoint: storedCheckpoint(
        await storeOf({
          "config.json": config,
          "model.safetensors": safetensorsFile(weights),
          ...Object.fromEntries(synthTokenizerFiles(1024)),
        }),
      ),
      store,
      ...{ name: "tiny", version: "1", form: { format: "f32" }, createHasher: createSha256 },
    });
    const host = hostOver(store);
    const { card, tools } = await host.described(forever);
    expect(card).toMatchObject({ image: null, block_length: 32 });
    const [started, ...rest] = await ask(host);
    const { endOfTurn } = tools.engine.architecture.special;
    const user = tools.renderTemplate([{ role: "user", text: "hello" }]);
    expect(user).not.toContain("system");
    expect(tools.tokenizer.encode(user)).toContain(endOfTurn);
    expect(started).toMatchObject({ promptLength: tools.tokenizer.encode(user).length });
    expect(rest.at(-1)?.kind).toMatch(/^answer\.(completed|failed)$/);
    await host.dispose();
  });
});
