import { setTimeout as sleep } from "node:timers/promises";
import { decodeSse } from "#wire/codec/sse.ts";
import type { Pause } from "./pause.ts";

/** What customers saw. */
export interface Tally {
  /** Asked and come to an end, of which the customer knows it. */
  ended: number;
  fromCache: number;
  cancelled: number;
  /** Told to have failed, at no charge. */
  failed: number;
  refused: number;
  /** Asked without a name to ask again by, and cut off: the customer does not know how it ended. */
  cutOff: number;
  /** Asked again after a connection was cut, under the same Idempotency-Key. */
  repeats: number;
  chargedMicros: number;
}

export const emptyTally = (): Tally => ({
  ...{ ended: 0, fromCache: 0, cancelled: 0, failed: 0, refused: 0 },
  ...{ cutOff: 0, repeats: 0, chargedMicros: 0 },
});

interface Body {
  readonly id: string;
  readonly status: string;
  readonly charged_micros: number;
  readonly cached?: boolean;
}

/** A question that is to be asked again under its key. */
export interface Aside {
  readonly key: string;
  readonly body: object;
  readonly headers: Record<string, string>;
}

/** Questions that are asked again and again, so that the cache has them. */
const FAVOURITES = 40;

/** How long a question is asked again while the edge or its functions are being started anew. */
const PATIENCE_MS = 120_000;

/** How long it is asked again while its key is said to be in use: behind a crash, until the hold is given back, which takes minutes. */
const IN_USE_MS = 5_000;

/** Ways of asking, in turn: most want an answer, some a stream, some come back for it, some leave. */
const WAYS = [
  "plain",
  "stream",
  "plain",
  "named",
  "favourite",
  "named",
  "later",
  "plain",
  "stream",
  "left",
] as const;

/** A customer's program: asks in all ways, one after another, and comes back until it knows how each ended. */
export class Customers {
  readonly #tally: Tally;
  /** Wall time of plain answers since it was taken last, in milliseconds. */
  #times: number[] = [];
  /** Questions whose keys were still in use by what a crash had cut off. */
  readonly #aside: Aside[];
  /** Of accepted questions, until somebody asks what became of them. */
  readonly #accepted: { readonly id: string; readonly key: string }[] = [];
  readonly #url: string;
  readonly #keys: readonly string[];
  readonly #pause: Pause;
  #asked: number;

  /**
   * @param asked how many were asked before, so that no question is asked twice
   * @param tally to which it is added
   * @param aside what is to be asked again a day later
   * @param pause while which nothing new is asked
   */
  constructor(
    url: string,
    keys: readonly string[],
    { asked, tally, aside, pause }: { asked: number; tally: Tally; aside: Aside[]; pause: Pause },
  ) {
    this.#pause = pause;
    this.#tally = tally;
    this.#aside = aside;
    this.#url = url;
    this.#keys = keys;
    this.#asked = asked;
  }

  get asked(): number {
    return this.#asked;
  }

  /** Asks again what was put aside. */
  async askAgain(): Promise<void> {
    for (const { key, body, headers } of this.#aside.splice(0)) {
      const isLater = headers["prefer"] !== undefined;
      await (isLater ? this.#askLater(key, body, headers) : this.#askPlain(key, body, headers));
    }
  }

  /** Asks so many at once until so many were asked in all. */
  async askUntil(count: number, together: number): Promise<void> {
    await sideBySide(together, async () => {
      await this.#pause.over();
      if (this.#asked >= count) return false;
      this.#asked += 1;
      await this.#ask(this.#asked);
      return true;
    });
  }

  /** Resolves when so many were asked. */
  async reached(count: number): Promise<void> {
    while (this.#asked < count) await sleep(20);
  }

  /** Times since the last call. */
  takeTimes(): readonly number[] {
    const times = this.#times;
    this.#times = [];
    return times;
  }

  /** Looks after every accepted answer, and returns those that are not there or never end. */
  async lost(together: number): Promise<readonly string[]> {
    const lost: string[] = [];
    await sideBySide(together, async () => {
      const next = this.#accepted.shift();
      if (next === undefined) return false;
      const body = await this.#endOf(next.id, next.key);
      if (body === undefined) lost.push(next.id);
      else this.#count(body);
      return true;
    });
    return lost;
  }

  async #ask(turn: number): Promise<void> {
    const key = this.#keys[turn % this.#keys.length] ?? "";
    const way = WAYS[turn % WAYS.length] ?? "plain";
    const fresh = { question: `What is number ${turn}?`, canvas: 4, steps: 2, cache: "off" };
    const idempotency = { "idempotency-key": `soak-${turn}` };
    switch (way) {
      case "plain":
        return await this.#askPlain(key, fresh, {});
      case "named":
        return await this.#askPlain(key, fresh, idempotency);
      case "favourite": {
        const question = `What is favourite ${Math.floor(turn / WAYS.length) % FAVOURITES}?`;
        return await this.#askPlain(key, { ...fresh, question, cache: "private" }, {});
      }
      case "later":
        return await this.#askLater(key, fresh, idempotency);
      case "stream":
      case "left":
        return await this.#askStream(key, { ...fresh, stream: true }, way === "left");
      default:
        return way satisfies never;
    }
  }

  async #askPlain(key: string, body: object, headers: Record<string, string>): Promise<void> {
    const start = performance.now();
    const response = await this.#askUntilHeard(key, body, headers);
    if (response === undefined) return;
    this.#times.push(performance.now() - start);
    this.#count(response);
  }

  async #askLater(key: string, body: object, headers: Record<string, string>): Promise<void> {
    const later = { ...headers, prefer: "respond-async" };
    const accepted = await this.#askUntilHeard(key, body, later);
    if (accepted !== undefined) this.#accepted.push({ id: accepted.id, key });
  }

  /** Undefined where nobody can know how it ended. */
  async #askUntilHeard(
    key: string,
    body: object,
    headers: Record<string, string>,
  ): Promise<Body | undefined> {
    const start = performance.now();
    for (;;) {
      const heard = await this.#once(key, body, headers);
      const waitedMs = performance.now() - start;
      if (heard.kind === "body") return heard.body;
      if (heard.kind === "in use") {
        if (waitedMs > IN_USE_MS) return void this.#aside.push({ key, body, headers });
      } else if (heard.kind === "refused") {
        this.#tally.refused += 1;
        if (heard.isFinal) throw new Error(`a question was refused: ${heard.words}`);
      } else if (headers["idempotency-key"] === undefined) {
        this.#tally.cutOff += 1;
        return undefined;
      } else this.#tally.repeats += 1;
      if (waitedMs > PATIENCE_MS) throw new Error("a question was asked in vain for two minutes");
      await sleep(250);
    }
  }

  async #once(
    key: string,
    body: object,
    headers: Record<string, string>,
  ): Promise<
    | { readonly kind: "body"; readonly body: Body }
    | { readonly kind: "refused"; readonly isFinal: boolean; readonly words: string }
    | { readonly kind: "in use" }
    | { readonly kind: "cut" }
  > {
    try {
      const response = await this.#send("v1/answers", key, body, headers);
      const text = await response.text();
      if (response.ok) return { kind: "body", body: JSON.parse(text) as Body };
      if (response.status === 409) return { kind: "in use" };
      // A place that is being started anew says so itself, or the request finds nobody.
      const isFinal = ![429, 500, 502, 503].includes(response.status);
      return { kind: "refused", isFinal, words: text };
    } catch (cause) {
      if (cause instanceof TypeError) return { kind: "cut" };
      throw cause;
    }
  }

  async #askStream(key: string, body: object, leaves: boolean): Promise<void> {
    let id: string | undefined;
    try {
      const response = await this.#send("v1/answers", key, body, {});
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        this.#tally.refused += 1;
        return;
      }
      for await (const message of decodeSse(response.body)) {
        id ??= message.id?.split(".")[0];
        if (leaves && message.event === "answer.frame") break;
        if (!/^answer\.(completed|failed|partial|cancelled)$/.test(message.event ?? "")) continue;
        return this.#count(JSON.parse(message.data) as Body);
      }
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
    }
    // Left, or cut: the answer goes on, and is asked for by its id.
    if (id === undefined) this.#tally.cutOff += 1;
    else this.#accepted.push({ id, key });
  }

  async #endOf(id: string, key: string): Promise<Body | undefined> {
    for (const until = performance.now() + PATIENCE_MS; performance.now() < until; ) {
      const response = await this.#send(`v1/answers/${id}`, key, undefined, {});
      if (response.status === 404) return undefined;
      const body = (await response.json()) as Body;
      if (/^(completed|failed|partial|cancelled)$/.test(body.status)) return body;
      await sleep(100);
    }
    return undefined;
  }

  #count({ status, charged_micros, cached }: Body): void {
    this.#tally.ended += 1;
    this.#tally.chargedMicros += charged_micros;
    if (cached === true) this.#tally.fromCache += 1;
    if (status === "failed") this.#tally.failed += 1;
    if (status === "cancelled") this.#tally.cancelled += 1;
  }

  #send(
    at: string,
    key: string,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<Response> {
    const own = { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers };
    return body === undefined
      ? fetch(this.#url + at, { headers: own })
      : fetch(this.#url + at, { method: "POST", headers: own, body: JSON.stringify(body) });
  }
}

/** Does something so many times at once, each again as long as it returns true. */
async function sideBySide(together: number, next: () => Promise<boolean>): Promise<void> {
  const one = async (): Promise<void> => {
    while (await next());
  };
  await Promise.all(Array.from({ length: together }, one));
}
