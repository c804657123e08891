/** Turns text into tokens. */
export type Encode = (text: string) => readonly number[];

/** Options of one slot that one canvas can hold: of the same number of positions, or each with the end of the answer behind it. */
export interface OptionGroup {
  /** Positions of the slot. Behind an option that is shorter stands what nobody asked for. */
  readonly length: number;
  readonly options: readonly TokenOption[];
}

export interface TokenOption {
  /** Index among all options of the slot. */
  readonly index: number;
  readonly tokens: readonly number[];
}

/** What of a line is the same whatever is chosen, and what differs. */
export interface OptionPlan {
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** By length, the shortest first. */
  readonly groups: readonly OptionGroup[];
}

/** Two options that the model cannot tell apart, by their indices. */
export interface Collision {
  readonly first: number;
  readonly second: number;
}

/**
 * Finds the tokens that tell options apart: each is encoded with the whole line around it, since what stands beside a word changes
 * its tokens; what all lines begin and end with is pinned, and the rest is the slot, never empty.
 *
 * @param lines the line as it reads with each option, at least one
 */
export function planOptions(lines: readonly string[], encode: Encode): OptionPlan | Collision {
  const encoded = lines.map((line) => encode(line));
  const collision = firstCollision(encoded);
  if (collision !== undefined) return collision;
  const shortest = Math.min(...encoded.map((tokens) => tokens.length));
  if (shortest === 0) throw new RangeError("a line without tokens has no slot");
  // One position at least stays for the slot of the shortest line, whatever its neighbours share with it.
  const before = sharedLength(encoded, shortest - 1, (tokens, index) => tokens[index]);
  const after = sharedLength(encoded, shortest - 1 - before, (tokens, index) =>
    tokens.at(-1 - index),
  );
  const groups = Map.groupBy(
    encoded.map((tokens, index) => ({
      index,
      tokens: tokens.slice(before, tokens.length - after),
    })),
    ({ tokens }) => tokens.length,
  );
  const [first = []] = encoded;
  return {
    before: first.slice(0, before),
    after: first.slice(first.length - after),
    groups: [...groups]
      .map(([length, options]) => ({ length, options }))
      .sort((one, other) => one.length - other.length),
  };
}

/**
 * Puts whole texts into one canvas, each with the end of the answer behind it: then texts of any length are compared there, and how
 * likely the model is to say no more is part of how likely each is.
 */
export function endedOptions(
  texts: readonly string[],
  encode: Encode,
  ending: readonly number[],
): OptionGroup | Collision {
  const options = texts.map((text, index) => ({ index, tokens: [...encode(text), ...ending] }));
  const tokens = options.map((option) => option.tokens);
  const length = Math.max(...tokens.map((one) => one.length));
  return firstCollision(tokens) ?? { length, options };
}

function sharedLength(
  encoded: readonly (readonly number[])[],
  most: number,
  at: (tokens: readonly number[], index: number) => number | undefined,
): number {
  const [first = []] = encoded;
  let length = 0;
  while (length < most && encoded.every((tokens) => at(tokens, length) === at(first, length)))
    length += 1;
  return length;
}

function firstCollision(encoded: readonly (readonly number[])[]): Collision | undefined {
  const seen = new Map<string, number>();
  for (const [second, tokens] of encoded.entries()) {
    const key = tokens.join();
    const first = seen.get(key);
    if (first !== undefined) return { first, second };
    seen.set(key, second);
  }
  return undefined;
}
