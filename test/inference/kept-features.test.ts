import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerOptions } from "#domain/question.ts";
import type { Picture, Tensor } from "#domain/tensor.ts";
import { createFeatureStore } from "#engine/feature-store.ts";
import { createAdmission } from "#inference/admission.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { createPace } from "#inference/fleet/pace.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createMetrics } from "#inference/metrics.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { run } from "#inference/run.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import { pixelDigest } from "#wire/function/replay-digest.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { options } from "../support/edge-builders.ts";

const forever = new AbortController().signal;
const files = ["000.png", "001.png"].map((name) => `test/fixtures/demo-eval/${name}`);

describe("a question about a picture that was asked about before", () => {
  let host: ModelHost;
  let model: DescribedModel;
  let pictures: Picture[];
  let encoded = 0;

  beforeAll(async () => {
    host = await hostOfBundle("infra/demo-model/bundle", "unmask-demo");
    model = await host.described(forever);
    const decoded = await decodeImages(files.map((file) => readFileSync(file)));
    if (!decoded.ok) throw new Error("the fixtures cannot be decoded");
    pictures = decoded.value;
  });
  afterAll(() => host.dispose());

  function tools(maxBytes: number): DescribedModel["tools"] {
    const { engine } = model.tools;
    const encodeImage = (views: Tensor, signal: AbortSignal): Promise<Tensor> => {
      encoded += 1;
      return engine.encodeImage(views, signal);
    };
    const features = createFeatureStore(maxBytes);
    return { ...model.tools, engine: { ...engine, encodeImage }, features };
  }

  async function ask(
    asked: readonly Picture[],
    using: DescribedModel["tools"],
    overrides: Partial<AnswerOptions> = {},
  ): Promise<{ events: ModelEvent[]; towers: number; cached: number | undefined }> {
    const question = {
      messages: [{ role: "user", text: "what is this?" } as const],
      pictures: asked,
      pictureDigests: await Promise.all(asked.map(pixelDigest)),
      options: options({ canvas: 16, steps: 8, blockLength: 16, ...overrides }),
    };
    const before = encoded;
    const events = await Array.fromAsync(answer(question, using, forever));
    const [started] = events;
    const cached = started?.kind === "answer.started" ? started.cachedImageVectors : undefined;
    return { events, towers: encoded - before, cached };
  }

  /** Everything that was told but for how much was kept. */
  function told(events: readonly ModelEvent[]): unknown {
    return JSON.parse(
      JSON.stringify(events, (name, value) => (name === "cachedImageVectors" ? undefined : value)),
    );
  }

  test("skips the vision tower, says so from its first event to its last, and is answered alike, bit for bit", async () => {
    const [picture] = pictures;
    if (picture === undefined) throw new Error("there is no picture");
    const keeping = tools(1e8);
    const alone = await ask([picture], tools(0));
    const first = await ask([picture], keeping);
    const second = await ask([picture], keeping);
    expect([alone, first, second].map(({ towers }) => towers)).toEqual([1, 1, 0]);
    const [started] = second.events;
    if (started?.kind !== "answer.started") throw new Error("the answer has no start");
    expect([first.cached, second.cached]).toEqual([undefined, started.imageVectors]);
    expect(second.events.at(-1)).toMatchObject({
      kind: "answer.completed",
      usage: { cachedImageVectors: started.imageVectors, imageVectors: started.imageVectors },
    });
    expect(told(first.events)).toEqual(told(alone.events));
    expect(told(second.events)).toEqual(told(alone.events));
  });

  test("takes what is kept of some pictures and makes the others", async () => {
    const keeping = tools(1e8);
    const [one, other] = pictures;
    if (one === undefined || other === undefined) throw new Error("there are too few pictures");
    await ask([one], keeping, { detail: "low" });
    const both = await ask([one, other], keeping, { detail: "low" });
    const alone = await ask([one, other], tools(0), { detail: "low" });
    expect([both.towers, alone.towers]).toEqual([1, 2]);
    expect(told(both.events)).toEqual(told(alone.events));
  });

  test("is made anew where the picture is cut otherwise, has another pixel, or there is no room to keep it", async () => {
    const [picture] = pictures;
    if (picture === undefined) throw new Error("there is no picture");
    const changed = { ...picture, pixelsHWC: picture.pixelsHWC.map((value, at) => value ^ +!at) };
    const turned = { ...picture, width: picture.height, height: picture.width };
    const small = tools(100);
    await ask([picture], small);
    expect((await ask([picture], small)).towers).toBe(1);
    const keeping = tools(1e8);
    await ask([picture], keeping);
    expect((await ask([changed], keeping)).towers).toBe(1);
    if (turned.width !== turned.height) expect((await ask([turned], keeping)).towers).toBe(1);
  });

  test("is made anew for another account, and for another subject of it: nobody learns what others have asked about", async () => {
    const [file = ""] = files;
    const keeping = await hostOfBundle("infra/demo-model/bundle", "unmask-demo", {
      featureBytes: 1e8,
    });
    const admission = createAdmission(1, 1, () => 0);
    const parts = {
      ...{ host: keeping, admission, metrics: createMetrics(), pace: createPace(() => 0) },
      ...{ now: () => 0, log: () => undefined },
    };
    const question = {
      messages: [{ role: "user", text: "what is this?" } as const],
      images: [readFileSync(file)],
      options: options({ canvas: 8, steps: 1, blockLength: 8 }),
    };
    const cachedFor = async (
      account: string,
      owner: string | null,
      isStored = true,
    ): Promise<boolean> => {
      const place = createAdmission(1, 1, () => 0).enter(forever);
      if (!place.ok) throw new Error("the queue is full");
      const ids = { jobId: "ans_1", account, owner, isStored, digest: "d".repeat(64) };
      const work = { ...ids, question, pictures: null, deadline: forever, alternatives: 0 };
      const [started] = await Array.fromAsync(run(work, place.value, parts, forever));
      if (started?.kind !== "answer.started") throw new Error("the answer has no start");
      return started.cachedImageVectors !== undefined;
    };
    try {
      expect(await cachedFor("acc_1", null)).toBe(false);
      expect(await cachedFor("acc_2", null)).toBe(false);
      expect(await cachedFor("acc_1", "sub:ada")).toBe(false);
      expect(await cachedFor("acc_1", "sub:bob")).toBe(false);
      for (const owner of [null, "sub:ada", "sub:bob"])
        expect(await cachedFor("acc_1", owner)).toBe(true);
      // What is not to be stored is neither found nor kept.
      expect(await cachedFor("acc_1", null, false)).toBe(false);
      expect(await cachedFor("acc_3", null, false)).toBe(false);
      expect(await cachedFor("acc_3", null)).toBe(false);
      // An account that is erased is forgotten with all its subjects, and no other.
      keeping.forget("acc_1");
      await keeping.described(forever);
      expect(await cachedFor("acc_1", "sub:ada")).toBe(false);
      expect(await cachedFor("acc_2", null)).toBe(true);
    } finally {
      await keeping.dispose();
    }
  });
});
