import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Locks a file until the returned database is closed or this process ends, however it ends: the lock is the operating
 * system's own, so there is no stale one to be told from a live one. Returns undefined if another process has held it for `patienceMs`.
 */
export function takeLock(file: string, patienceMs: number): DatabaseSync | undefined {
  const database = new DatabaseSync(file, { timeout: patienceMs });
  try {
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (cause) {
    database.close();
    if (cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY)
      return undefined;
    throw cause;
  }
}

const SQLITE_BUSY = 5;

/** Between two looks at a lock that another process holds. */
const LOOK_MS = 250;

/** Waits for a lock as long as it takes; `onWait` is told once if it is not free at once. Aborting the signal rejects with its reason. */
export async function waitForLock(
  file: string,
  { signal, onWait }: { readonly signal: AbortSignal; readonly onWait: () => void },
): Promise<DatabaseSync> {
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    const lock = takeLock(file, 0);
    if (lock !== undefined) return lock;
    if (isFirst) onWait();
    await sleep(LOOK_MS);
  }
}
