import type { Tensor } from "#domain/tensor.ts";
import { PrefixKeeper } from "../decode/prefix-keeper.ts";
import type { RefreshRule } from "../decode/refresh.ts";
import { type Engine, MAX_ASKED } from "../engine.ts";
import { bestLegal, type Candidate } from "../template/language/best-legal.ts";
import type { HoleLanguage, TokenBytes } from "../template/language/token-language.ts";
import type { Hole } from "../template/template.ts";
import { type AskedPlace, askPlaces, type PlaceRead } from "./ask.ts";
import { openReadCanvas, type Written, writeTokens } from "./canvas.ts";
import { alphabetOf } from "./legal-tokens.ts";

/** A hole that is to be filled, and where it stands in its canvas. */
export interface OpenHole {
  readonly hole: Hole;
  readonly from: number;
}

/** What was written into a hole. */
export interface HoleString {
  readonly hole: Hole;
  /** One per position, fillers included. */
  readonly tokens: readonly number[];
  /** Of each as it was written, over the whole vocabulary: their sum is the likelihood of the string in the order of its writing. Source: DUEL, 2603.01367. */
  readonly logProbs: readonly number[];
}

/** How holes are filled. */
export interface FillTerms {
  /** Stands behind what is written. */
  readonly filler: number;
  readonly bytesOf: TokenBytes;
  /** Passes at most, at least 1: then every position is written. */
  readonly passes: number;
  /** When the prompt is computed anew. */
  readonly refresh: RefreshRule;
}

/** Where a hole's tokens are too many to be asked, each position is offered so many of the likeliest; what is less likely has no part in the best string. */
const LIKELIEST = 64;

/** What such a position asks at most besides: the filler, the string of the pass before, and what a number or a date is written with byte by byte. */
const SURE_TOKENS = 16;

/**
 * Fills all holes of a canvas at once: each pass finds each hole's likeliest string among those that its language has and that what is written
 * allows, and writes the surest of its tokens. The string of the pass before stays a candidate, so the last pass cannot fail.
 * Source: DINGO, 2505.23061, for the string.
 * @param ids the canvas with its slots written, and masks in the holes
 */
export async function fillHoles(
  engine: Engine,
  promptPD: Tensor,
  ids: readonly number[],
  holes: readonly OpenHole[],
  terms: FillTerms,
  signal: AbortSignal,
): Promise<readonly HoleString[]> {
  const canvas = await openReadCanvas(engine, promptPD, ids, signal);
  const fillings = openFillings(engine, holes, terms);
  const keeper = new PrefixKeeper(engine, terms);
  keeper.begin(canvas.promptLength);
  let passes = 0;
  try {
    while (fillings.some((filling) => filling.left > 0)) {
      const places = fillings
        .flatMap((filling) => filling.places())
        .toSorted((a, b) => a.at - b.at);
      const best = fillings.some(({ wantsLikeliest }) => wantsLikeliest) ? LIKELIEST : undefined;
      const pass = { prefix: keeper.next(), best };
      const told = await askPlaces(engine, canvas, places, pass, signal);
      const found = new Map(places.map(({ at }, index) => [at, told[index]!]));
      const written = fillings.flatMap((filling) => filling.take(found, terms.passes - passes));
      passes += 1;
      keeper.wrote(written.length);
      await writeTokens(engine, canvas, written, signal);
    }
  } finally {
    keeper.release();
  }
  return fillings.map((filling) => filling.string());
}

/** The first holes ask for all their tokens, as far as the logits go that one pass may ask for. */
function openFillings(
  engine: Engine,
  holes: readonly OpenHole[],
  { filler, bytesOf }: FillTerms,
): readonly Filling[] {
  let left = MAX_ASKED - holes.reduce((sum, { hole }) => sum + hole.width * SURE_TOKENS, 0);
  return holes.map(({ hole, from }) => {
    const language = { automaton: hole.automaton, filler, bytesOf };
    const alphabet = alphabetOf(hole.automaton, bytesOf, engine.architecture.logitsColumns);
    const asked = alphabet === undefined ? undefined : hole.width * alphabet.length;
    const isWhole = asked !== undefined && asked <= left;
    if (isWhole) left -= asked;
    const spelling = (alphabet ?? []).filter((token) => bytesOf(token)?.length === 1);
    const choice = { isWhole, tokens: isWhole ? (alphabet ?? []) : spelling };
    return new Filling({ hole, from }, language, choice);
  });
}

/** Which tokens each position of a hole asks for: all that it can have, or those that every string can be spelled with. */
interface Alphabet {
  readonly isWhole: boolean;
  readonly tokens: readonly number[];
}

/** One hole while it is filled. */
class Filling {
  /** Whether the likeliest tokens of its positions are wanted, because not all are asked for. */
  readonly wantsLikeliest: boolean;
  readonly #hole: Hole;
  readonly #from: number;
  readonly #language: HoleLanguage;
  readonly #alphabet: readonly number[];
  readonly #written: (Candidate | undefined)[];
  /** The string of the pass before. */
  #legal: readonly number[];

  constructor({ hole, from }: OpenHole, language: HoleLanguage, { isWhole, tokens }: Alphabet) {
    this.wantsLikeliest = !isWhole;
    this.#hole = hole;
    this.#from = from;
    this.#language = language;
    this.#alphabet = tokens;
    this.#written = new Array<Candidate | undefined>(hole.width).fill(undefined);
    this.#legal = [];
  }

  /** Positions that are still to be written. */
  get left(): number {
    return this.#written.filter((token) => token === undefined).length;
  }

  /** What is to be asked: every token that can stand there, or those that make sure of a string beside the likeliest. */
  places(): AskedPlace[] {
    return this.#written.flatMap((token, offset): AskedPlace[] => {
      if (token !== undefined) return [];
      const sure = this.#legal[offset];
      const tokens = [this.#language.filler, ...(sure === undefined ? [] : [sure])];
      return [{ at: this.#from + offset, tokens: [...tokens, ...this.#alphabet] }];
    });
  }

  /** Takes a pass in and says what it writes, out of so many passes that are left with it. */
  take(found: ReadonlyMap<number, PlaceRead>, passesLeft: number): Written[] {
    const { left } = this;
    if (left === 0) return [];
    const candidates = this.#written.map((written, offset) => {
      const read = found.get(this.#from + offset);
      return written === undefined && read !== undefined ? surestFirst(read) : [written!];
    });
    const legal = bestLegal(this.#language, candidates);
    if (legal === undefined) throw new Error("the candidates of a hole spell none of its strings");
    this.#legal = legal.tokens;
    const chosen = legal.logProbs
      .flatMap((logProb, offset) =>
        this.#written[offset] === undefined ? [{ offset, logProb }] : [],
      )
      .toSorted((a, b) => b.logProb - a.logProb || a.offset - b.offset)
      .slice(0, Math.ceil(left / Math.max(1, passesLeft)));
    return chosen.map(({ offset, logProb }) => {
      const token = legal.tokens[offset]!;
      this.#written[offset] = { token, logProb };
      return { at: this.#from + offset, token };
    });
  }

  string(): HoleString {
    const written = this.#written.filter((token) => token !== undefined);
    return {
      hole: this.#hole,
      tokens: written.map(({ token }) => token),
      logProbs: written.map(({ logProb }) => logProb),
    };
  }
}

/** In one order whatever they came by, since the first of equally likely strings wins. */
function surestFirst({ logProbs }: PlaceRead): Candidate[] {
  return Array.from(logProbs, ([token, logProb]) => ({ token, logProb })).toSorted(
    (a, b) => b.logProb - a.logProb || a.token - b.token,
  );
}
