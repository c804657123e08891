import type { Tokenizer } from "./tokenizer.ts";

/**
 * Reads the text of a canvas that may have holes: runs of tokens between masks are decoded each for itself, holes and
 * special tokens leave nothing. A UTF-8 character of which pieces are missing reads as U+FFFD.
 */
export function canvasText(
  ids: readonly number[],
  maskToken: number,
  tokenizer: Tokenizer,
): string {
  return runs(ids, maskToken)
    .map((run) => tokenizer.decode(run))
    .join("");
}

/**
 * Splits the text of a canvas into what each token adds to it, so that the pieces in order are the text.
 * Where a character is spread over several tokens, the last of them carries it and the others read "".
 */
export function textPieces(
  ids: readonly number[],
  maskToken: number,
  tokenizer: Tokenizer,
): string[] {
  const pieces: string[] = [];
  let pending: number[] = [];
  for (const [index, id] of ids.entries()) {
    if (id === maskToken) {
      pieces.push("");
      continue;
    }
    pending.push(id);
    const text = tokenizer.decode(pending);
    const next = ids[index + 1];
    const isComplete = !text.endsWith("\uFFFD") || next === undefined || next === maskToken;
    pieces.push(isComplete ? text : "");
    if (isComplete) pending = [];
  }
  return pieces;
}

function runs(ids: readonly number[], maskToken: number): number[][] {
  const found: number[][] = [];
  let current: number[] | undefined;
  for (const id of ids) {
    if (id === maskToken) {
      current = undefined;
    } else if (current === undefined) {
      current = [id];
      found.push(current);
    } else {
      current.push(id);
    }
  }
  return found;
}
