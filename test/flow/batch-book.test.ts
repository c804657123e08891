import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_ITEM_ATTEMPTS,
  MAX_RUNNING_ITEMS,
  openBatchBook,
} from "#edge/batches/batch-repository.ts";
import { batchSchema } from "#wire/api/answers/batches.ts";
import { batchOf, batchTerms, endedAnswer, HOUR, problem } from "../support/batches.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const busy = problem({ code: "overloaded", retryable: true, status: 503 });

describe("a batch's book", () => {
  test("lets a few items run at a time, in order, each under its own answer", () => {
    const book = batchOf(Array(10).fill(10));
    expect(book.body().status).toBe("queued");
    const taken = Array.from({ length: 10 }, (_, index) => book.takeNext(`ans_${index}`));
    expect(taken.filter((item) => item !== null)).toEqual(
      Array.from({ length: MAX_RUNNING_ITEMS }, (_, index) => ({
        index,
        answerId: `ans_${index}`,
      })),
    );
    expect(book.body().status).toBe("running");
    expect(book.running()).toHaveLength(MAX_RUNNING_ITEMS);
  });

  test("ends when its last item has, and reads as ended when it is paid", () => {
    const book = batchOf([10, 10]);
    book.takeNext("a");
    book.takeNext("b");
    expect(book.end(1, endedAnswer("b", "partial", 4))).toBe("ended");
    expect(book.closingStep()).toBeNull();
    book.end(0, endedAnswer("a"));
    expect(book.body()).toMatchObject({ status: "running", charged_micros: 0, ended_at: null });
    const { charge, steps } = book.charge();
    expect([charge, steps, book.closingStep()]).toEqual([14n, 8, "settle"]);
    const closed = book.closedBody(charge);
    book.settled(charge);
    expect(book.body()).toEqual(closed);
    expect(batchSchema.parse(closed)).toMatchObject({
      status: "completed",
      counts: { total: 2, completed: 1, partial: 1, failed: 0, cancelled: 0 },
      quoted_micros: 20,
      charged_micros: 14,
    });
    expect(book.closingStep()).toBe("index");
    book.indexed();
    expect(book.closingStep()).toBe("tell");
    book.told();
    expect(book.closingStep()).toBeNull();
  });

  test("takes the end of an item in once, from its own answer and from no other", () => {
    const book = batchOf([10]);
    book.takeNext("a");
    expect(book.end(0, endedAnswer("x"))).toBe("ignored");
    expect(book.end(0, endedAnswer("a", "running"))).toBe("ignored");
    expect(book.end(0, endedAnswer("a"))).toBe("ended");
    expect(book.end(0, endedAnswer("a", "failed", 0))).toBe("ignored");
    expect(book.body().counts).toMatchObject({ completed: 1, failed: 0 });
  });

  test("never charges an item more than its quote", () => {
    const book = batchOf([10]);
    book.takeNext("a");
    book.end(0, endedAnswer("a", "completed", 11));
    expect(book.charge().charge).toBe(10n);
  });

  test("keeps the failure of one item apart from the others", () => {
    const store = nodeStore();
    const book = openBatchBook(store, () => 0);
    book.keep(0, { customId: "bad", quotedMicros: 0, error: problem() });
    book.keep(1, { customId: null, quotedMicros: 10, error: null });
    book.begin(batchTerms({ quotedMicros: 10 }));
    expect(book.takeNext("a")).toEqual({ index: 1, answerId: "a" });
    expect(book.results(0, 10)).toEqual([
      { custom_id: "bad", index: 0, status: "failed", answer: null, error: problem() },
      { custom_id: null, index: 1, status: "running", answer: null, error: null },
    ]);
  });

  test("is over at once where no item can be asked", () => {
    const book = openBatchBook(nodeStore(), () => 5);
    book.keep(0, { customId: null, quotedMicros: 0, error: problem() });
    book.begin(batchTerms());
    expect(book.closingStep()).toBe("settle");
  });

  test("tries again what may pass, later and later, and not for ever", () => {
    let now = 0;
    const book = batchOf([10], () => now);
    for (let attempt = 1; attempt < MAX_ITEM_ATTEMPTS; attempt++) {
      expect(book.takeNext(`a${attempt}`)).not.toBeNull();
      expect(book.end(0, endedAnswer(`a${attempt}`, "failed", 0, busy))).toBe("again");
      expect(book.takeNext("too-early")).toBeNull();
      now = book.nextDueAt() ?? Number.NaN;
    }
    expect(now).toBe(10_000 + 20_000 + 40_000);
    book.takeNext("last");
    expect(book.end(0, endedAnswer("last", "failed", 0, busy))).toBe("ended");
    expect(book.body().counts.failed).toBe(1);
  });

  test("cancels what waits at its deadline", () => {
    let now = 0;
    const book = batchOf(Array(6).fill(10), () => now, { deadlineAt: HOUR });
    for (let index = 0; index < MAX_RUNNING_ITEMS; index++) book.takeNext(`a${index}`);
    now = HOUR;
    expect(book.takeNext("late")).toBeNull();
    expect(book.body().counts.cancelled).toBe(2);
    expect(book.running()).toHaveLength(MAX_RUNNING_ITEMS);
  });

  test("goes on after its writer's death where it stood", () => {
    const store = nodeStore();
    const before = openBatchBook(store, () => 0);
    before.keep(0, { customId: null, quotedMicros: 10, error: null });
    before.begin(batchTerms({ quotedMicros: 10 }));
    before.takeNext("a");
    const after = openBatchBook(store, () => 0);
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
        let book = openBatchBook(store, () => now);
        for (const [index, quotedMicros] of quotes.entries())
          book.keep(index, { customId: null, quotedMicros, error: null });
        const held = quotes.reduce((sum, quote) => sum + quote, 0);
        book.begin(batchTerms({ quotedMicros: held, deadlineAt: 3 * HOUR }));
        const ended = new Map<number, number>();
        let drawn = 0;
        const finish = (index: number, body: ReturnType<typeof endedAnswer>): void => {
          if (book.end(index, body) !== "ended") return;
          expect(ended.has(index)).toBe(false);
          ended.set(index, Math.min(body.charged_micros, quotes[index] ?? 0));
        };
        for (const one of events) {
          if (one.kind === "take") book.takeNext(`ans_${drawn++}`);
          if (one.kind === "cancel") book.cancel();
          if (one.kind === "wait") now += one.ms;
          if (one.kind === "die") book = openBatchBook(store, () => now);
          if (one.kind !== "end") continue;
          const item = book.running()[one.which];
          const error = one.status === "failed" ? { ...busy, retryable: one.isPassing } : null;
          const answerId = one.isStale ? "ans_stale" : (item?.answerId ?? "none");
          finish(item?.index ?? 0, endedAnswer(answerId, one.status, one.charged, error));
        }
        now = 4 * HOUR;
        book.takeNext("late");
        for (const { index, answerId } of book.running())
          finish(index, endedAnswer(answerId, "completed", 30));
        expect(book.closingStep()).toBe("settle");
        const { charge } = book.charge();
        expect(charge).toBe(BigInt([...ended.values()].reduce((sum, one) => sum + one, 0)));
        expect(charge).toBeLessThanOrEqual(BigInt(held));
        const { total, ...counts } = book.closedBody(charge).counts;
        expect(total).toBe(quotes.length);
        expect(Object.values(counts).reduce((sum, one) => sum + one, 0)).toBe(total);
      }),
      { numRuns: 150 },
    );
  });
});
