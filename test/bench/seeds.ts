import { simulate } from "../flow/ledger-simulation.ts";

/** How many worlds the simulation went through; a law that breaks in one of them throws. */
export interface ExploredSeeds {
  readonly seeds: number;
  readonly seconds: number;
}

/** Simulates seeds 0, 1, 2 … for so many seconds. Throws, naming the seed, where one breaks a law. */
export async function exploreSeeds(seconds: number): Promise<ExploredSeeds> {
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  const { error } = console;
  // The simulated edges complain of the faults that are made for them; nobody needs to read that.
  console.error = () => undefined;
  let seed = 0;
  try {
    for (; elapsed() < seconds; seed += 1) await simulate(seed);
  } catch (cause) {
    throw new Error(`a law was broken; replay with SEED=${seed}`, { cause });
  } finally {
    console.error = error;
  }
  return { seeds: seed, seconds: elapsed() };
}
