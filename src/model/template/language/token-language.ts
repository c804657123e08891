import { type Automaton, DEAD, run } from "./regular.ts";

/** The bytes that a token stands for; undefined of a special token, which is no text. */
export type TokenBytes = (token: number) => Uint8Array | undefined;

/** A stretch of a canvas that may hold a string of a regular language and nothing else, filled up behind it with one token. */
export interface HoleLanguage {
  readonly automaton: Automaton;
  /** Stands at every position behind the string. */
  readonly filler: number;
  readonly bytesOf: TokenBytes;
}

/** Reads a hole token by token: as its automaton, with one more state for what has been filled up. */
export class TokenReader {
  readonly start: number;
  readonly states: number;
  readonly #language: HoleLanguage;
  readonly #filled: number;

  constructor(language: HoleLanguage) {
    this.#language = language;
    this.start = language.automaton.start;
    this.#filled = language.automaton.states;
    this.states = this.#filled + 1;
  }

  /** Returns the state after a token, `DEAD` if no string of the hole goes on like that. */
  step(state: number, token: number): number {
    const { automaton, filler, bytesOf } = this.#language;
    if (token === filler) return this.accepts(state) ? this.#filled : DEAD;
    if (state === this.#filled) return DEAD;
    const bytes = bytesOf(token);
    // A token without bytes would leave the state as it is and could be written for ever.
    return bytes === undefined || bytes.length === 0 ? DEAD : run(automaton, state, bytes);
  }

  /** Says whether the hole may end here. */
  accepts(state: number): boolean {
    return state === this.#filled || this.#language.automaton.accepts(state);
  }
}
