import type { RefusalEvent } from "#wire/function/usage-event.ts";

/** Threat: a flood of keys and codes that fills the isolate. A thousand counts are some hundred KB; what is beyond is not counted. */
const MAX_COUNTS = 1_000;

/** Source: Cloudflare Queues' limit of messages in one sendBatch. */
const BATCH = 100;

/** Who was refused with what. */
export interface CountedRefusal {
  readonly account: string;
  readonly key: string;
  readonly code: string;
}

/**
 * Counts refusals of this isolate for a moment, so that a flood of them is a message a second and not one each. They are no
 * money: what an isolate has counted and not sent goes with it.
 */
export class RefusalCounter {
  readonly #counts = new Map<string, CountedRefusal & { count: number }>();
  #isSending = false;

  /** Counts one; true where nobody is about to send: then the caller has to (`send`, once a moment has passed). */
  count(refusal: CountedRefusal): boolean {
    const name = JSON.stringify([refusal.account, refusal.key, refusal.code]);
    const known = this.#counts.get(name);
    if (known !== undefined) known.count += 1;
    else if (this.#counts.size < MAX_COUNTS) this.#counts.set(name, { ...refusal, count: 1 });
    const isFirst = !this.#isSending;
    this.#isSending = true;
    return isFirst;
  }

  /** Hands over what has gathered. `now` in milliseconds since 1970. */
  async send(
    sendBatch: (events: readonly RefusalEvent[]) => Promise<void>,
    newId: () => string,
    now: number,
  ): Promise<void> {
    this.#isSending = false;
    const events = [...this.#counts.values()].map((one) => ({ ...one, id: newId(), at: now }));
    this.#counts.clear();
    for (let start = 0; start < events.length; start += BATCH)
      await sendBatch(events.slice(start, start + BATCH));
  }
}
