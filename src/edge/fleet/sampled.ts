import type { FunctionReport } from "./policy/fleet.ts";

/**
 * Functions in a snapshot at most. Of two that are drawn by lot the better one is as good among 128 as among all, and what a
 * snapshot costs no longer grows with the fleet.
 */
export const MAX_SNAPSHOT = 128;

/** Draws what a snapshot takes, in turns over versions and classes of arithmetic, so that none of them is missing in it. */
export function sampled(
  all: readonly FunctionReport[],
  random: () => number,
): readonly FunctionReport[] {
  if (all.length <= MAX_SNAPSHOT) return all;
  const kinds = Map.groupBy(all, ({ digest, numerics, state }) =>
    JSON.stringify([digest, numerics, state.kind]),
  );
  const hands = [...kinds.values()].map((functions) => shuffled(functions, random));
  const drawn: FunctionReport[] = [];
  for (let turn = 0; drawn.length < MAX_SNAPSHOT; turn += 1)
    for (const hand of hands) {
      const next = hand[turn];
      if (next !== undefined && drawn.length < MAX_SNAPSHOT) drawn.push(next);
    }
  return drawn;
}

/** Source: Fisher and Yates; Durstenfeld, CACM 1964, algorithm 235. */
function shuffled<Value>(values: readonly Value[], random: () => number): readonly Value[] {
  const mixed = [...values];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [one, two] = [mixed[last], mixed[other]];
    if (one !== undefined && two !== undefined) [mixed[last], mixed[other]] = [two, one];
  }
  return mixed;
}
