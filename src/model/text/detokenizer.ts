import type { Tokenizer } from "./tokenizer.ts";

/** What a canvas is read with. */
export interface PieceTools {
  readonly tokenizer: Pick<Tokenizer, "decode">;
  readonly mask: number;
  /** Ids that end an answer. */
  readonly ends: readonly number[];
}

/** Reads the tokens of a canvas: what each adds to the text, undefined where nothing is written yet. */
export type PieceReader = (ids: ArrayLike<number>) => (string | undefined)[];

/** Stands for bytes that are no character, or not yet. */
export const BROKEN = "\uFFFD";

/**
 * Makes a reader of canvases. The pieces in order are the text. Special tokens add nothing. Where a character is spread
 * over several tokens, the last of them carries it and the others read ""; bytes that never become a character read as
 * U+FFFD. Nothing is read across a hole or an end of the answer, so a piece beside a hole may read otherwise once it is filled.
 */
export function createPieceReader({ tokenizer, mask, ends }: PieceTools): PieceReader {
  // A canvas is read after every step, and nearly all of its tokens stand for whole characters.
  const alone = new Map<number, string>();
  const decode = (ids: readonly number[]): string => {
    const [id] = ids;
    if (ids.length !== 1 || id === undefined) return tokenizer.decode(ids);
    const text = alone.get(id) ?? tokenizer.decode(ids);
    alone.set(id, text);
    return text;
  };
  const isBoundary = (id: number): boolean => id === mask || ends.includes(id);
  return (ids) => {
    let pending: number[] = [];
    let told = "";
    return Array.from(ids, (id, index) => {
      if (id === mask) return undefined;
      const own = decode([id]);
      // Special tokens are no text, and part neither what stands around them.
      if (own !== "") pending.push(id);
      const text = decode(pending);
      const next = ids[index + 1];
      const isLast = ends.includes(id) || next === undefined || isBoundary(next);
      const isOpen = text.endsWith(BROKEN) && !isLast;
      const known = isOpen ? text.slice(0, -1) : text;
      const piece = known.slice(told.length);
      if (!isOpen) [pending, told] = [[], ""];
      else if (own.endsWith(BROKEN) && decode(pending.slice(0, -1)) + own === text) {
        // What no later token can mend is left behind, or junk would be decoded again with every token after it.
        [pending, told] = [[id], own.slice(0, -1)];
      } else told = known;
      return piece;
    });
  };
}
