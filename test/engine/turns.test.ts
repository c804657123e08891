import { describe, expect, test } from "vitest";
import { createTurns } from "#engine/turns.ts";

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
    const takeTurn = createTurns({ graceMs: 50 });
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
    const takeTurn = createTurns({ graceMs: 5 });
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

  test("those that may share a turn begin together, so many at most, and the others alone", async () => {
    const takeTurn = createTurns({ together: 3 });
    const running = new Set<string>();
    const seen: string[][] = [];
    const work = (name: string) => async () => {
      running.add(name);
      await new Promise(setImmediate);
      seen.push([...running]);
      await new Promise(setImmediate);
      running.delete(name);
    };
    const gate = Promise.withResolvers<void>();
    const before = takeTurn(() => gate.promise, patient);
    const small = ["s1", "s2", "s3", "s4"].map((name) =>
      takeTurn(work(name), patient, { sharesTurn: true }),
    );
    const large = takeTurn(work("large"), patient);
    gate.resolve();
    await Promise.all([before, ...small, large]);
    expect(seen.slice(0, 3)).toEqual([
      ["s1", "s2", "s3"],
      ["s1", "s2", "s3"],
      ["s1", "s2", "s3"],
    ]);
    expect(seen.slice(3)).toEqual([["s4"], ["large"]]);
  });

  test("answers that could share a turn wait for one another between their steps, whosever turn it is", async () => {
    const takeTurn = createTurns({ together: 4, graceMs: 200 });
    let running = 0;
    const together: number[] = [];
    const answer = async (account: string, steps: number): Promise<void> => {
      const key = {};
      for (let remaining = steps; remaining > 0; remaining--) {
        const asking = { answer: key, claim: { account, remaining }, sharesTurn: true };
        await takeTurn(
          async () => {
            running += 1;
            await new Promise(setImmediate);
            together.push(running);
            await new Promise(setImmediate);
            running -= 1;
          },
          patient,
          asking,
        );
        await new Promise(setImmediate); // it tells its step
      }
    };
    const first = answer("a", 4);
    await new Promise(setImmediate); // the second comes while the first runs
    await Promise.all([first, answer("b", 3)]);
    expect(together).toEqual([1, 2, 2, 2, 2, 2, 2]);
  });

  test("company takes nobody's place: who runs alone is passed over no longer than without it", async () => {
    const takeTurn = createTurns({ together: 4, graceMs: 50 });
    const events: string[] = [];
    const answer = async (name: string, account: string, steps: number, sharesTurn: boolean) => {
      const key = {};
      for (let remaining = steps; remaining > 0; remaining--) {
        const asking = { answer: key, claim: { account, remaining }, sharesTurn };
        await takeTurn(noting(events, name), patient, asking);
      }
    };
    const gate = Promise.withResolvers<void>();
    const before = takeTurn(() => gate.promise, patient);
    const all = [
      answer("small of a", "a", 40, true),
      answer("small of b", "b", 40, true),
      answer("large of b", "b", 99, false),
    ];
    gate.resolve();
    await before;
    await Promise.all(all);
    // Two accounts, two answers of b: at most 2 × (8 + 2) turns of others, each of at most two small steps.
    expect(events.indexOf("large of b")).toBeGreaterThan(0);
    expect(events.indexOf("large of b")).toBeLessThanOrEqual(2 * 2 * (8 + 2));
  });

  test("who leaves a shared turn is told at once, its companions end as they would, and the next waits for all", async () => {
    const takeTurn = createTurns({ together: 2 });
    const leaving = new AbortController();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<string>()] as const;
    const before = takeTurn(() => new Promise(setImmediate), patient);
    const left = takeTurn(() => gates[0].promise, leaving.signal, { sharesTurn: true });
    const stays = takeTurn(() => gates[1].promise, patient, { sharesTurn: true });
    let nextRan = false;
    const next = takeTurn(async () => {
      nextRan = true;
    }, patient);
    await before;
    await new Promise(setImmediate);
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    gates[1].resolve("whole");
    expect(await stays).toBe("whole");
    await new Promise(setImmediate);
    expect(nextRan).toBe(false);
    gates[0].resolve();
    await next;
  });
});
