import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent, AnswerFrame } from "#domain/event.ts";
import { type Micros, micros } from "#domain/micros.ts";
import { ok } from "#domain/result.ts";
import { admit } from "#edge/answers/admit.ts";
import { AnswerRunner } from "#edge/answers/making/answer-runner.ts";
import type { AnswerOrder } from "#edge/answers/storage/answer-order.ts";
import {
  type AnswerRepository,
  openAnswerRepository,
} from "#edge/answers/storage/answer-repository.ts";
import type { Captured } from "#edge/ledger/ledger-service.ts";
import type { SqlStore } from "#edge/storage/sql-store.ts";
import { question, untold } from "../support/edge-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";
import { kept } from "../support/orders.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const STEPS = 4;
const DIGEST = "ab".repeat(32);

const frames: readonly AnswerFrame[] = Array.from({ length: STEPS }, (_, index) => ({
  kind: "answer.frame",
  step: index + 1,
  revealed: [{ position: index, token: index, text: "x", confidence: 0.5, step: index + 1 }],
  stableUntil: index + 1,
}));
const usage = {
  imageVectors: 0,
  promptLength: 8,
  canvas: 4,
  steps: STEPS,
  forwardPasses: STEPS,
  refreshes: STEPS,
  rows: STEPS * 12,
};
const tokens = frames.flatMap(({ revealed }) => revealed);
const whole: readonly AnswerEvent[] = [
  { kind: "answer.started", imageVectors: 0, promptLength: 8, canvas: 4, steps: STEPS },
  ...frames,
  {
    kind: "answer.completed",
    answer: "xxxx",
    confidence: 0.5,
    tokens,
    usage,
    digest: DIGEST,
    decoder: "2",
  },
];

const card = {
  ...untold,
  ...{ id: "demo", image: null, hitPrice: micros(0) },
  prices: { view: 0n, linear: 1_000_000n, attention: 0n },
};

const options = { ...question().options, steps: STEPS };
const keptQuestion = await kept(question({ images: [], options }));

function order(deadlineAt: number | null): AnswerOrder {
  const job = admit(keptQuestion, {
    ...{ id: "ans_1", accountId: "acc_1", card, warnings: [], createdAt: 0 },
  });
  if (!job.ok) throw new Error(job.refusal.kind);
  return {
    job: { ...job.value, question: keptQuestion },
    ...{ keyId: "key_1", requestId: "req_1", traceparent: null, deadlineAt, isRepeatable: true },
    ...{ payment: { kind: "hold" }, webhook: null, cacheKey: null },
    ...{ owner: null, follows: null, isAccepted: false, share: 4, hasPlace: true },
  };
}

/** What may happen to an answer between any two moments. */
type Chance =
  | "told"
  | "died"
  | "crashed"
  | "looked"
  | "cancelled"
  | "waited"
  | "repeated"
  | "ledger lost"
  | "reply lost"
  | "reply hangs";

const chances = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Chance>("told") },
    {
      weight: 5,
      arbitrary: fc.constantFrom<Chance>(
        ...(["died", "crashed", "looked", "cancelled", "waited"] as const),
        ...(["repeated", "ledger lost", "reply lost", "reply hangs"] as const),
      ),
    },
  ),
  { maxLength: 30 },
);

/** Paid, then dead before anybody knew, then no function lives to make it again: too rare to be drawn. */
const PAID_THEN_FAILED: Chance[] = [
  "looked",
  ...Array<Chance>(STEPS + 1).fill("told"),
  ...(["reply hangs", "told", "crashed", "looked", "died", "waited", "waited", "died"] as const),
];

/** One answer in a world where `Chance`s happen, over a store that outlives its runners. */
class World {
  readonly ends: string[] = [];
  readonly charges: Micros[] = [];
  readonly quote: Micros;
  readonly #database = new DatabaseSync(":memory:");
  readonly #order: AnswerOrder;
  #lost: "call" | "reply" | "end" | null = null;
  /** Of the instance that lives: its store fails when it is dead. */
  #life = { isDead: false };
  #repository: AnswerRepository;
  #runner: AnswerRunner | undefined;
  /** Lets the function at work tell one more event, or die. */
  #next: PromiseWithResolvers<"tell" | "die"> = Promise.withResolvers();

  constructor(deadlineAt: number | null) {
    this.#order = order(deadlineAt);
    this.quote = this.#order.job.quote.price;
    this.#repository = this.#open();
    this.#start();
  }

  async happen(chance: Chance): Promise<void> {
    if (chance === "told" || chance === "died") this.#let(chance === "told" ? "tell" : "die");
    if (chance === "crashed") this.#crash();
    if (chance === "looked") this.#look();
    if (chance === "repeated") this.#start();
    if (chance === "cancelled" && this.#repository.terms() !== null)
      void this.#answer().interrupt("cancelled");
    if (chance === "waited") await vi.advanceTimersByTimeAsync(500);
    if (chance === "ledger lost") this.#lost = "call";
    if (chance === "reply lost") this.#lost = "reply";
    if (chance === "reply hangs") this.#lost = "end";
    await vi.advanceTimersByTimeAsync(1);
    const ended = this.#repository.ended();
    if (ended !== null) this.ends.push(`${ended.body.status} ${ended.body.usage.steps}`);
  }

  /** Lets everything come to its end in peace, and hears the story as a client who came at the very start. */
  async rest(): Promise<{ events: string[]; status: string; charged: number; tasks: string[] }> {
    this.#lost = null;
    this.#crash();
    for (let turn = 0; turn < 40 && this.#repository.ended() === null; turn += 1) {
      this.#look();
      this.#let("tell");
      await vi.advanceTimersByTimeAsync(1000);
    }
    const ended = this.#repository.ended();
    if (ended === null) throw new Error("it never ended");
    const events: string[] = [];
    for await (const message of this.#answer().eventLog.follow(-1)) events.push(message.event);
    return {
      ...{ events, status: ended.body.status, charged: ended.body.charged_micros },
      tasks: [...ended.tasks],
    };
  }

  #crash(): void {
    this.#life.isDead = true;
    vi.clearAllTimers();
    this.#life = { isDead: false };
    this.#next = Promise.withResolvers();
    this.#runner = undefined;
    this.#repository = this.#open();
  }

  #let(what: "tell" | "die"): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve(what);
  }

  #start(): void {
    const repository = this.#repository;
    repository.take(this.#order);
    void this.#answer()
      .goOn()
      .finally(() => repository.keepOrder())
      .catch(() => undefined);
  }

  #look(): void {
    // What died before it was kept has told nobody anything: its caller's Worker calls again.
    if (this.#repository.terms() === null) this.#start();
    else if (this.#repository.ended() === null) void this.#answer().goOn();
  }

  #answer(): AnswerRunner {
    const terms = this.#repository.terms();
    if (terms === null) throw new Error("it has not begun");
    const life = this.#life;
    const repository = this.#repository;
    this.#runner ??= new AnswerRunner(this.#repository, terms, {
      dispatch: async (_, signal) => {
        repository.keepOrder();
        return ok({ modelDigest: DIGEST, events: this.#function(life, signal) });
      },
      succeed: async (_, lost) => lost,
      answers: { follow: async () => "over", leave: async () => undefined },
      ledgerOf: () => ({
        capture: ({ charge }) => this.#call(life, () => this.#capture(charge)),
        release: () => this.#call(life, () => ({ called: [] })),
        takePlace: async () => true,
        leavePlace: async () => ({ called: [] }),
      }),
      call: () => undefined,
      now: Date.now,
      onFrame: () => undefined,
      onEnd: () => undefined,
    });
    return this.#runner;
  }

  async *#function(
    life: { readonly isDead: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    const isCut = new Promise<"cut">((resolve) =>
      signal.addEventListener("abort", () => resolve("cut"), { once: true }),
    );
    for (const event of whole) {
      const what = await Promise.race([this.#next.promise, isCut]);
      if (life.isDead) return await new Promise(() => undefined);
      signal.throwIfAborted();
      if (what === "die") {
        yield { kind: "answer.failed", failure: { kind: "function_reply_invalid" } };
        return;
      }
      yield event;
    }
  }

  /** A call of the ledger, whose way there or back may be lost, once, or hang until the caller dies. */
  async #call<Value>(life: { readonly isDead: boolean }, act: () => Value): Promise<Value> {
    if (life.isDead) return await new Promise(() => undefined);
    const lost = this.#lost;
    this.#lost = null;
    const value = lost === "call" ? undefined : act();
    if (lost === "end") return await new Promise(() => undefined);
    if (lost !== null) throw new Error(`the ${lost} was lost`);
    return value as Value;
  }

  /** Charges the hold once, as the ledger does. */
  #capture(charge: Micros): Captured {
    if (this.charges.length === 0) this.charges.push(charge);
    return { charged: this.charges[0] ?? charge, called: [], isListed: true };
  }

  #open(): AnswerRepository {
    const life = this.#life;
    const store = nodeStore(this.#database);
    const alive = (): void => {
      if (life.isDead) throw new Error("an instance that died has written");
    };
    const mortal: SqlStore = {
      all: (query, bindings) => {
        alive();
        return store.all(query, bindings);
      },
      transaction: (work) => {
        alive();
        return store.transaction(work);
      },
    };
    return openAnswerRepository(mortal, () => "evt_1");
  }
}

describe("whatever dies, is lost, cut or repeated, an answer", () => {
  test("has one end, tells every step once, and is charged at most once and never above its quote", async () => {
    await fc.assert(
      fc.asyncProperty(
        chances,
        fc.option(fc.integer({ min: 0, max: 3000 })),
        async (happening, deadlineMs) => {
          vi.setSystemTime(1_790_000_000_000);
          const world = new World(deadlineMs === null ? null : Date.now() + deadlineMs);
          for (const chance of happening) await world.happen(chance);
          const { events, status, charged, tasks } = await world.rest();

          expect(new Set(world.ends).size).toBeLessThanOrEqual(1);
          expect(events.at(-1)).toBe(`answer.${status}`);
          const told = events.slice(0, -1);
          expect(told.filter((event) => event === "answer.started").length).toBeLessThanOrEqual(1);
          const steps = told.filter((event) => event === "answer.frame").length;
          expect(steps).toBeLessThanOrEqual(STEPS);

          expect(world.charges.length).toBeLessThanOrEqual(1);
          const [paid] = world.charges;
          expect(charged).toBeLessThanOrEqual(Number(world.quote));
          if (status === "completed")
            expect([charged, steps]).toEqual([Number(world.quote), STEPS]);
          if (status === "failed") expect([charged, paid]).toEqual([0, undefined]);
          // What was not captured yet is a task, and is captured with the same charge.
          if (paid !== undefined) expect(charged).toBe(Number(paid));
          else if (charged > 0) expect(tasks).toContain("settle");
        },
      ),
      { numRuns: 300, examples: [[PAID_THEN_FAILED, null]] },
    );
  });
});
