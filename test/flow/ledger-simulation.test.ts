import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Simulated, simulate } from "./ledger-simulation.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** Seeds of a test run; SEEDS asks for more, SEED replays one. */
const { SEED, SEEDS = "150" } = process.env;
const seeds =
  SEED === undefined ? Array.from({ length: Number(SEEDS) }, (_, seed) => seed) : [Number(SEED)];

test(`whatever dies, doubles or is lost in between: no overspend, no lost hold, no double charge (${seeds.length} seeds)`, async () => {
  const runs: Simulated[] = [];
  for (const seed of seeds) {
    try {
      runs.push(await simulate(seed));
    } catch (cause) {
      throw new Error(`a law was broken; replay with SEED=${seed}`, { cause });
    }
  }
  const total = (name: keyof Simulated): number => runs.reduce((sum, run) => sum + run[name], 0);
  // The world must really have been cruel, or the laws were never tried.
  for (const name of ["answers", "charged", "crashes", "evictions", "outlived"] as const)
    expect(total(name), name).toBeGreaterThan(0);
}, 600_000);
