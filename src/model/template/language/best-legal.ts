import { DEAD } from "./regular.ts";
import { type HoleLanguage, TokenReader } from "./token-language.ts";

/** A token that a position may get, with what the network thinks of it. */
export interface Candidate {
  readonly token: number;
  /** Natural logarithm of its probability over the whole vocabulary; −∞ counts as no candidate. */
  readonly logProb: number;
}

/** The likeliest string that a hole may hold. */
export interface LegalString {
  /** One per position, fillers included. */
  readonly tokens: readonly number[];
  /** Of each token as its candidate told it. */
  readonly logProbs: readonly number[];
  /** Their sum. */
  readonly score: number;
}

/** How a state was reached at a position. */
interface Arrival {
  readonly state: number;
  readonly score: number;
  readonly candidate: Candidate | undefined;
  readonly before: Arrival | undefined;
}

/**
 * Finds the likeliest string of a hole under the marginals of its positions: Viterbi over state × position, exact among the
 * candidates. A position that is written has its token as its only candidate. Of equally likely strings the one whose candidates
 * come first wins, so that equal numbers give equal strings. Undefined if the candidates spell no string of the hole.
 *
 * Source: DINGO (arXiv 2505.23061), without its states for the mask.
 * @param candidates [W] lists, one per position of the hole
 */
export function bestLegal(
  language: HoleLanguage,
  candidates: readonly (readonly Candidate[])[],
): LegalString | undefined {
  const reader = new TokenReader(language);
  if (reader.start === DEAD) return undefined;
  const start: Arrival = {
    state: reader.start,
    score: 0,
    candidate: undefined,
    before: undefined,
  };
  let reached = new Map([[reader.start, start]]);
  for (const choices of candidates) reached = advance(reader, reached, choices);
  const ends = [...reached.values()].filter(({ state }) => reader.accepts(state));
  return ends.length === 0 ? undefined : told(ends.reduce(likelier));
}

function advance(
  reader: TokenReader,
  reached: ReadonlyMap<number, Arrival>,
  choices: readonly Candidate[],
): Map<number, Arrival> {
  const next = new Map<number, Arrival>();
  for (const before of reached.values()) {
    for (const candidate of choices) {
      if (candidate.logProb === Number.NEGATIVE_INFINITY) continue;
      const state = reader.step(before.state, candidate.token);
      if (state === DEAD) continue;
      const arrival = { state, score: before.score + candidate.logProb, candidate, before };
      const known = next.get(state);
      next.set(state, known === undefined ? arrival : likelier(known, arrival));
    }
  }
  return next;
}

function likelier(first: Arrival, second: Arrival): Arrival {
  return second.score > first.score ? second : first;
}

function told(end: Arrival): LegalString {
  const path: Candidate[] = [];
  for (let at: Arrival | undefined = end; at?.candidate !== undefined; at = at.before)
    path.push(at.candidate);
  path.reverse();
  return {
    tokens: path.map(({ token }) => token),
    logProbs: path.map(({ logProb }) => logProb),
    score: end.score,
  };
}
