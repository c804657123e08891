import { describe, expect, test } from "vitest";
import { type Admission, createAdmission, type Slot } from "#inference/admission.ts";

const forever = new AbortController().signal;

/** Takes a place that is sure to be given. */
function enter(admission: Admission, signal: AbortSignal = forever): Promise<Slot> {
  const outcome = admission.enter(signal);
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.kind}`);
  return outcome.value;
}

describe("admission", () => {
  test("a free slot is given at once", async () => {
    const admission = createAdmission(1, 0, () => 0);
    expect((await enter(admission)).waitedMs).toBe(0);
    expect(admission.load()).toEqual({ running: 1, waiting: 0 });
  });

  test("the queue is served in order of arrival", async () => {
    const admission = createAdmission(1, 2, () => 0);
    const first = await enter(admission);
    const order: string[] = [];
    const note = async (name: string): Promise<Slot> => {
      const slot = await enter(admission);
      order.push(name);
      return slot;
    };
    const second = note("second");
    const third = note("third");
    first.release();
    (await second).release();
    (await third).release();
    expect(order).toEqual(["second", "third"]);
  });

  test("a full queue refuses with the time until a place is likely to be free", async () => {
    let now = 0;
    const admission = createAdmission(1, 1, () => now);
    const slot = await enter(admission);
    now = 20_000;
    slot.release(); // one run of 20 s moves the guess of 5 s to 7.25 s
    await enter(admission);
    const waiting = enter(admission);
    const refused = admission.enter(forever);
    expect(refused).toEqual({ ok: false, refusal: { kind: "overloaded", retryAfterSeconds: 15 } });
    expect(admission.load()).toEqual({ running: 1, waiting: 1 });
    void waiting;
  });

  test("a caller who leaves the queue frees its place and never runs", async () => {
    const admission = createAdmission(1, 1, () => 0);
    const slot = await enter(admission);
    const leaving = new AbortController();
    const left = enter(admission, leaving.signal);
    leaving.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    const next = enter(admission);
    slot.release();
    await next;
    expect(admission.load()).toEqual({ running: 1, waiting: 0 });
  });

  test("a slot released twice frees one place", async () => {
    const admission = createAdmission(2, 0, () => 0);
    const slot = await enter(admission);
    await enter(admission);
    slot.release();
    slot.release();
    expect(admission.load().running).toBe(1);
  });

  test("draining takes nobody new and ends with the last run, those in the queue included", async () => {
    const admission = createAdmission(1, 1, () => 0);
    const slot = await enter(admission);
    const queued = enter(admission);
    let isDrained = false;
    const drained = admission.drain().then(() => {
      isDrained = true;
    });
    expect(admission.enter(forever)).toEqual({ ok: false, refusal: { kind: "draining" } });
    slot.release();
    const last = await queued;
    expect(isDrained).toBe(false);
    last.release();
    await drained;
    expect(isDrained).toBe(true);
  });

  test("a caller who is gone already is not queued", async () => {
    const admission = createAdmission(1, 1, () => 0);
    await expect(enter(admission, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    expect(admission.load()).toEqual({ running: 0, waiting: 0 });
  });
});
