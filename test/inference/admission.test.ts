import { describe, expect, test } from "vitest";
import { type Admission, createAdmission, type Place } from "#inference/admission.ts";

const forever = new AbortController().signal;

/** Takes a place that is sure to be given. */
function enter(admission: Admission, signal: AbortSignal = forever): Place {
  const outcome = admission.enter(signal);
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.kind}`);
  return outcome.value;
}

describe("admission", () => {
  test("a free slot is given at once", async () => {
    const admission = createAdmission(1, 0, () => 0);
    expect(await enter(admission).turn).toEqual({ waitedMs: 0 });
    expect(admission.load()).toEqual({ running: 1, waiting: 0 });
  });

  test("the queue is served in order of arrival, and each is told how long it stood", async () => {
    let now = 0;
    const admission = createAdmission(1, 2, () => now);
    const [first, second, third] = [enter(admission), enter(admission), enter(admission)];
    const order: string[] = [];
    const note = async (name: string, place: Place): Promise<void> => {
      const { waitedMs } = await place.turn;
      order.push(`${name} after ${waitedMs}`);
      now += 10;
      place.leave();
    };
    const notes = [note("second", second), note("third", third)];
    now = 5;
    first.leave();
    await Promise.all(notes);
    expect(order).toEqual(["second after 5", "third after 15"]);
  });

  test("accounts take turns: one that fills the queue keeps nobody else out", async () => {
    const admission = createAdmission(1, 10, () => 0);
    const running = enter(admission);
    const order: string[] = [];
    const asked = ["busy 1", "busy 2", "busy 3", "busy 4", "quiet 1", "other 1"].map((name) => {
      const outcome = admission.enter(forever, name.split(" ")[0]);
      if (!outcome.ok) throw new Error("refused");
      return outcome.value.turn.then(() => {
        order.push(name);
        outcome.value.leave();
      });
    });
    running.leave();
    await Promise.all(asked);
    expect(order).toEqual(["busy 1", "quiet 1", "other 1", "busy 2", "busy 3", "busy 4"]);
  });

  test("a full queue refuses with the time until a place is likely to be free", async () => {
    let now = 0;
    const admission = createAdmission(1, 1, () => now);
    const first = enter(admission);
    now = 20_000;
    first.leave(); // one run of 20 s moves the guess of 5 s to 7.25 s
    enter(admission);
    enter(admission);
    expect(admission.enter(forever)).toEqual({
      ok: false,
      refusal: { kind: "overloaded", retryAfterSeconds: 15 },
    });
    expect(admission.load()).toEqual({ running: 1, waiting: 1 });
  });

  test("a caller who leaves the queue frees its place and never runs", async () => {
    const admission = createAdmission(1, 1, () => 0);
    const first = enter(admission);
    const leaving = new AbortController();
    const left = enter(admission, leaving.signal);
    leaving.abort(new Error("gone"));
    await expect(left.turn).rejects.toThrow("gone");
    const next = enter(admission);
    first.leave();
    await next.turn;
    expect(admission.load()).toEqual({ running: 1, waiting: 0 });
  });

  test("a caller who leaves while it runs, or before anyone waited for its turn, frees its slot", async () => {
    const admission = createAdmission(1, 0, () => 0);
    const leaving = new AbortController();
    enter(admission, leaving.signal);
    leaving.abort(new Error("gone"));
    expect(admission.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("a place left twice frees one slot", () => {
    const admission = createAdmission(2, 0, () => 0);
    const place = enter(admission);
    enter(admission);
    place.leave();
    place.leave();
    expect(admission.load().running).toBe(1);
  });

  test("draining takes nobody new and ends with the last run, those in the queue included", async () => {
    const admission = createAdmission(1, 1, () => 0);
    const [running, queued] = [enter(admission), enter(admission)];
    let isDrained = false;
    const drained = admission.drain().then(() => {
      isDrained = true;
    });
    expect(admission.enter(forever)).toEqual({ ok: false, refusal: { kind: "draining" } });
    running.leave();
    await queued.turn;
    expect(isDrained).toBe(false);
    queued.leave();
    await drained;
    expect(isDrained).toBe(true);
  });

  test("a caller who is gone already takes no place", async () => {
    const admission = createAdmission(1, 1, () => 0);
    const place = enter(admission, AbortSignal.abort(new Error("gone")));
    await expect(place.turn).rejects.toThrow("gone");
    expect(admission.load()).toEqual({ running: 0, waiting: 0 });
  });
});
