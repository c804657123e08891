import { type Automaton, DEAD, run } from "../template/language/regular.ts";
import type { TokenBytes } from "../template/language/token-language.ts";

/** Threat: a language of text has nearly all tokens, each of which would be asked at each of its positions. Those of digits have some hundred. */
const MAX_ALPHABET = 2048;

/**
 * Lists the tokens that can stand somewhere in a string of a language, ascending; undefined where they are more than can all be asked:
 * then the likeliest are.
 * @param columns tokens that may be written are below this
 */
export function alphabetOf(
  automaton: Automaton,
  bytesOf: TokenBytes,
  columns: number,
): readonly number[] | undefined {
  const states = Array.from({ length: automaton.states }, (_, state) => state);
  const isFirst = Array.from({ length: 256 }, (_, value) =>
    states.some((state) => automaton.step(state, value) !== DEAD),
  );
  const alphabet: number[] = [];
  for (let token = 0; token < columns; token++) {
    const bytes = bytesOf(token);
    const [first] = bytes ?? [];
    if (bytes === undefined || first === undefined || isFirst[first] !== true) continue;
    if (!states.some((state) => run(automaton, state, bytes) !== DEAD)) continue;
    if (alphabet.length === MAX_ALPHABET) return undefined;
    alphabet.push(token);
  }
  return alphabet;
}
