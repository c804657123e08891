import { describe, expect, test } from "vitest";
import { createTurns } from "#inference/engine/turns.ts";

const patient = new AbortController().signal;

/** Work that notes when it runs, asked for by one step of an answer. */
function noting(events: string[], name: string): () => Promise<void> {
  return async () => {
    events.push(name);
    await new Promise(setImmediate);
  };
}

describe("createTurns", () => {
  test("accounts take turns, the shortest first within one, and an answer keeps its turn between two steps", async () => {
    const takeTurn = createTurns(50);
    const events: string[] = [];
    const answer = async (account: string, name: string, steps: number): Promise<void> => {
      const key = {};
      for (let remaining = steps; remaining > 0; remaining--) {
        const asking = { answer: key, claim: { account, remaining } };
        await takeTurn(noting(events, name), patient, asking);
        await new Promise(setImmediate); // it tells its step
      }
    };
    const gate = Promise.withResolvers<void>();
    const before = takeTurn(() => gate.promise, patient);
    const all = [answer("a", "long", 4), answer("a", "short", 2), answer("b", "other", 3)];
    gate.resolve();
    await Promise.all([before, ...all]);
    // Account a has two answers and b one: each has every second turn, and those of a go to its short one first.
    const ofA = events.filter((name) => name !== "other");
    expect(ofA).toEqual(["short", "short", "long", "long", "long", "long"]);
    expect(events.slice(0, 6).filter((name) => name === "other")).toHaveLength(3);
  });

  test("waits no longer than its grace for an answer that does not come back", async () => {
    const takeTurn = createTurns(5);
    const events: string[] = [];
    const claim = (remaining: number) => ({ account: "a", remaining });
    const gone = takeTurn(noting(events, "gone"), patient, { answer: {}, claim: claim(1) });
    const waits = takeTurn(noting(events, "waits"), patient, { answer: {}, claim: claim(9) });
    await Promise.all([gone, waits]);
    expect(events).toEqual(["gone", "waits"]);
  });

  test("who finds no room is passed by until there is some", async () => {
    const takeTurn = createTurns();
    const events: string[] = [];
    let hasRoom = false;
    const waits = takeTurn(noting(events, "large"), patient, { fits: () => hasRoom });
    await takeTurn(noting(events, "small"), patient);
    expect(events).toEqual(["small"]);
    await takeTurn(async () => {
      hasRoom = true;
    }, patient);
    await waits;
    expect(events).toEqual(["small", "large"]);
  });

  test("one piece of work runs at a time, in the order of asking", async () => {
    const takeTurn = createTurns();
    const events: string[] = [];
    const work = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise(setImmediate);
      events.push(`${name} ends`);
    };
    await Promise.all(["a", "b"].map((name) => takeTurn(work(name), patient)));
    expect(events).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  });

  test("work that fails does not stop the next in line", async () => {
    const takeTurn = createTurns();
    const failing = takeTurn(() => Promise.reject(new Error("broken")), patient);
    const next = takeTurn(async () => 5, patient);
    await expect(failing).rejects.toThrow("broken");
    expect(await next).toBe(5);
  });

  test("who aborts in the queue is told at once and never runs", async () => {
    const takeTurn = createTurns();
    const gate = Promise.withResolvers<void>();
    const first = takeTurn(() => gate.promise, patient);
    const leaving = new AbortController();
    let ran = false;
    const left = takeTurn(async () => {
      ran = true;
    }, leaving.signal);
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    gate.resolve();
    await first;
    await takeTurn(async () => undefined, patient);
    expect(ran).toBe(false);
  });

  test("who aborts while its work runs is told at once, and the next waits for the work's end", async () => {
    const takeTurn = createTurns();
    const gate = Promise.withResolvers<void>();
    const leaving = new AbortController();
    const left = takeTurn(() => gate.promise, leaving.signal);
    await new Promise(setImmediate);
    let nextRan = false;
    const next = takeTurn(async () => {
      nextRan = true;
    }, patient);
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    expect(nextRan).toBe(false);
    gate.resolve();
    await next;
  });
});
