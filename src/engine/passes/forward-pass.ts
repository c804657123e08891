import type { Architecture } from "#domain/architecture.ts";
import type { Shape } from "#domain/tensor.ts";
import {
  type AskedLogits,
  type ColumnRule,
  type ForwardPass,
  MAX_ASKED,
  MAX_BEST,
  MAX_ROW_CLASSES,
  type PrefixUse,
  type RowClasses,
} from "#model/engine.ts";

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
  const { classes, asked, best } = pass;
  if (classes !== undefined) checkClasses(classes, suppressed, rows.length, columns);
  if (asked !== undefined) checkAsked(asked, rows.length, columns);
  if (best !== undefined && !isIndex(best - 1, MAX_BEST))
    throw new RangeError(`the ${best} likeliest tokens of a row, at most ${MAX_BEST}`);
}

function checkClasses(
  { columns: rules, ofRows }: RowClasses,
  suppressed: readonly number[],
  rows: number,
  columns: number,
): void {
  if (rules.length > MAX_ROW_CLASSES)
    throw new RangeError(`${rules.length} classes of rows, at most ${MAX_ROW_CLASSES}`);
  if (ofRows.length !== rows)
    throw new RangeError(`${ofRows.length} rows have a class, expected ${rows}`);
  const stray = ofRows.find((index) => !isIndex(index, rules.length));
  if (stray !== undefined) throw new RangeError(`there is no class ${stray} of rows`);
  for (const [index, rule] of rules.entries()) {
    const named = "only" in rule ? rule.only : rule.not;
    const outside = named.find((id) => !isIndex(id, columns));
    if (outside !== undefined) throw new RangeError(`column ${outside} is outside the logits`);
    if (leavesNone(rule, suppressed, columns))
      throw new RangeError(`class ${index} of rows leaves no column to choose`);
  }
}

function leavesNone(rule: ColumnRule, suppressed: readonly number[], columns: number): boolean {
  const gone = new Set(suppressed.filter((id) => id < columns));
  if ("only" in rule) return rule.only.every((id) => gone.has(id));
  for (const id of rule.not) gone.add(id);
  return gone.size >= columns;
}

function checkAsked({ rows: places, tokens }: AskedLogits, rows: number, columns: number): void {
  if (places.length !== tokens.length)
    throw new RangeError(`${places.length} rows are asked for ${tokens.length} tokens`);
  if (places.length > MAX_ASKED)
    throw new RangeError(`${places.length} logits are asked for, at most ${MAX_ASKED}`);
  for (const [index, row] of places.entries()) {
    const token = tokens[index] ?? -1;
    if (!isIndex(row, rows) || !isIndex(token, columns))
      throw new RangeError(`there is no logit of token ${token} in row ${row}`);
  }
}

function isIndex(value: number, size: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < size;
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
