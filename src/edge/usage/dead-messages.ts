import type { Bindings } from "../env.ts";
import { logFault } from "../log.ts";

/** Threat: a row of any size. A message of a queue has 128 KB at the most. */
const MAX_BODY_CHARS = 131_072;

/** With the hundred attempts of its queue (wrangler.toml) two days, half of what a queue keeps messages for. */
const RETRY_SECONDS = 30 * 60;

/** Says whether a queue is the one that the dead letters of another go to (`dead_letter_queue` in wrangler.toml). */
export function isDeadQueue(queue: string): boolean {
  return queue.endsWith("-dead");
}

/**
 * Keeps what no delivery could copy, for a person to look at: a queue forgets after days. A row that cannot be written now is
 * delivered again.
 */
export async function keepDead(batch: MessageBatch<unknown>, { DB }: Bindings): Promise<void> {
  const insert = DB.prepare(
    `INSERT INTO dead_messages (id, queue, body, dead_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING`,
  );
  const now = Date.now();
  const rows = batch.messages.map(({ id, body }) => {
    const text = (JSON.stringify(body) ?? "null").slice(0, MAX_BODY_CHARS);
    return insert.bind(id, batch.queue, text, now);
  });
  if (rows.length === 0) return;
  try {
    await DB.batch(rows);
    batch.ackAll();
    logFault(
      "usage could not be copied and is kept as dead",
      batch.messages[0]?.id ?? "",
      `${rows.length} messages`,
    );
  } catch (cause) {
    logFault("dead usage could not be kept and will be tried again", batch.queue, cause);
    batch.retryAll({ delaySeconds: RETRY_SECONDS });
  }
}
