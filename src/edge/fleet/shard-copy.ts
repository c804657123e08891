import { cardName, type ShardSnapshot } from "./fleet-register.ts";
import { type FunctionReport, LOST_AFTER_MS, type PastLoads } from "./policy/fleet.ts";
import type { KeptCard } from "./storage/fleet-rows.ts";

/** A copy that is older is renewed behind the answer that uses it. */
export const RENEW_AFTER_MS = 2_000;

/** An object that does not reply for so long counts as away; the next answer has it asked again. */
const PATIENCE_MS = 2_000;

/** An object that cannot be reached is believed so long: whoever was there then is tried, and those who are not are closed by their breakers. */
export const BELIEVED_MS: number = 10 * 60_000;

/** How a copy is renewed. */
export interface ShardSource {
  readonly read: (known: readonly string[]) => Promise<ShardSnapshot>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Keeps the Worker, or the object, up until it is renewed. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly onFault: (cause: unknown) => void;
}

/** What is known of the functions of an object. */
export interface KnownShard {
  readonly functions: readonly FunctionReport[];
  readonly loads: readonly PastLoads[];
  readonly total: number;
}

const nothing: KnownShard = { functions: [], loads: [], total: 0 };

/** An isolate's copy of what the object of some functions knows. No answer waits for it but where there is none yet, or one of long ago. */
export class ShardCopy {
  #known: KnownShard | undefined;
  #cards: readonly KeptCard[] = [];
  /** When what is known was heard from the object, and when it was asked for last. */
  #heardAt = 0;
  #askedAt = 0;
  /** When it came to an end last that it was asked for, well or not. */
  #endedAt = 0;
  #isUnderWay = false;

  /** What is known now. Has it renewed, unless it is young or that is under way; `undefined` before the first. */
  latest(source: ShardSource): KnownShard | undefined {
    if (this.#isDue(source.now())) source.waitUntil(this.#renew(source));
    return this.#known;
  }

  /**
   * The same, and waits where there is none yet, or none since every function in it has had the time to be lost: an isolate that slept
   * would refuse its first answer. Never rejects: an object that cannot be reached knows of nobody.
   */
  async first(source: ShardSource): Promise<KnownShard> {
    const isTooOld = Math.abs(source.now() - this.#endedAt) > LOST_AFTER_MS;
    if (this.#known === undefined || isTooOld) {
      const renewed = this.#renew(source);
      source.waitUntil(renewed);
      await renewed;
    }
    return this.latest(source) ?? nothing;
  }

  /** Of which weights and provider what can be asked. */
  get cards(): readonly KeptCard[] {
    return this.#cards;
  }

  #isDue(now: number): boolean {
    if (Math.abs(now - this.#heardAt) < RENEW_AFTER_MS) return false;
    const isUnderWay = this.#isUnderWay && Math.abs(now - this.#askedAt) < PATIENCE_MS;
    return !isUnderWay;
  }

  async #renew(source: ShardSource): Promise<void> {
    const askedAt = source.now();
    this.#askedAt = askedAt;
    this.#isUnderWay = true;
    try {
      const snapshot = await inTime(source.read(this.#cards.map(cardName)));
      // One that was asked for earlier and took longer knows less.
      if (askedAt < this.#heardAt) return;
      this.#known = { functions: snapshot.functions, loads: snapshot.loads, total: snapshot.total };
      this.#heardAt = askedAt;
      this.#keepCards(snapshot);
    } catch (cause) {
      source.onFault(cause);
      this.#holdOn(source.now());
    } finally {
      this.#endedAt = source.now();
      if (this.#askedAt === askedAt) this.#isUnderWay = false;
    }
  }

  #keepCards({ functions, cards }: ShardSnapshot): void {
    const served = new Set(
      functions.map(({ digest, provider }) => cardName({ digest: digest ?? "", provider })),
    );
    const known = new Map([...this.#cards, ...cards].map((card) => [cardName(card), card]));
    this.#cards = [...known.values()].filter((card) => served.has(cardName(card)));
  }

  /**
   * The object is away, and with it every report: nobody is lost for that. What they had to do then is done or others have it; who
   * is gone is found out by who sends.
   */
  #holdOn(now: number): void {
    const known = this.#known;
    if (known === undefined || now - this.#heardAt > BELIEVED_MS) return;
    const functions = known.functions.map((report): FunctionReport => {
      if (this.#heardAt - report.heardAt > LOST_AFTER_MS) return report;
      const load = { ...report.load, queuedSteps: 0, running: 0, waiting: 0 };
      return { ...report, load, heardAt: now };
    });
    this.#known = { ...known, functions };
  }
}

async function inTime<Value>(value: Promise<Value>): Promise<Value> {
  const { promise: isLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("the object does not reply")), PATIENCE_MS);
  try {
    return await Promise.race([value, isLate]);
  } finally {
    clearTimeout(timer);
  }
}
