import { type QueuedEvent, queuedEventSchema } from "#wire/function/usage-event.ts";

/** Messages that are sent again with one call. A queue takes 100 at one time, of 256 KB together. */
const AT_ONCE = 50;

/** Threat: more than a queue takes at one time. Charges have some 300 bytes. */
const MAX_CHARS = 200_000;

/** What one call did. */
export interface Resent {
  readonly resent: number;
  /** Rows that no Worker of this version can read: they stay. */
  readonly unreadable: number;
  /** The last row that was looked at; null: there is no other behind it. */
  readonly last: string | null;
}

/**
 * Sends what was kept as dead to the usage queue again, behind a row. A row goes once its message is in the queue: broken off between
 * the two it is sent twice, and whatever is copied twice counts once.
 */
export async function resendDead(
  { DB, USAGE }: { readonly DB: D1Database; readonly USAGE: Queue<QueuedEvent> },
  behind: string,
): Promise<Resent> {
  const { results } = await DB.prepare(
    "SELECT id, body FROM dead_messages WHERE id > ? ORDER BY id LIMIT ?",
  )
    .bind(behind, AT_ONCE)
    .all<{ id: string; body: string }>();
  const readable: { readonly id: string; readonly event: QueuedEvent }[] = [];
  let [chars, looked] = [0, 0];
  for (const { id, body } of results) {
    chars += body.length;
    if (chars > MAX_CHARS && looked > 0) break;
    looked += 1;
    const event = eventOf(body);
    if (event !== undefined) readable.push({ id, event });
  }
  if (readable.length > 0) {
    await USAGE.sendBatch(readable.map(({ event }) => ({ body: event })));
    const sent = DB.prepare("DELETE FROM dead_messages WHERE id = ?");
    await DB.batch(readable.map(({ id }) => sent.bind(id)));
  }
  const isEnd = looked === results.length && results.length < AT_ONCE;
  return {
    resent: readable.length,
    unreadable: looked - readable.length,
    last: isEnd ? null : (results[looked - 1]?.id ?? null),
  };
}

/** Undefined for what is no message: cut off, or written by a newer Worker. */
function eventOf(text: string): QueuedEvent | undefined {
  try {
    return queuedEventSchema.safeParse(JSON.parse(text)).data;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
