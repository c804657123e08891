import { KEY_CACHE_MS, KeyCache } from "#edge/keys/key-cache.ts";
import type { KeyRecord } from "#edge/keys/key-store.ts";
import { mulberry32, type UniformStream } from "#model/decode/noise.ts";

/** How long a revoked key works on somewhere, from its revocation to the last request that is let in. */
export interface RevocationFigures {
  readonly moments: number;
  readonly isolates: number;
  readonly meanMs: number;
  readonly longestMs: number;
}

const ISOLATES = 8;

/** Mean time between two requests that an isolate gets for the key: shorter than this hardly changes what is measured. */
const MEAN_GAP_MS = 500;

/** A record is remembered for half a minute; the promise is a minute. Whoever is let in after two is let in for ever. */
const WATCHED_MS = 120_000;

/**
 * Simulates revocations at `moments` random moments: several isolates over one table, each with the real key cache and a
 * steady stream of requests, and a clock that is set instead of waited for. Reading the table takes no time here.
 */
export async function measureRevocation(moments: number, seed: number): Promise<RevocationFigures> {
  const random = mulberry32(seed);
  const times: number[] = [];
  for (let moment = 0; moment < moments; moment += 1) times.push(await lastLetIn(random));
  const sum = times.reduce((total, time) => total + time, 0);
  return { moments, isolates: ISOLATES, meanMs: sum / moments, longestMs: Math.max(...times) };
}

/** Revokes once, at a random moment of the second minute, and returns when the last request was let in after it. */
async function lastLetIn(random: UniformStream): Promise<number> {
  const revokedAt = WATCHED_MS * (1 + random.next());
  let now = 0;
  const store = {
    find: async () => ({ revokedAt: now < revokedAt ? null : revokedAt }) as KeyRecord,
  };
  let last = revokedAt;
  for (let isolate = 0; isolate < ISOLATES; isolate += 1) {
    const keys = new KeyCache().over(store, () => now);
    // Isolates start at different times, so that their records are of different ages.
    now = KEY_CACHE_MS * random.next();
    while (now < revokedAt + WATCHED_MS) {
      const record = await keys.find("key");
      if (record?.revokedAt === null) last = Math.max(last, now);
      now += MEAN_GAP_MS * -Math.log(random.next());
    }
  }
  return last - revokedAt;
}
