import { describe, expect, test } from "vitest";
import { createTurns } from "#inference/engine/turns.ts";

const patient = new AbortController().signal;

describe("createTurns", () => {
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
