/**
 * For how long it can be seen, day by day, how often keys were refused, and replay by replay how they came out: a quarter. Sums since
 * the beginning stay (`refusal_totals`, `replay_totals`).
 */
export const COUNTS_LIFETIME_MS: number = 93 * 86_400_000;

/** For how long a message that could not be copied waits for somebody to mend the cause and send it again: a quarter. */
export const DEAD_LIFETIME_MS: number = 93 * 86_400_000;

/** Rows of a kind that are forgotten at once. Threat: a statement that takes longer than D1 allows; the rest waits for the next time. */
const AT_ONCE = 5_000;

/**
 * Forgets what was counted too long ago. An isolate writes a row a second for each key and code that it refuses, so these tables
 * would grow with every flood and never shrink. Messages that could not be copied go with them.
 */
export async function forgetCounts(db: D1Database, now: number): Promise<void> {
  const before = now - COUNTS_LIFETIME_MS;
  const day = new Date(before).toISOString().slice(0, 10);
  await db.batch([
    db
      .prepare(
        "DELETE FROM refusals WHERE id IN (SELECT id FROM refusals WHERE day < ? ORDER BY day LIMIT ?)",
      )
      .bind(day, AT_ONCE),
    db
      .prepare("DELETE FROM replays WHERE id IN (SELECT id FROM replays WHERE at < ? LIMIT ?)")
      .bind(before, AT_ONCE),
    db
      .prepare(
        "DELETE FROM dead_messages WHERE id IN (SELECT id FROM dead_messages WHERE dead_at < ? LIMIT ?)",
      )
      .bind(now - DEAD_LIFETIME_MS, AT_ONCE),
  ]);
}
