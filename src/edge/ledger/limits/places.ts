import type { SqlStore } from "../../storage/sql-store.ts";

/** A place at the functions, which an account has so many of. */
export interface PlaceRequest {
  /** The answer's id. */
  readonly id: string;
  /** How many answers of the account the functions may have at one time. */
  readonly share: number;
  /** Of an answer whose work has begun already: it has a place, and others wait the longer. */
  readonly isWorking: boolean;
}

/** An answer that neither asks nor renews for so long is gone. */
const LIFETIME_MS = 3 * 60_000;

/**
 * Whether a hold that opens now gets a place: one is free, and no other answer waits for it. Then the hold itself says so; an
 * answer that waits, or has no hold of its own, stands in the table of places.
 */
export function hasFreePlace(store: SqlStore, share: number): boolean {
  const [row] = store.all<{ taken: number; waiting: number }>(
    `SELECT (SELECT count(*) FROM holds WHERE state = 'open' AND has_place = 1)
       + coalesce(sum(is_taken), 0) AS taken, coalesce(sum(is_taken = 0), 0) AS waiting FROM places`,
  );
  return row !== undefined && row.waiting === 0 && row.taken < share;
}

/** Stands in line for a place, once, and says whether it has come to it. An answer that asks again is known to be alive. */
export function takePlace(
  store: SqlStore,
  { id, share, isWorking }: PlaceRequest,
  now: number,
): boolean {
  const [hold] = store.all("SELECT id FROM holds WHERE id = ? AND has_place = 1", [id]);
  if (hold !== undefined) return true;
  // An answer that took part in the work of another and has come to work by itself counts among the concurrent.
  store.all("UPDATE holds SET is_shared = 0 WHERE id = ? AND is_shared = 1", [id]);
  store.all(
    `INSERT INTO places (id, share, is_taken, asked_at, expires_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE
       SET is_taken = max(is_taken, excluded.is_taken), expires_at = excluded.expires_at`,
    [id, share, isWorking ? 1 : 0, now, now + LIFETIME_MS],
  );
  forgetPlaces(store, now);
  const [place] = store.all<{ is_taken: number }>("SELECT is_taken FROM places WHERE id = ?", [id]);
  return place?.is_taken === 1;
}

/** Keeps the place of a hold that was renewed. */
export function renewPlace(store: SqlStore, id: string, now: number): void {
  store.all("UPDATE places SET expires_at = ? WHERE id = ?", [now + LIFETIME_MS, id]);
}

/** Gives up a place, or the wait for one. Returns whose turn it is now. */
export function leavePlace(store: SqlStore, id: string): readonly string[] {
  store.all("DELETE FROM places WHERE id = ?", [id]);
  return callNext(store);
}

/** Forgets answers that have not been heard of, and calls those that wait for their places. */
export function forgetPlaces(store: SqlStore, now: number): readonly string[] {
  store.all("DELETE FROM places WHERE expires_at <= ?", [now]);
  return callNext(store);
}

/** In the order of asking, as long as there is room. */
function callNext(store: SqlStore): readonly string[] {
  const called: string[] = [];
  for (;;) {
    const [next] = store.all<{ id: string }>(
      `UPDATE places SET is_taken = 1 WHERE id = (
         SELECT id FROM places WHERE is_taken = 0 ORDER BY asked_at, rowid LIMIT 1)
       AND share > (SELECT count(*) FROM holds WHERE state = 'open' AND has_place = 1)
         + (SELECT count(*) FROM places WHERE is_taken = 1) RETURNING id`,
    );
    if (next === undefined) return called;
    called.push(next.id);
  }
}
