import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Choice, FunctionReport, PickTerms, Standing } from "#edge/fleet/policy/fleet.ts";
import { HEARTBEAT_MS, LOST_AFTER_MS } from "#edge/fleet/policy/fleet.ts";
import { pick } from "#edge/fleet/policy/pick.ts";
import { freshStanding, standingAfter } from "#edge/fleet/policy/standing.ts";
import { DIGEST, NOW, randomOf, reportOf, standingOf, termsOf } from "./reports.ts";

const OTHER = "b".repeat(64);
const RUNS = { seed: 15, numRuns: 200 };

function picked(
  functions: readonly FunctionReport[],
  terms: Partial<PickTerms> = {},
  standings: Readonly<Record<string, Standing>> = {},
): Choice {
  return pick(functions, new Map(Object.entries(standings)), [], termsOf(terms));
}

/** Whom an answer goes to, or why to nobody. */
function whom(...asked: Parameters<typeof picked>): unknown {
  const choice = picked(...asked);
  return choice.kind === "function" ? choice.report.url : choice.reason;
}

/** How often each is picked in a thousand draws. */
function shares(
  functions: readonly FunctionReport[],
  terms: Partial<PickTerms> = {},
): Readonly<Record<string, number>> {
  const random = randomOf(15);
  const counts: Record<string, number> = {};
  for (let turn = 0; turn < 1000; turn++) {
    const url = String(whom(functions, { random, ...terms }));
    counts[url] = (counts[url] ?? 0) + 1;
  }
  return counts;
}

const busy = (steps: number): { load: { queuedSteps: number; running: number } } => ({
  load: { queuedSteps: steps, running: 1 },
});

const letters = "abcdefgh".split("");
const fleets: fc.Arbitrary<readonly FunctionReport[]> = fc
  .array(
    fc.record({
      queuedSteps: fc.integer({ min: 0, max: 500 }),
      msPerStep: fc.option(fc.integer({ min: 1, max: 200 }), { nil: null }),
      running: fc.integer({ min: 0, max: 20 }),
      region: fc.constantFrom("here", "there"),
      age: fc.integer({ min: 0, max: 20_000 }),
      digest: fc.constantFrom(DIGEST, OTHER),
      kind: fc.constantFrom("warm", "draining", "failed", "asleep"),
    } as const),
    { minLength: 1, maxLength: letters.length },
  )
  .map((members) =>
    members.map(({ region, age, digest, kind, ...load }, place) =>
      reportOf(letters[place] ?? "", {
        ...{ region, digest, load, state: { kind }, heardAt: NOW - age },
      }),
    ),
  );

describe("whom an answer is sent to", () => {
  test("of two functions it is the one that is expected to end it first", () => {
    expect(whom([reportOf("a", busy(100)), reportOf("b", busy(99))])).toBe("b");
    const slow = reportOf("slow", { load: { queuedSteps: 0, msPerStep: 100 } });
    const quick = reportOf("quick", { load: { queuedSteps: 50, msPerStep: 10 } });
    expect(whom([slow, quick])).toBe("quick");
    expect(whom([slow, quick], { steps: 1 })).toBe("slow");
  });

  test("two are compared even where chance names the same one every time", () => {
    for (const chance of [0, 0.999])
      expect(whom([reportOf("a", busy(100)), reportOf("b")], { random: () => chance })).toBe("b");
  });

  test("of many, two that chance names are compared: the busiest is never picked, and the freest has no more than its part", () => {
    const fleet = letters.map((url, place) => reportOf(url, busy(place * 50)));
    const counts = shares(fleet);
    expect(counts["h"] ?? 0).toBe(0);
    expect(counts["a"]).toBeGreaterThan(180); // a quarter of the pairs have it
    expect(counts["a"]).toBeLessThan(320);
  });

  test("functions that have done nothing yet share what comes", () => {
    const counts = shares(letters.map((url) => reportOf(url)));
    for (const url of letters) expect(counts[url]).toBeGreaterThan(70);
  });

  test("what was sent since the report counts as if it had been told", () => {
    const sent = [{ at: NOW, steps: 80, answers: 1 }];
    const fleet = [
      reportOf("a", { heardAt: NOW - 1 }),
      reportOf("b", { ...busy(40), heardAt: NOW - 1 }),
    ];
    expect(whom(fleet, {}, { a: standingOf({ sent }) })).toBe("b");
  });

  test("the own region is preferred until its wait is longer than the way elsewhere", () => {
    const far = reportOf("far", { region: "there" });
    expect(whom([reportOf("near", busy(20)), far])).toBe("near");
    expect(whom([reportOf("near", busy(60)), far])).toBe("far");
    expect(whom([reportOf("near", busy(20)), far], { region: null })).toBe("far");
  });

  test("a way that was measured counts instead of the region's", () => {
    const fleet = [reportOf("near"), reportOf("far", { region: "there" })];
    const ways = { near: standingOf({ wayMs: 400 }), far: standingOf({ wayMs: 30 }) };
    expect(whom(fleet, {}, ways)).toBe("far");
  });

  test("a function with weights on their way takes work, where it ends it sooner than those that are there", () => {
    const loading = reportOf("loading", {
      state: { kind: "loading", etaMs: 2_000, since: NOW - 30_000 },
    });
    expect(whom([loading])).toBe("loading");
    expect(whom([loading, reportOf("warm", busy(100))])).toBe("warm");
    expect(whom([loading, reportOf("warm", busy(1000))])).toBe("loading");
  });

  test("a function without a pace of its own is thought to have the fleet's", () => {
    const untimed = reportOf("untimed", { load: { msPerStep: null, queuedSteps: 10 } });
    expect(whom([untimed, reportOf("b", busy(20))])).toBe("untimed");
    expect(whom([untimed, reportOf("b", busy(5))])).toBe("b");
  });
});

describe("whom an answer is not sent to", () => {
  test("is one that drains, failed, is asleep, was lost, has refused it, or is closed by a breaker", () => {
    fc.assert(
      fc.property(fleets, fc.subarray(letters), fc.integer(), (fleet, refused, seed) => {
        const tried = new Set(refused);
        const choice = picked(fleet, { tried, random: randomOf(seed) });
        const open = fleet.filter(
          ({ url, state, heardAt }) =>
            state.kind === "warm" && NOW - heardAt <= LOST_AFTER_MS && !tried.has(url),
        );
        // Whoever can be asked is: nobody is refused while one is left.
        expect(choice.kind).toBe(open.length > 0 ? "function" : "none");
        if (choice.kind === "function") expect(open).toContain(choice.report);
      }),
      RUNS,
    );
  });

  test("a full one is picked where all are full, since its report is old, and never while another has a place", () => {
    const full = reportOf("full", { load: { running: 4, waiting: 16, queuedSteps: 1 } });
    const fleet = [full, ...letters.map((url) => reportOf(url, busy(400)))];
    expect(shares(fleet)["full"]).toBeUndefined();
    expect(whom([full])).toBe("full");
    const sent = [{ at: NOW, steps: 20, answers: 20 }];
    const lately = { heardAt: NOW - 1 };
    const other = reportOf("b", { ...busy(400), ...lately });
    expect(whom([reportOf("a", lately), other], {}, { a: standingOf({ sent }) })).toBe("b");
  });

  test("a function that failed after its last report is picked after the others, though it looks idle", () => {
    const fleet = [reportOf("dead"), reportOf("b", busy(400))];
    const failure = { kind: "failed", steps: 8 } as const;
    expect(whom(fleet, {}, { dead: standingAfter(undefined, failure, NOW + 1) })).toBe("b");
    expect(whom(fleet, {}, { dead: standingAfter(undefined, failure, NOW - 1) })).toBe("dead");
    expect(whom(fleet.slice(0, 1), {}, { dead: standingAfter(undefined, failure, NOW + 1) })).toBe(
      "dead",
    );
  });

  test("a report of three missed beats is the last of a function that is gone; an address nobody has heard may be there", () => {
    const age = (milliseconds: number): { heardAt: number } => ({ heardAt: NOW - milliseconds });
    expect(whom([reportOf("a", age(3 * HEARTBEAT_MS))])).toBe("a");
    expect(whom([reportOf("a", age(3 * HEARTBEAT_MS + 1))])).toBe("away");
    const unheard = reportOf("a", { digest: null, numerics: null, heardAt: 0 });
    const nothingTold = { places: 0, queueLength: 0, msPerStep: null };
    expect(whom([{ ...unheard, load: { ...unheard.load, ...nothingTold } }])).toBe("a");
  });

  test("with other weights than asked for it is sent to nobody", () => {
    fc.assert(
      fc.property(fleets, fc.constantFrom(DIGEST, OTHER), fc.integer(), (fleet, digest, seed) => {
        const choice = picked(fleet, { digest, random: randomOf(seed) });
        if (choice.kind === "function") expect(choice.report).toMatchObject({ digest });
      }),
      RUNS,
    );
    const fleet = [reportOf("a")];
    expect(whom(fleet, { digest: OTHER })).toBe("other_weights");
    expect(whom(fleet, { tried: new Set(["a"]) })).toBe("away");
    expect(whom([])).toBe("away");
  });
});

describe("the arithmetic that answered before", () => {
  const numerics = `cuda/ort/h200/alone/${DIGEST}`;

  test("is preferred, be its function busier or full, and others are picked where none of it is left", () => {
    const full = { running: 4, waiting: 16, queuedSteps: 900 };
    const own = reportOf("own", { numerics, load: full });
    const fleet = [own, reportOf("other")];
    const choice = picked(fleet, { numerics });
    expect(choice).toMatchObject({ kind: "function", report: own, isPreferred: true });
    const next = picked(fleet, { numerics, tried: new Set(["own"]) });
    expect(next).toMatchObject({ report: { url: "other" }, isPreferred: false });
  });
});

describe("a canary", () => {
  const canary = { digest: OTHER, percent: 20 };
  const fleet = [reportOf("stable"), reportOf("canary", { digest: OTHER })];

  test("gets the answers whose share lies below its percent, and no others", () => {
    expect(whom(fleet, { canary, share: 0.199 })).toBe("canary");
    expect(whom(fleet, { canary, share: 0.2 })).toBe("stable");
    expect(whom(fleet, { canary: { ...canary, percent: 0 }, share: 0 })).toBe("stable");
    expect(whom(fleet, { canary: { ...canary, percent: 100 }, share: 0.999 })).toBe("canary");
  });

  test("leaves its answers to the others where it is not there, and takes theirs where they are not", () => {
    expect(whom(fleet, { canary, share: 0, tried: new Set(["canary"]) })).toBe("stable");
    expect(whom(fleet, { canary, share: 0.9, tried: new Set(["stable"]) })).toBe("canary");
  });

  test("is not asked what other weights have to answer", () => {
    expect(whom(fleet, { canary, share: 0, digest: DIGEST })).toBe("stable");
  });
});

describe("a function that is asleep", () => {
  const asleep = reportOf("asleep", { state: { kind: "asleep" }, heardAt: 0 });
  const loads = [{ provider: "cpu", digest: DIGEST, tookMs: [30_000, 20_000] }];
  const decide = (functions: readonly FunctionReport[]): Choice =>
    pick(functions, new Map(), loads, termsOf());

  test("is to be woken where nobody else is there, and what its loads took is told", () => {
    const reason = { wake: "asleep", loadingMs: 30_000 };
    expect(decide([asleep])).toEqual({ kind: "none", reason });
  });

  test("is woken beside those that are there only where they would end the answer later", () => {
    expect(decide([asleep, reportOf("a", busy(2000))])).toMatchObject({ wake: null });
    expect(decide([asleep, reportOf("a", busy(4000))])).toMatchObject({
      report: { url: "a" },
      wake: "asleep",
    });
  });
});

test("a closed function is tried by one answer after its pause, and by no other until that one is told", () => {
  let dead = freshStanding;
  for (let turn = 0; turn < 3; turn++)
    dead = standingAfter(dead, { kind: "failed", steps: 8 }, NOW);
  const at = (now: number): unknown =>
    whom([reportOf("dead", { heardAt: now })], { now }, { dead });
  expect(at(NOW + 1_999)).toBe("away");
  expect(at(NOW + 2_000)).toBe("dead");
  dead = standingAfter(dead, { kind: "sent", steps: 8 }, NOW + 2_000);
  expect(at(NOW + 2_001)).toBe("away");
  dead = standingAfter(dead, { kind: "taken", wayMs: 5 }, NOW + 2_100);
  expect(at(NOW + 2_101)).toBe("dead");
});
