import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { authenticate } from "#edge/keys/authenticate.ts";
import { KEY_CACHE_MS, KeyCache } from "#edge/keys/key-cache.ts";
import type { KeyRecord, KeyStore } from "#edge/keys/key-store.ts";
import { formatKey, generateKey, hashSecret } from "#wire/api/accounts/key.ts";

const key = generateKey("live", (count) => crypto.getRandomValues(new Uint8Array(count)));
const record: KeyRecord = {
  id: key.id,
  accountId: "acc_1",
  name: "k",
  environment: "live",
  secretSha256: await hashSecret(key),
  previous: null,
  scopes: ["ask"],
  limits: {
    requestsPerMinute: 1,
    stepsPerMinute: 1,
    concurrent: 1,
    spendPerDayMicros: null,
    spendPerMonthMicros: null,
  },
  accountLimits: { requestsPerMinute: 1, stepsPerMinute: 1, concurrent: 1 },
  models: null,
  origins: null,
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
};

/** Two isolates over one table, and a clock that stands until it is set. */
function world() {
  let now = 1_000_000;
  const table = new Map([[record.id, record]]);
  const reads: string[] = [];
  const store: KeyStore = {
    find: async (id) => {
      reads.push(id);
      return table.get(id);
    },
  };
  const isolates = [new KeyCache(), new KeyCache()].map((cache) => cache.over(store, () => now));
  const isIn = async (isolate: number) =>
    (await authenticate(formatKey(key), isolates[isolate] ?? store, now)).ok;
  return {
    reads,
    isIn,
    isolates,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    rotateTo: (secretSha256: string) => table.set(record.id, { ...record, secretSha256 }),
    revoke: () => table.set(record.id, { ...record, revokedAt: now }),
  };
}

describe("a revoked key", () => {
  test("is refused everywhere within 60 s, however the requests fall", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(1), fc.nat(20_000)), { maxLength: 20 }),
        fc.array(fc.tuple(fc.nat(1), fc.nat(20_000)), { maxLength: 20 }),
        async (before, after) => {
          const { isIn, pass, revoke } = world();
          for (const [isolate, wait] of before) {
            expect(await isIn(isolate)).toBe(true);
            pass(wait);
          }
          revoke();
          let passed = 0;
          for (const [isolate, wait] of after) {
            await isIn(isolate);
            pass(wait);
            passed += wait;
          }
          pass(Math.max(0, 60_000 - passed));
          expect([await isIn(0), await isIn(1)]).toEqual([false, false]);
        },
      ),
    );
  });

  test("works on in another isolate for the half minute that a record is remembered, not longer", async () => {
    const { isIn, pass, revoke } = world();
    await isIn(1);
    revoke();
    pass(KEY_CACHE_MS - 1);
    expect(await isIn(1)).toBe(true);
    pass(1);
    expect(await isIn(1)).toBe(false);
  });
});

describe("a rotated key", () => {
  test("opens with its new secret at once, also where the old record is remembered", async () => {
    const { isolates, pass, rotateTo, reads } = world();
    const [isolate] = isolates;
    if (isolate === undefined) throw new Error("no isolate");
    await isolate.find(record.id);
    const fresh = { ...key, secret: "1".repeat(43) };
    rotateTo(await hashSecret(fresh));
    pass(1_000);
    expect((await authenticate(formatKey(fresh), isolate, 0)).ok).toBe(true);
    const guess = formatKey({ ...key, secret: "2".repeat(43) });
    for (let time = 0; time < 10; time += 1) await authenticate(guess, isolate, 0);
    expect(reads).toHaveLength(2);
  });
});

describe("the store is asked", () => {
  test("once per key and half minute, for unknown keys too", async () => {
    const { isolates, reads, pass } = world();
    for (const id of [record.id, record.id, "stranger", "stranger"]) await isolates[0]?.find(id);
    expect(reads).toEqual([record.id, "stranger"]);
    pass(KEY_CACHE_MS);
    await isolates[0]?.find(record.id);
    expect(reads).toHaveLength(3);
  });

  test("never for a typo", async () => {
    const { isolates, reads } = world();
    const [isolate] = isolates;
    if (isolate === undefined) throw new Error("no isolate");
    const text = formatKey(key);
    for (let place = 0; place < text.length; place += 1) {
      const other = text[place] === "a" ? "b" : "a";
      const typo = text.slice(0, place) + other + text.slice(place + 1);
      expect((await authenticate(typo, isolate, 0)).ok).toBe(false);
    }
    expect(reads).toEqual([]);
  });
});
