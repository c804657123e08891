import type { LanguageTower } from "#domain/architecture.ts";
import type { ForwardPass } from "#model/engine.ts";
import { KeptPrefix, prefixBytesPerPosition } from "./kept-prefix.ts";

/** The memory that all prefixes share. */
export interface PrefixBudget {
  /** Positions of one prefix that has it all, of one sequence. */
  readonly positions: number;
  /** Whether there is room for what a pass keeps: it holds it already, or nobody holds anything, or both go in. */
  fits(pass: ForwardPass): boolean;
  /** Takes what a pass keeps, until its shelf is cleared. */
  hold(pass: ForwardPass): void;
  free(shelf: number): void;
}

/** Creates one of which nothing is held. Answers that hold some end and free it, so whoever waits for room comes to it. */
export function createPrefixBudget(tower: LanguageTower, bytes: number): PrefixBudget {
  const perPosition = prefixBytesPerPosition(tower);
  const held = new Map<number, number>();

  /** What the pass would add; 0 for one that keeps nothing new. */
  function claimOf({
    prefix,
    guidance,
  }: ForwardPass): { shelf: number; bytes: number } | undefined {
    if (prefix === undefined || !(prefix.kept instanceof KeptPrefix)) return undefined;
    const { shelf } = prefix.kept;
    const branches = guidance === undefined ? 1 : 2;
    return held.has(shelf) ? undefined : { shelf, bytes: prefix.length * branches * perPosition };
  }

  return {
    positions: Math.floor(bytes / perPosition),
    fits(pass) {
      const claim = claimOf(pass);
      if (claim === undefined || held.size === 0) return true;
      const taken = [...held.values()].reduce((sum, each) => sum + each, 0);
      return taken + claim.bytes <= bytes;
    },
    hold(pass) {
      const claim = claimOf(pass);
      if (claim !== undefined) held.set(claim.shelf, claim.bytes);
    },
    free: (shelf) => void held.delete(shelf),
  };
}
