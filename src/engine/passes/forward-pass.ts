import type { Architecture } from "#domain/architecture.ts";
import type { Shape } from "#domain/tensor.ts";
import type { ForwardPass, PrefixUse } from "#model/engine.ts";

/** Throws a RangeError that says what is wrong if a pass does not fit the architecture: a bug of the caller. */
export function checkForwardPass(architecture: Architecture, pass: ForwardPass): void {
  const { embeddingsSD, prefix, rows, suppressed, noiseRV, guidance } = pass;
  const [length = 0] = embeddingsSD.shape;
  const expected = [length, architecture.language.hiddenSize];
  checkShape("embeddings", embeddingsSD.shape, expected);
  if (guidance !== undefined) {
    checkShape("unconditional embeddings", guidance.unconditionalSD.shape, expected);
  }
  if (prefix !== undefined) checkPrefix(prefix, rows, length);
  if (rows.length === 0) throw new RangeError("a pass asks for no rows");
  let previous = -1;
  for (const row of rows) {
    if (!Number.isInteger(row) || row <= previous || row >= length) {
      throw new RangeError(
        `row ${row} after ${previous} is not ascending inside ${length} positions`,
      );
    }
    previous = row;
  }
  const columns = architecture.logitsColumns;
  for (const id of suppressed) {
    if (!Number.isInteger(id) || id < 0 || id >= architecture.language.vocabSize) {
      throw new RangeError(`suppressed id ${id} is outside the vocabulary`);
    }
  }
  if (noiseRV !== undefined && noiseRV.length !== rows.length * columns) {
    throw new RangeError(`noise has ${noiseRV.length} numbers, expected ${rows.length * columns}`);
  }
}

function checkPrefix(
  { length, refresh }: PrefixUse,
  [firstRow = 0]: readonly number[],
  size: number,
): void {
  if (!Number.isInteger(length) || length < 0 || length >= size) {
    throw new RangeError(`a prefix of ${length} positions in a sequence of ${size}`);
  }
  if (refresh !== "whole" && firstRow < length) {
    throw new RangeError(`row ${firstRow} lies in the prefix of ${length}, which is not computed`);
  }
}

function checkShape(what: string, actual: Shape, expected: Shape): void {
  if (actual.join() === expected.join() && expected.every((size) => size > 0)) return;
  throw new RangeError(`${what} have shape [${actual}], expected [${expected}]`);
}
