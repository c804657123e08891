import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent, AnswerFrame } from "#domain/event.ts";
import { type Micros, micros } from "#domain/micros.ts";
import { ok } from "#domain/result.ts";
import { admit } from "#edge/answers/admit.ts";
import type { AnswerEventLog } from "#edge/answers/making/answer-event-log.ts";
import { AnswerRunner } from "#edge/answers/making/answer-runner.ts";
import type { AnswerOrder } from "#edge/answers/storage/answer-order.ts";
import { AnswerRepository } from "#edge/answers/storage/answer-repository.ts";
import { AnswerRows } from "#edge/answers/storage/answer-rows.ts";
import { standardKeeping } from "#edge/answers/storage/stored-answers.ts";
import type { Captured } from "#edge/ledger/ledger-service.ts";
import type { SqlStore } from "#edge/storage/sql-store.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { SseMessage } from "#wire/codec/sse.ts";
import type { FrameBody, RestartedBody, StartedBody } from "#wire/function/event-messages.ts";
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

/** Classes of arithmetic that choose the same in the first step, and otherwise from the second on. */
type Numerics = "A" | "B";

function framesOf(numerics: Numerics): readonly AnswerFrame[] {
  return Array.from({ length: STEPS }, (_, index) => {
    const isOther = numerics === "B" && index > 0;
    const [token, text] = isOther ? [100 + index, "y"] : [index, "x"];
    return {
      kind: "answer.frame",
      step: index + 1,
      revealed: [{ position: index, token, text, confidence: 0.5, step: index + 1 }],
      stableUntil: index + 1,
      hasText: true,
    };
  });
}

/** The text after so many steps. */
function textOf(numerics: string | null, steps: number): string {
  return (numerics === "B" ? "xyyy" : "xxxx").slice(0, steps);
}
const usage = {
  imageVectors: 0,
  promptLength: 8,
  canvas: 4,
  steps: STEPS,
  forwardPasses: STEPS,
  refreshes: STEPS,
  rows: STEPS * 12,
};
function wholeOf(numerics: Numerics): readonly AnswerEvent[] {
  const frames = framesOf(numerics);
  return [
    {
      ...{ kind: "answer.started", imageVectors: 0, promptLength: 8, canvas: 4, steps: STEPS },
      numerics,
    },
    ...frames,
    {
      kind: "answer.completed",
      answer: textOf(numerics, STEPS),
      confidence: 0.5,
      tokens: frames.flatMap(({ revealed }) => revealed),
      usage,
      digest: DIGEST,
      decoder: "2",
    },
  ];
}

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
    numerics: null,
    keeping: standardKeeping,
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
  /** The functions that are there now are of the other class. */
  | "moved"
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

/** The same, where functions of one class make room for those of another. */
const movingChances = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Chance>("told") },
    { weight: 4, arbitrary: fc.constant<Chance>("waited") },
    { weight: 3, arbitrary: fc.constantFrom<Chance>("moved", "looked") },
    { weight: 2, arbitrary: fc.constantFrom<Chance>("died", "crashed") },
    { weight: 1, arbitrary: fc.constantFrom<Chance>("cancelled", "repeated") },
  ),
  { maxLength: 25, size: "max" },
);

/** A function, or the object, dies behind each event, and only functions of the other class are left; some are told in time, some not. */
const KILLED_AT_EACH_POINT: [Chance[], number | null][] = Array.from(
  { length: STEPS + 2 },
  (_, told) => Array<Chance>(told).fill("told"),
).flatMap((before): [Chance[], number | null][] => [
  [[...before, "died", "moved", "waited"], null],
  [[...before, "moved", "crashed", "looked"], null],
  [[...before, "waited", "moved", "crashed", "looked"], null],
  [[...before, "waited", "died", "moved", "waited", "told", "told", "waited", "waited"], 1500],
  [[...before, "waited", "died", "moved", "waited", "told", "cancelled"], null],
]);

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
  #numerics: Numerics = "A";
  /** Which class was asked for, and which one answered, at each dispatch. */
  readonly dispatches: { readonly wanted: string | null; readonly got: Numerics }[] = [];
  readonly listener = new Listener();
  readonly #isTold: boolean;

  /** `isTold`: whether the order is kept as soon as it is sent, since somebody is told its id. */
  constructor(deadlineAt: number | null, isTold: boolean = true) {
    this.#isTold = isTold;
    this.#order = order(deadlineAt);
    this.quote = this.#order.job.quote.price;
    this.#repository = this.#open();
    this.#start();
  }

  async happen(chance: Chance): Promise<void> {
    if (chance === "told" || chance === "died") this.#let(chance === "told" ? "tell" : "die");
    if (chance === "moved") this.#numerics = this.#numerics === "A" ? "B" : "A";
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
    if (this.#runner !== undefined) await this.listener.hear(this.#runner.eventLog);
    const ended = this.#repository.ended();
    if (ended !== null) this.ends.push(`${ended.body.status} ${ended.body.usage.steps}`);
  }

  /** Lets everything come to its end in peace, and hears the story as a client who came at the very start. */
  async rest(): Promise<{
    events: string[];
    status: string;
    charged: number;
    tasks: string[];
    body: AnswerBody;
    /** Steps that outlived the last instance. */
    kept: number;
  }> {
    this.#lost = null;
    this.#crash();
    const kept = this.#repository.progress().frames.length;
    for (let turn = 0; turn < 40 && this.#repository.ended() === null; turn += 1) {
      this.#look();
      this.#let("tell");
      await vi.advanceTimersByTimeAsync(1000);
    }
    const ended = this.#repository.ended();
    if (ended === null) throw new Error("it never ended");
    const events: string[] = [];
    for await (const message of this.#answer().eventLog.follow(-1)) events.push(message.event);
    await this.listener.hear(this.#answer().eventLog);
    return {
      ...{ body: ended.body, kept },
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
      dispatch: async (_, signal, wanted) => {
        if (this.#isTold) repository.keepOrder();
        const got = this.#numerics;
        this.dispatches.push({ wanted: wanted.numerics, got });
        return ok({ modelDigest: DIGEST, events: this.#function(wholeOf(got), life, signal) });
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
    whole: readonly AnswerEvent[],
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
      bytes: store.bytes,
    };
    return new AnswerRepository(new AnswerRows(mortal), "ans_1", () => "evt_1");
  }
}

/** A client that listens, and comes back with the last id that it heard whenever the object dies. */
class Listener {
  #place = -1;
  /** What it was told since the answer began, the last time. */
  numerics: string | null = null;
  tokens: string[] = [];
  /** How often it was told that the answer begins anew. */
  restarts = 0;
  end: string | undefined;

  async hear(eventLog: AnswerEventLog): Promise<void> {
    const messages = eventLog.follow(this.#place);
    for (;;) {
      const heard = await Promise.race([
        messages.next(),
        vi.advanceTimersByTimeAsync(0).then(() => "nothing more" as const),
      ]);
      if (heard === "nothing more" || heard.done === true) return;
      this.#take(heard.value);
      if (this.end !== undefined) return;
    }
  }

  #take({ event, data, id = "" }: SseMessage): void {
    const place = Number(id.slice(id.lastIndexOf(".") + 1));
    if (event === "answer.frame") {
      const { step, revealed }: FrameBody = JSON.parse(data);
      expect([step, place > this.#place]).toEqual([this.tokens.length + 1, true]);
      this.tokens.push(...revealed.map(({ text }) => text));
    } else if (event === "answer.started" || event === "answer.restarted") {
      const begun: StartedBody & Partial<RestartedBody> = JSON.parse(data);
      expect(place).toBeGreaterThan(this.#place);
      if (event === "answer.restarted") expect(begun.previous_numerics).toBe(this.numerics);
      if (event === "answer.restarted") this.restarts += 1;
      [this.numerics, this.tokens] = [begun.numerics, []];
    } else this.end = event;
    this.#place = place;
  }
}

describe("where functions of one class of arithmetic make room for those of another, an answer", () => {
  test("is of one class from its first token to its last, whatever dies when, and so is what a listener was told", async () => {
    let restarted = 0;
    await fc.assert(
      fc.asyncProperty(
        movingChances,
        fc.option(fc.integer({ min: 0, max: 3000 })),
        async (happening, deadlineMs) => {
          vi.setSystemTime(1_790_000_000_000);
          const world = new World(deadlineMs === null ? null : Date.now() + deadlineMs);
          for (const chance of happening) await world.happen(chance);
          const { body, charged, kept } = await world.rest();
          const { listener } = world;
          restarted += listener.restarts;

          expect(listener.end).toBe(`answer.${body.status}`);
          // A prefix of what one class makes, never of both.
          const { steps } = body.usage;
          expect(body.answer).toBe(textOf(body.numerics, steps));
          const heard = listener.tokens.join("");
          expect(heard).toBe(textOf(listener.numerics, heard.length));
          // A restart takes nothing away: the canvas at a deadline or a cancellation has what was kept before it.
          expect(steps).toBeGreaterThanOrEqual(kept);
          expect(charged).toBeLessThanOrEqual(Number(world.quote));
          if (body.status === "completed") {
            expect(charged).toBe(Number(world.quote));
            expect([listener.numerics, heard]).toEqual([body.numerics, body.answer]);
          }
          expect(world.charges.length).toBeLessThanOrEqual(1);
          // From the first token on, the class that was told is asked for again.
          const [first, ...later] = world.dispatches;
          expect(first?.wanted ?? null).toBeNull();
          for (const { wanted } of later) expect([null, "A", "B"]).toContain(wanted);
        },
      ),
      { numRuns: 400, seed: 12, examples: KILLED_AT_EACH_POINT },
    );
    // A property that never sees what it is about would hold of anything.
    expect(restarted).toBeGreaterThan(15);
  });
});

describe("whatever dies, is lost, cut or repeated, an answer", () => {
  test("has one end, tells every step once, and is charged at most once and never above its quote", async () => {
    await fc.assert(
      fc.asyncProperty(
        chances,
        fc.option(fc.integer({ min: 0, max: 3000 })),
        fc.boolean(),
        async (happening, deadlineMs, isTold) => {
          vi.setSystemTime(1_790_000_000_000);
          const deadlineAt = deadlineMs === null ? null : Date.now() + deadlineMs;
          const world = new World(deadlineAt, isTold);
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
      { numRuns: 300, examples: [[PAID_THEN_FAILED, null, true]] },
    );
  });
});
