import { DatabaseSync } from "node:sqlite";
import type { AnswerEvent } from "#domain/event.ts";
import { sumOf } from "#domain/ledger.ts";
import { micros } from "#domain/micros.ts";
import { ok } from "#domain/result.ts";
import {
  type GenerationEnd,
  generateAnswer,
  Interruption,
  isProgress,
} from "#edge/answers/making/generation-attempts.ts";
import { settle } from "#edge/answers/making/payment.ts";
import { standardKeeping, storedAnswer } from "#edge/answers/storage/stored-answers.ts";
import { type LedgerRepository, openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import type { Ledger } from "#edge/ledger/ledger-service.ts";
import { settling } from "#edge/ledger/settling.ts";
import { HOLD_LIFETIME_MS } from "#edge/ledger/storage/hold-rows.ts";
import { withRetry } from "#edge/with-retry.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { endedAnswer } from "../support/batches.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { ledgerOver, nodeStore } from "../support/ledger-twin.ts";

/** How often a hold is renewed: rarely, for three renewals of its lifetime are what it promises to live on. */
const RENEWAL_MS = HOLD_LIFETIME_MS / 3;

/**
 * One run of the world: callers with and without Idempotency-Keys, edges that die between any two awaits, a wire that
 * loses and doubles calls and replies, functions slower than a hold lives, an account object that moves to machines with other clocks, a queue that doubles
 * and loses. Everything is drawn from the seed, so a run that breaks a law breaks it again.
 */
export interface Simulated {
  readonly steps: number;
  readonly answers: number;
  readonly charged: number;
  readonly crashes: number;
  readonly evictions: number;
  /** Answers that took longer than a hold lives without renewal, and were charged. */
  readonly outlived: number;
}

/** Throws, naming the law, as soon as one is broken. */
export async function simulate(seed: number): Promise<Simulated> {
  const world = new World(seed);
  return await world.run();
}

/** What a caller wants answered once, however often they must ask. */
interface Intent {
  readonly name: string;
  readonly key: string | null;
  readonly price: number;
  /** Hold ids of all requests for it. */
  readonly tries: string[];
  isAnswered: boolean;
}

type Pending = {
  readonly edge: Edge;
  readonly act: () => unknown;
  readonly done: (value: unknown) => void;
  readonly fail: (cause: Error) => void;
};

/** One run of the Worker for one request; `isDead` when its machine is gone. */
interface Edge {
  isDead: boolean;
  isOver: boolean;
}

/** Something that an edge does when its time has come; once, unless it has an interval. */
interface Timer {
  readonly edge: Edge;
  readonly everyMs: number | null;
  readonly call: () => void;
  dueAt: number;
}

const GRANTED = 300;

class World {
  readonly #random: () => number;
  readonly #database = new DatabaseSync(":memory:");
  readonly #pending: Pending[] = [];
  readonly #intents: Intent[] = [];
  readonly #replies = new Map<string, { kind: "completed" | "failed"; charged: number }>();
  readonly #left = new Map<string, number>();
  readonly #usage = new Map<string, number>();
  readonly #timers = new Set<Timer>();
  /** When the repository last heard that an answer is being made, by its own clock. */
  readonly #heardAt = new Map<string, number>();
  /** Holds that were without a sign of life for longer than they live. */
  readonly #lapsed = new Set<string>();
  #clock = 1_790_000_000_000;
  #skew = 0;
  #repository: LedgerRepository;
  #count = { steps: 0, answers: 0, crashes: 0, evictions: 0, outlived: 0 };
  #tries = 0;

  constructor(seed: number) {
    const stream = mulberry32(seed);
    this.#random = () => stream.next();
    this.#repository = this.#open();
    this.#repository.grant({ grantId: "grant", amount: micros(GRANTED), note: "" });
  }

  async run(): Promise<Simulated> {
    const callers = Array.from(
      { length: this.#upTo(20) + 4 },
      (_, index): Intent => ({
        name: `intent ${index}`,
        key: this.#chance(0.6) ? `key ${index}` : null,
        price: (this.#upTo(5) + 1) * 12,
        tries: [],
        isAnswered: false,
      }),
    );
    this.#intents.push(...callers);
    for (const intent of callers) this.#request(intent);
    while (this.#goesOn() && this.#count.steps < 5_000) {
      this.#count.steps += 1;
      this.#disturb();
      this.#advance();
      // The next choice is made when everything that could follow from the last has happened.
      await new Promise((resolve) => setImmediate(resolve));
      this.#check();
    }
    this.#rest();
    const { revenue } = this.#repository.balance();
    return { ...this.#count, charged: Number(revenue) };
  }

  #open(): LedgerRepository {
    return openLedgerRepository(nodeStore(this.#database), () => this.#ledgerClock());
  }

  #ledgerClock(): number {
    return this.#clock + this.#skew;
  }

  /** Whether there is anything to come. If it is time alone, it passes. */
  #goesOn(): boolean {
    if (this.#pending.length > 0) return true;
    const due = [...this.#timers].filter(({ edge }) => !edge.isDead).map(({ dueAt }) => dueAt);
    if (due.length > 0) this.#clock = Math.max(this.#clock, Math.min(...due));
    return due.length > 0;
  }

  /** Lets something happen that nobody asked for. */
  #disturb(): void {
    this.#clock += this.#upTo(2_000);
    if (this.#chance(0.01)) this.#clock += this.#upTo(HOLD_LIFETIME_MS);
    if (this.#chance(0.05)) {
      // Mostly by seconds, so that live holds are seldom lost to it.
      const range = this.#chance(0.1) ? 600_000 : 10_000;
      this.#skew = this.#upTo(range) - range / 2;
      this.#repository = this.#open();
      this.#count.evictions += 1;
    }
    for (const [holdId, heardAt] of this.#heardAt)
      if (this.#ledgerClock() - heardAt >= HOLD_LIFETIME_MS) this.#lapsed.add(holdId);
    this.#ring();
    if (this.#chance(0.05)) this.#alarm();
    const [intent] = this.#intents.slice(this.#upTo(this.#intents.length));
    if (intent !== undefined && this.#chance(0.1) && this.#tries < 150) this.#request(intent);
  }

  #ring(): void {
    for (const timer of [...this.#timers]) {
      if (timer.dueAt > this.#clock) continue;
      if (timer.everyMs === null || timer.edge.isDead) this.#timers.delete(timer);
      else timer.dueAt = this.#clock + timer.everyMs;
      if (!timer.edge.isDead) timer.call();
    }
  }

  #every(edge: Edge, everyMs: number, call: () => void): () => void {
    const timer: Timer = { edge, everyMs, call, dueAt: this.#clock + everyMs };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  #sleep(edge: Edge, milliseconds: number): Promise<void> {
    const dueAt = this.#clock + milliseconds;
    return new Promise((call) => this.#timers.add({ edge, everyMs: null, call, dueAt }));
  }

  /** What the object does at an alarm, with a queue that may lose the call or its acknowledgement. */
  #alarm(): void {
    this.#repository.sweep();
    const events = this.#repository.due(this.#upTo(4) + 1);
    const ids = events.map(({ id }) => id);
    const isSent = this.#chance(0.8);
    if (isSent)
      for (const { id, micros: amount } of events) {
        const known = this.#usage.get(id);
        if (known !== undefined && known !== amount) throw new Error(`usage of ${id} changed`);
        this.#usage.set(id, amount);
      }
    if (isSent && this.#chance(0.8)) this.#repository.sent(ids);
    else if (this.#chance(0.8)) this.#repository.unsent(ids);
  }

  /** Takes one of the calls under way to its end, or lets it go wrong. */
  #advance(): void {
    const [chosen] = this.#pending.splice(this.#upTo(this.#pending.length), 1);
    if (chosen === undefined || chosen.edge.isDead) return;
    const fate = this.#random();
    const isDone = fate >= 0.08 || (fate >= 0.04 && fate < 0.06);
    const value = isDone ? chosen.act() : undefined;
    if (fate < 0.06) this.#kill(chosen);
    else if (fate < 0.08) chosen.fail(new Error("the call was lost"));
    else if (fate < 0.12) chosen.fail(new Error("the reply was lost"));
    else chosen.done(fate < 0.16 ? chosen.act() : value);
  }

  #kill({ edge }: Pending): void {
    edge.isDead = true;
    this.#count.crashes += 1;
  }

  /** An await of the outside: what comes of it, and when, is drawn. */
  #point<Value>(edge: Edge, act: () => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      const done = (value: unknown): void => resolve(value as Value);
      this.#pending.push({ edge, act, done, fail: reject });
    });
  }

  #wired(edge: Edge): Ledger {
    const near = ledgerOver(() => this.#repository);
    const repository = () => this.#repository;
    return {
      ...near,
      hold: (request) =>
        this.#point(edge, () => {
          this.#heardAt.set(request.holdId, this.#ledgerClock());
          return repository().hold(request);
        }),
      renew: (holdId) =>
        this.#point(edge, () => {
          this.#heardAt.set(holdId, this.#ledgerClock());
          return repository().renew(holdId);
        }),
      capture: (request) => this.#point(edge, () => repository().capture(request)),
      release: (holdId) => this.#point(edge, () => repository().release(holdId)),
    };
  }

  /** A caller's request, as the route treats it. */
  #request(intent: Intent): void {
    this.#tries += 1;
    const holdId = `ans ${this.#tries}`;
    intent.tries.push(holdId);
    const edge: Edge = { isDead: false, isOver: false };
    this.#serve(intent, holdId, edge).catch((cause: Error) => {
      // The caller of an edge that failed hears 500: nothing may have been taken for it.
      if (!/lost/.test(cause.message)) throw cause;
      this.#replies.set(holdId, { kind: "failed", charged: 0 });
    });
  }

  async #serve(intent: Intent, holdId: string, edge: Edge): Promise<void> {
    const ledger = this.#wired(edge);
    const isRepeatable = intent.key !== null;
    const held = await ledger.hold(
      holdRequest(holdId, {
        amount: micros(intent.price),
        idempotency: intent.key === null ? null : { scope: intent.key, fingerprint: intent.name },
      }),
    );
    if (!held.ok) return;
    if (held.value.kind === "replay") return this.#replayed(intent, held.value.reply);
    const heldAt = this.#clock;
    // A renewal that fails is made up for by the next.
    const endRenewal = this.#every(edge, RENEWAL_MS, () => {
      ledger.renew(holdId).catch(() => undefined);
    });
    const isLeft = !isRepeatable && this.#chance(0.2);
    const leavesAfter = isLeft ? this.#upTo(4) : Number.POSITIVE_INFINITY;
    const interruption = new AbortController();
    let [heard, attempts] = [0, 0];
    const events = generateAnswer({
      dispatch: async (signal) => ok({ modelDigest: "", events: this.#answer(edge, signal) }),
      attempt: () => ++attempts,
      turn: async () => undefined,
      takeBack: () => {
        attempts -= 1;
      },
      patience: () => null,
      progress: { modelDigest: null, started: null, frames: [] },
      pause: async () => {},
      onTaken: () => undefined,
      onWeights: () => undefined,
      signal: interruption.signal,
      question: { options: { canvas: 4, stop: [] } },
    });
    for await (const event of events) {
      if (isProgress(event)) {
        if (heard++ < leavesAfter) continue;
        this.#left.set(holdId, heard);
        interruption.abort(new Interruption("cancelled"));
        continue;
      }
      const body = bodyOf(holdId, event, intent.price);
      const charged =
        (
          await withRetry(
            () => settle(body, { isRepeatable, keeping: standardKeeping }, ledger),
            settling(holdId),
          )
        )?.charged ?? micros(body.charged_micros);
      endRenewal();
      if (event.kind === "answer.completed") {
        this.#replies.set(holdId, { kind: "completed", charged: Number(charged) });
        intent.isAnswered = true;
        this.#count.answers += 1;
        if (charged > 0n && this.#clock - heldAt > HOLD_LIFETIME_MS) this.#count.outlived += 1;
      } else if (event.kind === "answer.failed") {
        this.#replies.set(holdId, { kind: "failed", charged: 0 });
      }
    }
  }

  #replayed(intent: Intent, reply: string): void {
    const { id, charged_micros } = storedAnswer.read(reply);
    if (!intent.tries.includes(id)) throw new Error(`${intent.name} got the answer ${id}`);
    if (charged_micros !== intent.price) throw new Error(`${intent.name} replays another price`);
    intent.isAnswered = true;
  }

  async *#answer(edge: Edge, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const [canvas, promptLength, imageVectors] = [4, 8, 0];
    const steps = this.#upTo(4) + 1;
    yield { kind: "answer.started", canvas, promptLength, imageVectors, steps };
    const slowestMs = this.#chance(0.2) ? 2 * HOLD_LIFETIME_MS : 0;
    for (let step = 1; step <= steps; step += 1) {
      if (slowestMs > 0) await this.#sleep(edge, this.#upTo(slowestMs));
      const isWell = await this.#point(edge, () => true).catch(() => false);
      signal.throwIfAborted();
      if (!isWell) {
        yield { kind: "answer.failed", failure: { kind: "function_reply_invalid" } };
        return;
      }
      yield { kind: "answer.frame", step, revealed: [], stableUntil: 0 };
    }
    const usage = {
      imageVectors,
      promptLength,
      canvas,
      steps,
      forwardPasses: steps,
      refreshes: steps,
      rows: 0,
    };
    const made = { answer: "", confidence: 1, tokens: [], usage };
    yield { kind: "answer.completed", ...made, digest: "cd".repeat(32), decoder: "2" };
  }

  /** What must hold at every moment. */
  #check(): void {
    const balance = this.#repository.balance();
    if (sumOf(balance) !== 0n) throw new Error("the books do not sum to zero");
    if (balance.available < 0n) throw new Error("more was spent than was granted");
    const [open] = nodeStore(this.#database).all<{ held: number }>(
      "SELECT coalesce(sum(amount), 0) AS held FROM holds WHERE state = 'open'",
    );
    if (BigInt(open?.held ?? -1) !== balance.held) throw new Error("held money without its hold");
  }

  /** What must hold when everything has come to rest. */
  #rest(): void {
    this.#clock += 2 * HOLD_LIFETIME_MS + 1_200_000;
    this.#repository.sweep();
    this.#clock += 3_600_000;
    for (const { id, micros: amount } of this.#repository.due(1000)) this.#usage.set(id, amount);
    const balance = this.#repository.balance();
    if (balance.held !== 0n) throw new Error("a hold was lost");
    const charges = this.#foldEntries();
    for (const intent of this.#intents) this.#judge(intent, charges);
    const used = [...this.#usage.values()].reduce((sum, amount) => sum + amount, 0);
    if (BigInt(used) !== balance.revenue)
      throw new Error(`usage tells ${used} of the ${balance.revenue} that were charged`);
    this.#askAgain(charges);
  }

  /** Whoever asks once more in peace gets the answer that was paid for, or a new one: nobody waits for ever. */
  #askAgain(charges: ReadonlyMap<string, number>): void {
    this.#repository.grant({ grantId: "peace", amount: micros(1_000_000), note: "" });
    for (const { name, key, price, tries } of this.#intents) {
      if (key === null) continue;
      const idempotency = { scope: key, fingerprint: name };
      const again = { amount: micros(price), idempotency };
      const held = this.#repository.hold(holdRequest(`${name} again`, again));
      if (!held.ok) throw new Error(`${name} is refused with ${held.refusal.failure.kind}`);
      const isPaid = tries.some((id) => charges.has(id));
      if ((held.value.kind === "replay") !== isPaid)
        throw new Error(`${name} was ${isPaid ? "" : "not "}paid for and is ${held.value.kind}`);
    }
  }

  /** Reads the journal from its beginning: it alone must give the balances. Returns what each answer was charged. */
  #foldEntries(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    const charges = new Map<string, number>();
    const rows = nodeStore(this.#database).all<{
      kind: string;
      source: string;
      target: string;
      amount: number;
      hold_id: string | null;
    }>("SELECT kind, source, target, amount, hold_id FROM entries ORDER BY seq");
    for (const { kind, source, target, amount, hold_id } of rows) {
      sums.set(source, (sums.get(source) ?? 0) - amount);
      sums.set(target, (sums.get(target) ?? 0) + amount);
      if (kind !== "capture" || hold_id === null) continue;
      if (charges.has(hold_id)) throw new Error(`${hold_id} was charged twice`);
      charges.set(hold_id, amount);
    }
    for (const [name, amount] of Object.entries(this.#repository.balance()))
      if (BigInt(sums.get(name) ?? 0) !== amount)
        throw new Error(`the entries of ${name} give ${sums.get(name)}, not ${amount}`);
    return charges;
  }

  #judge({ name, key, price, tries }: Intent, charges: ReadonlyMap<string, number>): void {
    const paid = tries.filter((id) => charges.has(id));
    if (key !== null && paid.length > 1)
      throw new Error(`${name} was charged ${paid.length} times with one Idempotency-Key`);
    for (const id of tries) {
      const charge = charges.get(id) ?? 0;
      const reply = this.#replies.get(id);
      if (charge > price) throw new Error(`${id} was charged above its quote`);
      if (reply?.kind === "failed" && charge > 0) throw new Error(`${id} failed and was charged`);
      if (reply?.kind === "completed" && reply.charged < price && !this.#lapsed.has(id))
        throw new Error(`${id} lived, lost its hold and was charged ${reply.charged}`);
      if (reply?.kind === "completed" && charge > reply.charged)
        throw new Error(`${id} was charged ${charge} and told ${reply.charged}`);
      const heard = this.#left.get(id);
      if (heard !== undefined && key === null && charge > (heard - 1) * 3)
        throw new Error(`${id} was left and charged ${charge} for ${heard - 1} steps`);
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #upTo(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** What is settled of an answer's body. A step that ran costs 3. */
function bodyOf(id: string, end: GenerationEnd, price: number): AnswerBody {
  const status = end.kind.slice("answer.".length) as AnswerBody["status"];
  const steps = end.kind === "answer.failed" ? 0 : end.usage.steps;
  const body = endedAnswer(id, status, status === "completed" ? price : steps * 3);
  return { ...body, usage: { ...body.usage, steps, forward_passes: steps } };
}
