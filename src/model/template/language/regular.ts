/** A set of byte strings, written as it would be in a regular expression. */
export type Expression =
  | { readonly kind: "byte"; readonly ranges: readonly ByteSpan[] }
  | { readonly kind: "sequence"; readonly parts: readonly Expression[] }
  | { readonly kind: "any_of"; readonly parts: readonly Expression[] }
  | { readonly kind: "repeat"; readonly part: Expression };

/** Both ends belong to it, 0 … 255. */
export type ByteSpan = readonly [from: number, to: number];

/** One byte out of these. */
export function byte(...ranges: readonly ByteSpan[]): Expression {
  return { kind: "byte", ranges };
}

/** Exactly this text, in UTF-8. */
export function literal(text: string): Expression {
  const bytes = new TextEncoder().encode(text);
  return sequence(...Array.from(bytes, (value) => byte([value, value])));
}

/** One after the other; of nothing it is the empty string. */
export function sequence(...parts: readonly Expression[]): Expression {
  return { kind: "sequence", parts };
}

/** One of them; of nothing it is no string at all. */
export function anyOf(...parts: readonly Expression[]): Expression {
  return { kind: "any_of", parts };
}

/** As often as one likes, or not at all. */
export function repeated(part: Expression): Expression {
  return { kind: "repeat", part };
}

/** With it or without it. */
export function maybe(part: Expression): Expression {
  return anyOf(sequence(), part);
}

/** `count` times. */
export function times(count: number, part: Expression): Expression {
  return sequence(...new Array<Expression>(count).fill(part));
}

/** The state from which no string of the language can be reached any more. */
export const DEAD = -1;

/**
 * A deterministic automaton that reads bytes. Every state but `DEAD` can still be led to an accepting one, so a string that is not
 * dead can always be finished.
 */
export interface Automaton {
  /** Where reading begins; `DEAD` of the empty language. */
  readonly start: number;
  readonly states: number;
  /** Returns the state after one byte, 0 … 255. */
  step(state: number, byte: number): number;
  /** Says whether the bytes read so far are a string of the language. */
  accepts(state: number): boolean;
}

/** Returns the state after bytes have been read. */
export function run(automaton: Automaton, from: number, bytes: Iterable<number>): number {
  let state = from;
  for (const value of bytes) {
    if (state === DEAD) return DEAD;
    state = automaton.step(state, value);
  }
  return state;
}

/** More states than this mean that an expression was written carelessly: the widest of ours, a date and time, has some 60. */
export const MAX_STATES = 10_000;

/**
 * Builds the automaton of an expression by Thompson's and the subset construction, without the states that lead nowhere.
 * Throws RangeError if it would have more than `MAX_STATES`. Source: Aho, Lam, Sethi, Ullman, Compilers, §3.7.
 */
export function compile(expression: Expression): Automaton {
  const parts = new Thompson();
  const end = parts.state();
  const start = parts.build(expression, end);
  return withoutDeadEnds(subsets(parts, start, end));
}

/** States joined by bytes and by nothing; built from the end, so that each part knows where it leads. */
class Thompson {
  readonly free: number[][] = [];
  readonly edges: { readonly ranges: readonly ByteSpan[]; readonly to: number }[][] = [];

  state(): number {
    this.free.push([]);
    return this.edges.push([]) - 1;
  }

  /** Returns a state from which the expression's strings lead to `to`. */
  build(expression: Expression, to: number): number {
    switch (expression.kind) {
      case "byte": {
        const from = this.state();
        this.edges[from]!.push({ ranges: expression.ranges, to });
        return from;
      }
      case "sequence":
        return expression.parts.reduceRight((next, part) => this.build(part, next), to);
      case "any_of": {
        const from = this.state();
        for (const part of expression.parts) this.free[from]!.push(this.build(part, to));
        return from;
      }
      case "repeat": {
        const from = this.state();
        this.free[from]!.push(this.build(expression.part, from), to);
        return from;
      }
      default:
        return expression satisfies never;
    }
  }

  /** All states that are reached without reading anything, ascending. */
  closure(states: Iterable<number>): number[] {
    const reached = new Set(states);
    for (const state of reached) for (const next of this.free[state]!) reached.add(next);
    return [...reached].sort((a, b) => a - b);
  }
}

interface Table {
  /** Next state by state and byte [states, 256]; `DEAD` where there is none. */
  readonly next: readonly Int32Array[];
  readonly accepting: readonly boolean[];
}

function subsets(parts: Thompson, start: number, end: number): Table {
  const numbers = new Map<string, number>();
  const members: number[][] = [];
  const numberOf = (states: number[]): number => {
    const key = states.join();
    const known = numbers.get(key);
    if (known !== undefined) return known;
    if (members.length === MAX_STATES) throw new RangeError(`more than ${MAX_STATES} states`);
    numbers.set(key, members.length);
    return members.push(states) - 1;
  };
  numberOf(parts.closure([start]));
  const next: Int32Array[] = [];
  for (let state = 0; state < members.length; state++) {
    const row = new Int32Array(256).fill(DEAD);
    const edges = members[state]!.flatMap((member) => parts.edges[member]!);
    for (let value = 0; value < 256; value++) {
      const to = edges.filter(({ ranges }) => isWithin(ranges, value)).map((edge) => edge.to);
      if (to.length > 0) row[value] = numberOf(parts.closure(to));
    }
    next.push(row);
  }
  return { next, accepting: members.map((states) => states.includes(end)) };
}

function isWithin(ranges: readonly ByteSpan[], value: number): boolean {
  return ranges.some(([from, to]) => from <= value && value <= to);
}

function withoutDeadEnds({ next, accepting }: Table): Automaton {
  const alive = accepting.slice();
  for (let grows = true; grows; ) {
    grows = false;
    for (const [state, row] of next.entries()) {
      if (alive[state] || !row.some((to) => to !== DEAD && alive[to])) continue;
      alive[state] = true;
      grows = true;
    }
  }
  const isAlive = (state: number): boolean => alive[state] === true;
  const rows = next.map((row) => row.map((to) => (isAlive(to) ? to : DEAD)));
  return {
    start: isAlive(0) ? 0 : DEAD,
    states: rows.length,
    step: (state, value) => rows[state]?.[value] ?? DEAD,
    accepts: (state) => accepting[state] === true,
  };
}
