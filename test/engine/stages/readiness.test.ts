import { describe, expect, test } from "vitest";
import { createReadiness } from "#engine/stages/readiness.ts";

const patient = new AbortController().signal;

describe("createReadiness", () => {
  test("gives its value to those who wait and to those who come later", async () => {
    const readiness = createReadiness<number>();
    const waiting = readiness.wait(patient);
    expect(readiness.value).toBeUndefined();
    readiness.settle(7);
    expect(await waiting).toBe(7);
    expect(await readiness.wait(patient)).toBe(7);
    expect(readiness.value).toBe(7);
  });

  test("the first outcome stands, and whoever brings another is told", async () => {
    const readiness = createReadiness<number>();
    expect(readiness.settle(1)).toBe(true);
    expect(readiness.settle(2)).toBe(false);
    expect(readiness.fail(new Error("late"))).toBe(false);
    expect(await readiness.wait(patient)).toBe(1);
  });

  test("may fail while nobody waits", async () => {
    const readiness = createReadiness<number>();
    const fault = new Error("the store is gone");
    readiness.fail(fault);
    await new Promise(setImmediate); // an unhandled rejection would end the test run here
    await expect(readiness.wait(patient)).rejects.toBe(fault);
    expect(readiness.value).toBeUndefined();
  });

  test("an abort ends one wait and no other", async () => {
    const readiness = createReadiness<number>();
    const leaving = new AbortController();
    const left = readiness.wait(leaving.signal);
    const stayed = readiness.wait(patient);
    leaving.abort(new Error("left"));
    readiness.settle(3);
    await expect(left).rejects.toThrow("left");
    expect(await stayed).toBe(3);
    await expect(readiness.wait(leaving.signal)).rejects.toThrow("left");
  });
});
