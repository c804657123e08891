import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_ITEM_ATTEMPTS, MAX_RUNNING_ITEMS } from "#edge/batches/storage/batch-items.ts";
import { openBatchRepository } from "#edge/batches/storage/batch-repository.ts";
import { batchSchema } from "#wire/api/answers/batches.ts";
import { batchOf, batchTerms, endedAnswer, HOUR, problem } from "../support/batches.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const busy = problem({ code: "overloaded", retryable: true, status: 503 });

describe("a batch's repository", () => {
  test("lets a few items run at a time, in order, each under its own answer", () => {
    const repository = batchOf(Array(10).fill(10));
    expect(repository.body().status).toBe("queued");
    const taken = Array.from({ length: 10 }, (_, index) => repository.takeNext(`ans_${index}`));
    expect(taken.filter((item) => item !== null)).toEqual(
      Array.from({ length: MAX_RUNNING_ITEMS }, (_, index) => ({
        index,
        answerId: `ans_${index}`,
      })),
    );
    expect(repository.body().status).toBe("running");
    expect(repository.running()).toHaveLength(MAX_RUNNING_ITEMS);
  });

  test("ends when its last item has, and reads as ended when it is paid", () => {
    const repository = batchOf([10, 10]);
    repository.takeNext("a");
    repository.takeNext("b");
    expect(repository.end(1, endedAnswer("b", "partial", 4))).toBe("ended");
    expect(repository.closingStep()).toBeNull();
    repository.end(0, endedAnswer("a"));
    expect(repository.body()).toMatchObject({
      status: "running",
      charged_micros: 0,
      ended_at: null,
    });
    const { charge, steps } = repository.charge();
    expect([charge, steps, repository.closingStep()]).toEqual([14n, 8, "settle"]);
    const closed = repository.closedBody(charge);
    repository.settled(charge);
    expect(repository.body()).toEqual(closed);
    expect(batchSchema.parse(closed)).toMatchObject({
      status: "completed",
      counts: { total: 2, completed: 1, partial: 1, failed: 0, cancelled: 0 },
      quoted_micros: 20,
      charged_micros: 14,
    });
    expect(repository.closingStep()).toBe("index");
    repository.indexed();
    expect(repository.closingStep()).toBe("tell");
    repository.told();
    expect(repository.closingStep()).toBeNull();
  });

  test("takes the end of an item in once, from its own answer and from no other", () => {
    const repository = batchOf([10]);
    repository.takeNext("a");
    expect(repository.end(0, endedAnswer("x"))).toBe("ignored");
    expect(repository.end(0, endedAnswer("a", "running"))).toBe("ignored");
    expect(repository.end(0, endedAnswer("a"))).toBe("ended");
    expect(repository.end(0, endedAnswer("a", "failed", 0))).toBe("ignored");
    expect(repository.body().counts).toMatchObject({ completed: 1, failed: 0 });
  });

  test("never charges an item more than its quote", () => {
    const repository = batchOf([10]);
    repository.takeNext("a");
    repository.end(0, endedAnswer("a", "completed", 11));
    expect(repository.charge().charge).toBe(10n);
  });

  test("keeps the failure of one item apart from the others", () => {
    const store = nodeStore();
    const repository = openBatchRepository(store, () => 0);
    repository.keep(0, { customId: "bad", quotedMicros: 0, error: problem() });
    repository.keep(1, { customId: null, quotedMicros: 10, error: null });
    repository.begin(batchTerms({ quotedMicros: 10 }));
    expect(repository.takeNext("a")).toEqual({ index: 1, answerId: "a" });
    expect(repository.results(0, 10)).toEqual([
      { custom_id: "bad", index: 0, status: "failed", answer: null, error: problem() },
      { custom_id: null, index: 1, status: "running", answer: null, error: null },
    ]);
  });

  test("is over at once where no item can be asked", () => {
    const repository = openBatchRepository(nodeStore(), () => 5);
    repository.keep(0, { customId: null, quotedMicros: 0, error: problem() });
    repository.begin(batchTerms());
    expect(repository.closingStep()).toBe("settle");
  });

  test("tries again what may pass, later and later, and not for ever", () => {
    let now = 0;
    const repository = batchOf([10], () => now);
    for (let attempt = 1; attempt < MAX_ITEM_ATTEMPTS; attempt++) {
      expect(repository.takeNext(`a${attempt}`)).not.toBeNull();
      for (const _ of ["told", "told again"])
        expect(repository.end(0, endedAnswer(`a${attempt}`, "failed", 0, busy))).toBe("again");
      expect(repository.takeNext("too-early")).toBeNull();
      now = repository.nextDueAt() ?? Number.NaN;
    }
    expect(now).toBe(10_000 + 20_000 + 40_000);
    repository.takeNext("last");
    expect(repository.end(0, endedAnswer("last", "failed", 0, busy))).toBe("ended");
    expect(repository.body().counts.failed).toBe(1);
  });

  test("cancels what waits at its deadline", () => {
    let now = 0;
    const repository = batchOf(Array(6).fill(10), () => now, { deadlineAt: HOUR });
    for (let index = 0; index < MAX_RUNNING_ITEMS; index++) repository.takeNext(`a${index}`);
    now = HOUR;
    expect(repository.takeNext("late")).toBeNull();
    expect(repository.body().counts.cancelled).toBe(2);
    expect(repository.running()).toHaveLength(MAX_RUNNING_ITEMS);
  });

  test("goes on after its writer's death where it stood", () => {
    const store = nodeStore();
    const before = openBatchRepository(store, () => 0);
    before.keep(0, { customId: null, quotedMicros: 10, error: null });
    before.begin(batchTerms({ quotedMicros: 10 }));
    before.takeNext("a");
    const after = openBatchRepository(store, () => 0);
    expect(after.running()).toEqual([{ index: 0, answerId: "a" }]);
    expect(after.end(0, endedAnswer("a"))).toBe("ended");
  });
});

describe("whatever happens to a batch, in any order and however often", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("take" as const) }),
    fc.record({
      kind: fc.constant("end" as const),
      which: fc.nat(5),
      status: fc.constantFrom("completed", "partial", "failed", "cancelled", "running" as const),
      charged: fc.nat(30),
      isPassing: fc.boolean(),
      isStale: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("cancel" as const) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(HOUR) }),
    fc.record({ kind: fc.constant("die" as const) }),
  );
  const run = fc.record({
    quotes: fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }),
    events: fc.array(event, { maxLength: 60 }),
  });

  test("every item ends once, and the charge is the sum of theirs and never above the hold", () => {
    fc.assert(
      fc.property(run, ({ quotes, events }) => {
        let now = 0;
        const store = nodeStore();
        let repository = openBatchRepository(store, () => now);
        for (const [index, quotedMicros] of quotes.entries())
          repository.keep(index, { customId: null, quotedMicros, error: null });
        const held = quotes.reduce((sum, quote) => sum + quote, 0);
        repository.begin(batchTerms({ quotedMicros: held, deadlineAt: 3 * HOUR }));
        const ended = new Map<number, number>();
        let drawn = 0;
        const finish = (index: number, body: ReturnType<typeof endedAnswer>): void => {
          if (repository.end(index, body) !== "ended") return;
          expect(ended.has(index)).toBe(false);
          ended.set(index, Math.min(body.charged_micros, quotes[index] ?? 0));
        };
        for (const one of events) {
          if (one.kind === "take") repository.takeNext(`ans_${drawn++}`);
          if (one.kind === "cancel") repository.cancel();
          if (one.kind === "wait") now += one.ms;
          if (one.kind === "die") repository = openBatchRepository(store, () => now);
          if (one.kind !== "end") continue;
          const item = repository.running()[one.which];
          const error = one.status === "failed" ? { ...busy, retryable: one.isPassing } : null;
          const answerId = one.isStale ? "ans_stale" : (item?.answerId ?? "none");
          finish(item?.index ?? 0, endedAnswer(answerId, one.status, one.charged, error));
        }
        now = 4 * HOUR;
        repository.takeNext("late");
        for (const { index, answerId } of repository.running())
          finish(index, endedAnswer(answerId, "completed", 30));
        expect(repository.closingStep()).toBe("settle");
        const { charge } = repository.charge();
        expect(charge).toBe(BigInt([...ended.values()].reduce((sum, one) => sum + one, 0)));
        expect(charge).toBeLessThanOrEqual(BigInt(held));
        const { total, ...counts } = repository.closedBody(charge).counts;
        expect(total).toBe(quotes.length);
        expect(Object.values(counts).reduce((sum, one) => sum + one, 0)).toBe(total);
      }),
      { numRuns: 150 },
    );
  });
});
