import { describe, expect, test } from "vitest";
import type { Figures } from "./simulation/figures.ts";
import { foresee } from "./simulation/oracle.ts";
import { AS_DECIDED, type SimulationTerms, simulate } from "./simulation/simulate.ts";
import { worldOf } from "./simulation/world.ts";

// A slice of `npm run bench -- fleet`: the same code in virtual time, with worlds small enough for every run of the tests.

const world = worldOf({
  ...{ seed: 3, functions: 12, answers: 2_000, load: 0.8, regions: 2 },
  ...{ hasBursts: true, diesEveryMs: 600_000, losesRegion: false },
});

const run = (terms: Partial<SimulationTerms> = {}): Figures =>
  simulate(world, { ...AS_DECIDED, ...terms });

const decided = run();

describe("a fleet at 80 % load, with bursts and machines that die", () => {
  test("makes every answer that was accepted", () => {
    expect(decided.failed).toBe(0);
  });

  test("does nine tenths of what one would get out of it who knows the future", () => {
    expect(decided.utilisation / foresee(world).utilisation).toBeGreaterThan(0.9);
  });

  test("has answers wait a third as long as where chance alone decides, and fewer be refused", () => {
    const random = run({ compared: { near: 1, far: 0 } });
    expect(decided.meanMs).toBeLessThan(random.meanMs / 3);
    expect(decided.refusals).toBeLessThan(random.refusals);
  });

  test("has answers wait no longer than where the least of all is taken, of whom many places of dispatch know the same", () => {
    const dispatchers = 64;
    const all = run({ dispatchers, compared: { near: 6, far: 6 } });
    expect(run({ dispatchers }).meanMs).toBeLessThan(all.meanMs);
  });

  test("lets no account wait more than three times as long as the mean, though one asks half of everything", () => {
    expect(decided.starvation).toBeLessThan(3);
  });

  test("needs less than two messages an answer, heartbeats and snapshots included", () => {
    expect(decided.messages).toBeLessThan(2);
  });
});

test("an answer that one place of dispatch sends counts for its next one: without that they go where the last one went", () => {
  const calm = worldOf({
    ...{ seed: 4, functions: 8, answers: 1_200, load: 0.8, regions: 1 },
    ...{ hasBursts: false, diesEveryMs: null, losesRegion: false },
  });
  const terms = { ...AS_DECIDED, dispatchers: 1 };
  const forgetful = simulate(calm, { ...terms, remembersSent: false });
  expect(simulate(calm, terms).meanMs).toBeLessThan(forgetful.meanMs);
});

test("a region that is cut off for a minute costs time and no answer", () => {
  const terms = { seed: 5, functions: 12, answers: 1_200, load: 0.6, regions: 2 };
  const cut = worldOf({ ...terms, hasBursts: false, diesEveryMs: null, losesRegion: true });
  const figures = simulate(cut, AS_DECIDED);
  expect(figures.failed).toBe(0);
  expect(figures.refusals).toBeLessThan(1);
});
