import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canaryShare } from "#edge/fleet/policy/canary.ts";
import { answersSince, expectedMs } from "#edge/fleet/policy/finish.ts";
import type { Outcome, PastLoads, Standing } from "#edge/fleet/policy/fleet.ts";
import { etaMs, isHeldForStart, withLoad } from "#edge/fleet/policy/loads.ts";
import { freshStanding, heardAnew, isOpen, standingAfter } from "#edge/fleet/policy/standing.ts";
import { DIGEST, NOW, reportOf, standingOf } from "./reports.ts";

const RUNS = { seed: 15, numRuns: 200 };

const failure: Outcome = { kind: "failed", steps: 8 };

/** What is thought of a function after so many outcomes, each a second behind the other. */
function seenAfter(outcomes: readonly Outcome[], standing: Standing = freshStanding): Standing {
  return outcomes.reduce(
    (seen, outcome, place) => standingAfter(seen, outcome, NOW + place * 1_000),
    standing,
  );
}

const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constant("sent" as const), steps: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant("taken" as const), wayMs: fc.integer({ min: 0, max: 900 }) }),
  fc.record({ kind: fc.constant("failed" as const), steps: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant("refused" as const), steps: fc.integer({ min: 1, max: 64 }) }),
  fc.constant({ kind: "ended" as const }),
);

describe("a breaker", () => {
  test("closes a function after three failures in a row, not after two", () => {
    expect(isOpen(seenAfter([failure, failure]), NOW + 1_000)).toBe(true);
    expect(isOpen(seenAfter([failure, failure, failure]), NOW + 2_000)).toBe(false);
    const accidents = [failure, failure, { kind: "ended" }, failure, failure] as const;
    expect(isOpen(seenAfter(accidents), NOW + 4_000)).toBe(true);
  });

  test("closes one that takes each answer and breaks it off, too", () => {
    const taken: Outcome = { kind: "taken", wayMs: 5 };
    const seen = seenAfter([taken, failure, taken, failure, taken, failure]);
    expect(isOpen(seen, NOW + 5_000)).toBe(false);
  });

  test("closes for twice as long each time that the try fails, a minute at the longest, and anew after an answer that ended", () => {
    let seen = seenAfter([failure, failure, failure]);
    const pauses = [seen.pauseMs];
    for (let turn = 0; turn < 6; turn++) {
      seen = standingAfter(seen, failure, seen.closedUntil);
      pauses.push(seen.closedUntil - seen.failedAt);
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    const mended = standingAfter(seen, { kind: "ended" }, seen.closedUntil);
    expect(seenAfter([failure, failure, failure], mended).pauseMs).toBe(2_000);
  });

  test("is not closed for longer by what breaks off of answers that were under way", () => {
    const closed = seenAfter([failure, failure, failure]);
    const late = standingAfter(closed, failure, closed.closedUntil - 1);
    expect(late.closedUntil).toBe(closed.closedUntil);
  });

  test("never keeps a function closed for more than a minute after its last failure, whatever happened", () => {
    fc.assert(
      fc.property(fc.array(outcomes, { maxLength: 40 }), (all) => {
        const seen = seenAfter(all);
        expect(isOpen(seen, NOW + all.length * 1_000 + 60_000)).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("when an answer would end", () => {
  const at = (now: number, standing?: Standing): number =>
    expectedMs(reportOf("a", { load: { queuedSteps: 100, msPerStep: 10 } }), standing, 8, now);

  test("is what the function has to do, the answer's steps and the way", () => {
    expect(at(NOW)).toBe(100 * 10 + 8 * 10 + 50);
    expect(at(NOW, standingOf({ wayMs: 7 }))).toBe(1_087);
  });

  test("comes nearer as the report grows old, until the function has nothing left", () => {
    expect(at(NOW + 400)).toBe(at(NOW) - 400);
    expect(at(NOW + 5_000)).toBe(8 * 10 + 50);
  });

  test("counts what was sent between: a function does it only from when it has it", () => {
    const sent = [{ at: NOW + 3_000, steps: 50, answers: 2 }];
    // Idle from 1 s to 3 s, then 50 steps of which 10 are done.
    expect(at(NOW + 3_100, standingOf({ sent }))).toBe(40 * 10 + 8 * 10 + 50);
  });

  test("is never sooner with more to do, more sent, or a slower pace", () => {
    const amount = fc.integer({ min: 0, max: 2_000 });
    fc.assert(
      fc.property(amount, amount, amount, amount, (queuedSteps, steps, age, more) => {
        const ask = (queued: number, sent: number, msPerStep: number): number =>
          expectedMs(
            reportOf("a", { load: { queuedSteps: queued, msPerStep } }),
            standingOf({ sent: [{ at: NOW + 50, steps: sent, answers: 1 }] }),
            8,
            NOW + age,
          );
        const plain = ask(queuedSteps, steps, 10);
        expect(ask(queuedSteps + more, steps, 10)).toBeGreaterThanOrEqual(plain);
        expect(ask(queuedSteps, steps + more, 10)).toBeGreaterThanOrEqual(plain);
        expect(ask(queuedSteps, steps, 10 + more)).toBeGreaterThanOrEqual(plain);
        expect(plain).toBeGreaterThanOrEqual(8 * 10 + 50);
      }),
      RUNS,
    );
  });
});

describe("what was sent", () => {
  const sentAt = (...moments: readonly number[]): Standing =>
    moments.reduce(
      (seen, moment) => standingAfter(seen, { kind: "sent", steps: 8 }, NOW + moment),
      freshStanding,
    );

  test("is forgotten with a report that was heard after it, and not with one that was on its way", () => {
    const seen = sentAt(0, 1_000, 2_000);
    const report = reportOf("a", { heardAt: NOW + 1_500 });
    const left = heardAnew(seen, report);
    expect(left.sent).toEqual([{ at: NOW + 2_100, steps: 8, answers: 1 }]);
    expect(answersSince(report, seen)).toBe(1);
  });

  test("is taken back when the function refuses or fails it", () => {
    const seen = sentAt(0, 1_000);
    const refused = standingAfter(seen, { kind: "refused", steps: 8 }, NOW + 1_010);
    expect(refused.sent).toEqual(sentAt(0).sent);
    expect(standingAfter(refused, failure, NOW + 1_010).sent).toEqual([]);
  });

  test("is remembered in so much memory, and none of it is lost", () => {
    const seen = sentAt(...Array.from({ length: 500 }, (_, place) => place * 100));
    expect(seen.sent).toHaveLength(64);
    expect(answersSince(reportOf("a", { heardAt: NOW - 1 }), seen)).toBe(500);
  });
});

describe("how long a load takes that nobody sees", () => {
  const kind = { provider: "cpu", digest: DIGEST };
  const loadsOf = (...tookMs: readonly number[]): readonly PastLoads[] =>
    tookMs.reduce<readonly PastLoads[]>(
      (loads, took) => withLoad(loads, { ...kind, tookMs: took }),
      [],
    );

  test("is what four of five took, so that one that hung for an hour is nobody's promise", () => {
    expect(etaMs(loadsOf(20_000, 21_000, 22_000, 23_000, 3_600_000), kind)).toBe(23_000);
  });

  test("grows shorter as it lasts, and once it has lasted longer than others counts those that did", () => {
    const loads = loadsOf(20_000, 20_000, 20_000, 20_000, 60_000);
    expect(etaMs(loads, kind, 5_000)).toBe(15_000);
    expect(etaMs(loads, kind, 30_000)).toBe(30_000);
    expect(etaMs(loads, kind, 90_000)).toBe(90_000);
  });

  test("is from a second to ten minutes, whatever was seen", () => {
    const span = fc.integer({ min: 0, max: 100_000_000 });
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 40 }), span, (took, lasted) => {
        const eta = etaMs(loadsOf(...took), kind, lasted) ?? Number.NaN;
        expect(eta).toBeGreaterThanOrEqual(1_000);
        expect(eta).toBeLessThanOrEqual(600_000);
      }),
      RUNS,
    );
  });

  test("is that of the same weights and provider, else of what is most like it, else not known", () => {
    const loads = withLoad(loadsOf(20_000), { provider: "cuda", digest: DIGEST, tookMs: 9_000 });
    expect(etaMs(loads, { provider: "cuda", digest: DIGEST })).toBe(9_000);
    expect(etaMs(loads, { provider: "cuda", digest: "new" })).toBe(9_000);
    expect(etaMs(loads, { provider: "webgpu", digest: DIGEST })).toBe(20_000);
    expect(etaMs([], kind)).toBeNull();
  });

  test("is told by the last 32 of a kind, and of 16 kinds", () => {
    let loads = loadsOf(...Array.from({ length: 40 }, (_, place) => place));
    expect(loads[0]?.tookMs).toEqual(Array.from({ length: 32 }, (_, place) => place + 8));
    for (let version = 0; version < 20; version++)
      loads = withLoad(loads, { provider: "cpu", digest: `${version}`, tookMs: 1 });
    expect(loads.map(({ digest }) => digest)).toEqual(
      Array.from({ length: 16 }, (_, place) => `${place + 4}`),
    );
  });
});

test("a connection is held for a start when it is held longer than warm functions ever took, two seconds at the least", () => {
  expect(isHeldForStart(2_001, [])).toBe(true);
  expect(isHeldForStart(2_000, [])).toBe(false);
  const slow = Array.from({ length: 20 }, (_, place) => place * 1_000);
  expect(isHeldForStart(18_000, slow)).toBe(false);
  expect(isHeldForStart(18_001, slow)).toBe(true);
});

describe("the share of an answer", () => {
  const ids = Array.from({ length: 20_000 }, (_, place) => `ans_${place.toString(36)}`);

  test("is the same whenever it is asked for", () => {
    for (const id of ids.slice(0, 100)) expect(canaryShare(id)).toBe(canaryShare(id));
    expect(canaryShare("ans_1")).toBe(0.16733805742114782);
  });

  test("is even: a canary of five percent gets five in a hundred, within a half", () => {
    for (const from of [0, 0.25, 0.5, 0.95]) {
      const inside = ids.map(canaryShare).filter((share) => share >= from && share < from + 0.05);
      expect(inside.length / ids.length).toBeGreaterThan(0.045);
      expect(inside.length / ids.length).toBeLessThan(0.055);
    }
  });
});
