import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CacheMemory, MEMORY_BYTES, MEMORY_MS, type Remembered } from "#edge/cache/cache-memory.ts";

function answer(body: string, size = 1, expiresAt = Number.MAX_SAFE_INTEGER): Remembered<string> {
  return { body, size, storedAt: 0, expiresAt };
}

describe("an isolate's memory of answers", () => {
  test("tells what it was told, for a minute", () => {
    const memory = new CacheMemory<string>();
    memory.keep("k", answer("a"), 1000);
    expect(memory.find("k", 1000 + MEMORY_MS - 1)?.body).toBe("a");
    expect(memory.find("k", 1000 + MEMORY_MS)).toBeUndefined();
  });

  test("tells nothing beyond its expiry", () => {
    const memory = new CacheMemory<string>();
    memory.keep("k", answer("a", 1, 500), 0);
    expect([memory.find("k", 499)?.body, memory.find("k", 500)]).toEqual(["a", undefined]);
  });

  test("is not renewed by being asked", () => {
    const memory = new CacheMemory<string>();
    memory.keep("k", answer("a"), 0);
    memory.find("k", MEMORY_MS - 1);
    expect(memory.find("k", MEMORY_MS)).toBeUndefined();
  });

  test("forgets the least recently used first", () => {
    const memory = new CacheMemory<string>();
    const half = MEMORY_BYTES / 2;
    memory.keep("old", answer("old", half), 0);
    memory.keep("used", answer("used", half), 0);
    memory.find("old", 1);
    memory.keep("new", answer("new", half), 2);
    expect(["old", "used", "new"].map((key) => memory.find(key, 3)?.body)).toEqual([
      ...["old", undefined, "new"],
    ]);
  });

  test("counts an answer that is kept again once, and holds one of all its bytes", () => {
    const memory = new CacheMemory<string>();
    for (let time = 0; time < 3; time += 1) memory.keep("again", answer("a", MEMORY_BYTES / 2), 0);
    memory.keep("other", answer("b", MEMORY_BYTES / 2), 0);
    expect(["again", "other"].map((key) => memory.find(key, 1)?.body)).toEqual(["a", "b"]);
    memory.keep("whole", answer("c", MEMORY_BYTES), 1);
    expect(memory.find("whole", 2)?.body).toBe("c");
  });

  test("does not tell an answer's older self once the newer is too long for it", () => {
    const memory = new CacheMemory<string>();
    memory.keep("k", answer("old"), 0);
    memory.keep("k", answer("new", MEMORY_BYTES + 1), 0);
    expect(memory.find("k", 1)).toBeUndefined();
  });

  test("never holds more than its bytes, whatever is kept and asked", () => {
    const sizes = fc.integer({ min: 0, max: MEMORY_BYTES });
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), sizes), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (kept) => {
        const memory = new CacheMemory<string>();
        const size = new Map<string, number>();
        for (const [name, bytes] of kept) {
          memory.keep(String(name), answer("", bytes), 0);
          size.set(String(name), bytes);
        }
        const held = [...size].filter(([key]) => memory.find(key, 0) !== undefined);
        expect(held.reduce((sum, [, bytes]) => sum + bytes, 0)).toBeLessThanOrEqual(MEMORY_BYTES);
      }),
    );
  });
});
