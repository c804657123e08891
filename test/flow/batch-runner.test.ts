import { describe, expect, test, vi } from "vitest";
import { micros } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import type { AnswerOrder } from "#edge/answers/storage/answer-order.ts";
import { standardKeeping } from "#edge/answers/storage/stored-answers.ts";
import {
  advance,
  type BatchParts,
  cancelBatch,
  itemEnded,
  lookAfter,
} from "#edge/batches/batch-runner.ts";
import { openBatchOrders } from "#edge/batches/storage/batch-orders.ts";
import { openBatchRepository } from "#edge/batches/storage/batch-repository.ts";
import type { ItemOrder } from "#edge/batches/storage/stored-batches.ts";
import { storedBatch } from "#edge/batches/storage/stored-batches.ts";
import type { Lookup } from "#edge/cache/answer-cache.ts";
import type { Capture } from "#edge/ledger/ledger-service.ts";
import { isKept } from "#edge/questions/question-picture.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { batchTerms, endedAnswer, HOUR } from "../support/batches.ts";
import { question, untold } from "../support/edge-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";
import { fileOf, kept } from "../support/orders.ts";

vi.spyOn(console, "error").mockImplementation(() => undefined);

const order: ItemOrder = {
  job: {
    accountId: "acc_1",
    card: {
      ...untold,
      id: "demo",
      image: null,
      prices: { view: 1n, linear: 2n, attention: 3n },
      hitPrice: micros(0),
    },
    question: await kept(question()),
    warnings: [],
    work: { views: 0, imageVectors: 0, canvas: 4, steps: 2, positions: 9, passRows: [9, 9] },
    quote: {
      price: micros(10),
      imageVectors: 0,
      canvas: 4,
      steps: 2,
      forwardPasses: 2,
      refreshes: 2,
      rows: 8,
    },
    createdAt: 0,
  },
  deadlineMs: 500,
  webhook: null,
  pool: "private",
};

/** A batch of `count` items among answers, a ledger and notices that can be made to fail. */
function world(count: number, isRepeatable = false) {
  const store = nodeStore();
  const seen = {
    orders: [] as AnswerOrder[],
    recorded: [] as [string, AnswerBody][],
    found: { kind: "bypass" } as Lookup,
    captures: [] as Capture[],
    notices: [] as Notice[],
    listed: [] as unknown[],
    broken: new Set<string>(),
    bodies: new Map<string, AnswerBody>(),
    now: 1_000,
  };
  let drawn = 0;
  const call = async (name: string): Promise<void> => {
    if (seen.broken.has(name)) throw new Error(`${name} is away`);
  };
  const parts: BatchParts = {
    repository: openBatchRepository(store, () => seen.now),
    orders: openBatchOrders(store),
    keepPictures: async (_, asked) =>
      isKept(asked) ? asked : await kept({ ...asked, images: asked.images.map(fileOf) }),
    answers: {
      async start(one) {
        await call("start");
        seen.orders.push(one);
        seen.bodies.set(one.job.id, endedAnswer(one.job.id, "running", 0));
        await call("start-reply");
      },
      async record(one, body) {
        await call("record");
        seen.recorded.push([one.job.id, body]);
      },
      async delete() {
        return "deleted";
      },
      async read(id) {
        await call("read");
        return seen.bodies.get(id) ?? null;
      },
      async cancel(id) {
        await call("cancel");
        const isKnown = seen.bodies.has(id);
        if (isKnown) seen.bodies.set(id, endedAnswer(id, "cancelled", 3));
        return seen.bodies.get(id) ?? null;
      },
    },
    ledgerOf: () => ({
      renew: async () => await call("renew"),
      async capture(one) {
        await call("capture");
        seen.captures.push(one);
        return { charged: one.charge, called: [], isListed: false };
      },
    }),
    notices: {
      async accept(notice) {
        await call("accept");
        seen.notices.push(notice);
      },
    },
    index: async (_account, body) => {
      await call("index");
      seen.listed.push(body);
    },
    share: 4,
    lookUp: async () => seen.found,
    newAnswerId: () => `ans_${drawn++}`,
    now: () => seen.now,
  };
  for (let index = 0; index < count; index++) {
    parts.orders.keep(index, order);
    parts.repository.keep(index, { customId: null, quotedMicros: 10, error: null });
  }
  parts.repository.begin(batchTerms({ quotedMicros: 10 * count, isRepeatable }));
  return { parts, seen };
}

/** An answer that the question of an item had before. */
const hit: Lookup = {
  ...{ kind: "hit", key: "ab".repeat(32), ageSeconds: 1, ttlSeconds: 1 },
  body: { ...endedAnswer("ans_first", "completed", 3), cached: true },
};

function endRunning({ parts, seen }: ReturnType<typeof world>): void {
  for (const { index, answerId } of parts.repository.running()) {
    seen.bodies.set(answerId, endedAnswer(answerId));
    itemEnded(parts, index, endedAnswer(answerId));
  }
}

describe("a batch at work", () => {
  test("starts answers that the batch pays for, as they were asked", async () => {
    const { parts, seen } = world(1);
    await advance(parts);
    expect(seen.orders).toEqual([
      {
        job: { ...order.job, id: "ans_0", createdAt: 1_000 },
        keyId: "key_1",
        numerics: null,
        keeping: standardKeeping,
        owner: null,
        requestId: "req_1",
        traceparent: null,
        deadlineAt: 1_500,
        isRepeatable: false,
        payment: { kind: "batch", batchId: "bat_1", index: 0 },
        webhook: null,
        cacheKey: null,
        follows: null,
        isAccepted: true,
        share: 4,
        hasPlace: false,
      },
    ]);
  });

  test("captures the sum once, lists it and tells it, when the last item has ended", async () => {
    const batch = world(6, true);
    const { parts, seen } = batch;
    await advance(parts);
    endRunning(batch);
    await advance(parts);
    expect(seen.captures).toEqual([]);
    endRunning(batch);
    await advance(parts);
    await advance(parts);
    expect(seen.captures).toMatchObject([{ holdId: "bat_1", charge: 60n, steps: 24 }]);
    const told = parts.repository.body();
    expect(storedBatch.read(seen.captures[0]?.reply ?? "")).toEqual(told);
    expect(seen.listed).toEqual([told]);
    expect(seen.notices).toMatchObject([{ id: "evt_1", type: "batch.completed", data: told }]);
  });

  test("starts again what no object knows of", async () => {
    const { parts, seen } = world(1);
    seen.broken.add("start");
    await advance(parts);
    expect(seen.orders).toEqual([]);
    seen.broken.clear();
    await lookAfter(parts);
    expect(seen.orders.map(({ job }) => job.id)).toEqual(["ans_0"]);
  });

  test("begins the others, and it later, where the pictures of an item cannot be kept", async () => {
    const { parts, seen } = world(3);
    let tries = 0;
    const keepPictures: BatchParts["keepPictures"] = async (terms, asked) => {
      if (++tries === 1) throw new Error("the bucket is away");
      return await parts.keepPictures(terms, asked);
    };
    await advance({ ...parts, keepPictures });
    expect(seen.orders.map(({ job }) => job.id)).toEqual(["ans_1", "ans_2"]);
    await lookAfter({ ...parts, keepPictures });
    expect(seen.orders.map(({ job }) => job.id)).toEqual(["ans_1", "ans_2", "ans_0"]);
  });

  test("ends at its deadline although an item could not be begun in all its time", async () => {
    const batch = world(2);
    const { parts, seen } = batch;
    const keepPictures: BatchParts["keepPictures"] = async () => {
      throw new Error("its pictures are lost");
    };
    await advance({ ...parts, keepPictures });
    seen.now = 24 * HOUR - 1;
    await lookAfter({ ...parts, keepPictures });
    expect(parts.repository.body().status).toBe("running");
    seen.now = 24 * HOUR;
    await lookAfter({ ...parts, keepPictures });
    expect(parts.repository.body()).toMatchObject({ counts: { total: 2, cancelled: 2 } });
    expect(seen.captures).toMatchObject([{ charge: 0n }]);
    expect(seen.notices).toHaveLength(1);
  });

  test("finds out that an answer runs whose start was not confirmed", async () => {
    const { parts, seen } = world(1);
    seen.broken.add("start-reply");
    await advance(parts);
    seen.broken.clear();
    await lookAfter(parts);
    expect(seen.orders).toHaveLength(1);
  });

  test("asks for an end whose report was lost", async () => {
    const { parts, seen } = world(1);
    await advance(parts);
    seen.bodies.set("ans_0", endedAnswer("ans_0"));
    await lookAfter(parts);
    expect(parts.repository.body().status).toBe("completed");
  });

  test.each(["capture", "index", "accept"])(
    "closes later, and once, where %s cannot be reached",
    async (name) => {
      const batch = world(1);
      const { parts, seen } = batch;
      await advance(parts);
      endRunning(batch);
      seen.broken.add(name);
      await advance(parts);
      expect(parts.repository.closingStep()).not.toBeNull();
      seen.broken.clear();
      await lookAfter(parts);
      expect(parts.repository.closingStep()).toBeNull();
      const times = [seen.captures.length, seen.listed.length, seen.notices.length];
      expect(times).toEqual([1, 1, 1]);
    },
  );

  test("keeps no question of an item that has ended", async () => {
    const batch = world(1);
    await advance(batch.parts);
    endRunning(batch);
    expect(() => batch.parts.orders.read(0)).toThrow("has no order");
  });
});

describe("a batch that is cancelled", () => {
  test("charges the steps that ran and nothing else", async () => {
    const { parts, seen } = world(6);
    await advance(parts);
    await cancelBatch(parts);
    expect(parts.repository.body()).toMatchObject({
      status: "cancelled",
      counts: { cancelled: 6 },
      charged_micros: 12,
    });
    expect(seen.captures).toHaveLength(1);
  });

  test("ends although an answer of it was never started", async () => {
    const { parts, seen } = world(1);
    seen.broken.add("start");
    await advance(parts);
    await cancelBatch(parts);
    expect(parts.repository.body()).toMatchObject({ status: "cancelled", charged_micros: 0 });
  });

  test.each([{ kind: "bypass" } as Lookup, hit])(
    "makes no answer of an item for which the cache is still asked: $kind",
    async (found) => {
      const { parts, seen } = world(1);
      const lookUp: BatchParts["lookUp"] = async () => {
        await cancelBatch(parts);
        return found;
      };
      await advance({ ...parts, lookUp });
      expect(parts.repository.body()).toMatchObject({ status: "cancelled", charged_micros: 0 });
      expect([seen.orders, seen.recorded]).toEqual([[], []]);
    },
  );

  test("stops an answer that was on its way to be started", async () => {
    const { parts, seen } = world(1);
    const answers: BatchParts["answers"] = {
      ...parts.answers,
      async start(one) {
        await cancelBatch(parts);
        await parts.answers.start(one);
      },
    };
    await advance({ ...parts, answers });
    expect(parts.repository.body()).toMatchObject({ status: "cancelled", charged_micros: 0 });
    expect(seen.bodies.get("ans_0")).toMatchObject({ status: "cancelled" });
  });

  test("is stopped later where its answers cannot be reached", async () => {
    const { parts, seen } = world(1);
    await advance(parts);
    seen.broken.add("cancel");
    await cancelBatch(parts);
    expect(parts.repository.body().status).toBe("running");
    seen.broken.clear();
    await lookAfter(parts);
    expect(parts.repository.body().status).toBe("cancelled");
  });
});

describe("a kept question", () => {
  test("comes back as it was, however long and in whatever script", async () => {
    const orders = openBatchOrders(nodeStore());
    const text = "🐕é\n".repeat(300_000);
    const long = {
      ...order,
      job: {
        ...order.job,
        question: await kept(question({ messages: [{ role: "user", text: "?" }] })),
      },
    };
    const suffixed = { ...long, webhook: { url: text, secret: null, wantsDrafts: false } };
    orders.keep(0, suffixed);
    expect(orders.read(0)).toEqual(suffixed);
  });
});

describe("an item whose question was asked before", () => {
  const key = "ab".repeat(32);

  test("has that answer under an id of its own, costs what such answers cost, and nothing runs", async () => {
    const { parts, seen } = world(2);
    const body = { ...endedAnswer("ans_first", "completed", 3), cached: true };
    seen.found = { kind: "hit", key, body, ageSeconds: 1, ttlSeconds: 1 };
    await advance(parts);
    expect(seen.orders).toEqual([]);
    expect(seen.recorded.map(([id, kept]) => [id, kept.id])).toEqual([
      ["ans_0", "ans_0"],
      ["ans_1", "ans_1"],
    ]);
    const results = parts.repository.results(0, 2);
    expect(results.map(({ status, answer }) => [status, answer?.cached])).toEqual([
      ["completed", true],
      ["completed", true],
    ]);
    expect(seen.captures).toMatchObject([{ charge: 6n, steps: 0, answers: 2 }]);
  });

  test("tells no more than its own quote, whatever such answers cost", async () => {
    const { parts, seen } = world(1);
    const body = { ...endedAnswer("ans_first", "completed", 1_000_000), cached: true };
    seen.found = { kind: "hit", key, body, ageSeconds: 1, ttlSeconds: 1 };
    await advance(parts);
    const charged = Number(seen.captures[0]?.charge);
    expect(charged).toBeGreaterThan(0);
    expect(charged).toBeLessThan(1_000_000);
    expect(seen.recorded).toMatchObject([["ans_0", { charged_micros: charged }]]);
    expect(parts.repository.results(0, 1)).toMatchObject([{ answer: { charged_micros: charged } }]);
  });

  test("and cannot be kept under its id has it in the results all the same", async () => {
    const { parts, seen } = world(1);
    const body = { ...endedAnswer("ans_first", "completed", 3), cached: true };
    seen.found = { kind: "hit", key, body, ageSeconds: 1, ttlSeconds: 1 };
    seen.broken.add("record");
    await advance(parts);
    expect(parts.repository.results(0, 1)).toMatchObject([{ answer: { id: "ans_0" } }]);
  });

  test("and is being made takes part in that work", async () => {
    const { parts, seen } = world(1);
    seen.found = { kind: "join", key, leaderId: "ans_lead", leaderAccountId: "acc_1" };
    await advance(parts);
    expect(seen.orders).toMatchObject([
      { cacheKey: key, follows: { answerId: "ans_lead", accountId: "acc_1" } },
    ]);
  });

  test("by nobody is made for the cache too", async () => {
    const { parts, seen } = world(1);
    seen.found = { kind: "lead", key };
    await advance(parts);
    expect(seen.orders).toMatchObject([{ cacheKey: key, follows: null }]);
  });
});

test("items of a cancelled batch have a status, also those that never ran", async () => {
  const { parts } = world(6);
  await advance(parts);
  await cancelBatch(parts);
  const statuses = parts.repository.results(0, 6).map(({ status }) => status);
  expect(statuses).toEqual(Array<string>(6).fill("cancelled"));
});

test("items that wait and items that run read as such", async () => {
  const { parts } = world(6);
  await advance(parts);
  const statuses = parts.repository.results(0, 6).map(({ status }) => status);
  expect(statuses).toEqual(["running", "running", "running", "running", "queued", "queued"]);
});
