import type { FieldFault } from "../check-fields.ts";
import { type AnswersField, asOpen, FIELD_LIMITS, type Field, type NamedField } from "../fields.ts";
import type { ReadOrder } from "../question.ts";
import type { ReadStyle, SentenceStyle } from "../read-style.ts";
import { ok, type Result, refuse } from "../result.ts";
import { utf8Length } from "../utf8-length.ts";
import {
  type AskedLine,
  askedLines,
  type ChunkWinners,
  chunksOf,
  finalLines,
  holdsOptions,
  LETTERS,
  linesQuestion,
  optionTexts,
} from "./lines.ts";
import { openWidth } from "./open-width.ts";
import { checkSentences, sentenceQuestion, sentencesOf } from "./sentences.ts";

/**
 * What reading takes at most, known without the model's tokenizer: a token is at least a byte, so bytes bound tokens. Whoever has
 * the tokenizer refuses what would take more.
 */
export interface ReadPlan {
  /** Positions of the longest canvas. */
  readonly canvas: number;
  /** Passes of all canvases. */
  readonly passes: number;
  /** In the order in which they are read. */
  readonly reads: readonly PlannedRead[];
}

/** A prompt and the canvas behind it. */
export interface PlannedRead {
  /** UTF-8 bytes that the prompt has besides what the caller says about the pictures. */
  readonly questionBytes: number;
  readonly canvas: number;
  /** Whole passes that read what stands in slots. */
  readonly closed: number;
  /** Passes of each time that holes are filled; the second is that of texts which were cut off. */
  readonly fills: readonly number[];
}

/** Positions of what a model ends an answer with. */
export const ENDING_POSITIONS = 2;

/** Behind what the caller says about the pictures. */
const SEPARATOR_BYTES = 2;

/**
 * Plans what fields take, once they are checked (`checkNamedFields`). Refuses fields that this model cannot be asked for, and more than
 * it has room for as far as that can be seen.
 * @param canvasLimit positions of the longest canvas that the model takes
 */
export function readPlan(
  order: ReadOrder,
  style: ReadStyle,
  canvasLimit: number,
): Result<ReadPlan, FieldFault> {
  const reads = readsOf(order, style);
  if (!reads.ok) return reads;
  const least = Math.max(...reads.value.map(({ holes }) => sum(holes.map(({ width }) => width))));
  if (least > canvasLimit) {
    const problem = `what is written takes ${least} tokens of a canvas, and this model has ${canvasLimit}: send fewer such fields, or shorter ones`;
    return refuse({ kind: "too_large", pointer: "", problem });
  }
  const planned = reads.value.map((read) => withFills(read, order, canvasLimit));
  const passes = sum(planned.map(({ closed, fills }) => closed + sum(fills)));
  if (passes > FIELD_LIMITS.passes) {
    const problem = `the fields may take ${passes} passes, and ${FIELD_LIMITS.passes} are the most: send fewer, or a lower passes`;
    return refuse({ kind: "too_large", pointer: "", problem });
  }
  return ok({ canvas: Math.max(...planned.map(({ canvas }) => canvas)), passes, reads: planned });
}

/** A canvas before it is known in how many passes its holes are filled. */
interface AskedRead extends Omit<PlannedRead, "fills"> {
  readonly holes: readonly { readonly width: number; readonly isText: boolean }[];
}

function withFills(
  { holes, ...read }: AskedRead,
  { openPasses = FIELD_LIMITS.passes, onTruncate }: ReadOrder,
  canvasLimit: number,
): PlannedRead {
  const most = (widths: readonly number[]): number => Math.min(openPasses, Math.max(0, ...widths));
  const first = most(holes.map(({ width }) => width));
  const texts = holes.filter(({ isText }) => isText);
  const isWidened = onTruncate === "widen" && texts.length > 0;
  const again = most(holes.map(({ width, isText }) => (isText ? 2 * width : width)));
  const added = isWidened ? sum(texts.map(({ width }) => width)) : 0;
  return {
    ...read,
    canvas: Math.min(canvasLimit, read.canvas + added),
    fills: [...(first === 0 ? [] : [first]), ...(isWidened ? [again] : [])],
  };
}

function readsOf(
  { fields }: ReadOrder,
  style: ReadStyle,
): Result<readonly AskedRead[], FieldFault> {
  const [{ field } = { field: undefined }] = fields;
  if (field?.type === "answers") return ok([answersRead(field)]);
  switch (style.style) {
    case "lines":
      return ok(linesReads(fields));
    case "sentence": {
      const checked = checkSentences(fields);
      return checked.ok ? ok(fields.map((each) => sentenceRead(each.field, style))) : checked;
    }
    default:
      return style satisfies never;
  }
}

function linesReads(fields: readonly NamedField[]): AskedRead[] {
  const lines = askedLines(fields);
  const chunked = longestWinners(fields);
  return [
    linesRead(lines),
    ...(chunked.length === 0 ? [] : [linesRead(finalLines(fields, chunked))]),
  ];
}

function linesRead(lines: readonly AskedLine[]): AskedRead {
  // Letters say more than words do.
  const spelled = lines.map(({ otherwise, ...line }) => ({ ...line, ...otherwise }));
  const questionBytes = promptBytes(linesQuestion("", spelled)) + SEPARATOR_BYTES;
  const canvas = sum(lines.map(lineLength));
  const closed = Math.max(0, ...lines.map(({ holds }) => lettersPasses(holds)));
  return { questionBytes, canvas, closed, holes: lines.flatMap(({ holds }) => holeOf(holds)) };
}

function lineLength({ label, holds }: AskedLine): number {
  if (!holdsOptions(holds)) return utf8Length(`${label}:\n`) + openWidth(holds);
  return utf8Length(`${label}: \n`) + Math.max(...holds.map(utf8Length));
}

/**
 * Letters, and yes and no, are one token each, or as many each, whatever the tokenizer: no model is asked in lines of which that is not
 * so. Numbers have as many lengths as the longest has digits.
 */
function lettersPasses(holds: AskedLine["holds"]): number {
  if (!holdsOptions(holds)) return 0;
  const isNumbers = holds.every((option) => /^-?[0-9]+$/.test(option));
  return isNumbers ? Math.min(holds.length, Math.max(...holds.map(utf8Length))) : 1;
}

function holeOf(holds: AskedLine["holds"]): AskedRead["holes"] {
  return holdsOptions(holds) ? [] : [{ width: openWidth(holds), isText: holds.type === "text" }];
}

/** Of each field that is cut into chunks the longest option of each: no other winners ask for more. */
function longestWinners(fields: readonly NamedField[]): readonly ChunkWinners[] {
  return fields.flatMap(({ field }, index) => {
    if (field.type !== "choice" && field.type !== "score") return [];
    const bytes = optionTexts(field).map(utf8Length);
    if (bytes.length <= LETTERS.length) return [];
    const winners = chunksOf(bytes.length).map(({ from, to }) =>
      bytes.indexOf(Math.max(...bytes.slice(from, to)), from),
    );
    return [{ field: index, winners }];
  });
}

/** What a thing's article adds: "an ". */
const ARTICLE_BYTES = 3;

function sentenceRead(field: Field, style: SentenceStyle): AskedRead {
  const questionBytes = promptBytes(sentenceQuestion("", field)) + SEPARATOR_BYTES;
  const open = asOpen(field);
  if (open !== undefined) {
    const width = openWidth(open);
    const holes = [{ width, isText: open.type === "text" }];
    return { questionBytes, canvas: width + ENDING_POSITIONS, closed: 0, holes };
  }
  const sentences = sentencesOf(field, { style, things: [] });
  const longest = Math.max(...sentences.map(promptBytes)) + ARTICLE_BYTES;
  return { questionBytes, canvas: longest + ENDING_POSITIONS, closed: 1, holes: [] };
}

function answersRead(field: AnswersField): AskedRead {
  const { answers, method, canvas } = field;
  const lengths = answers.map((answer) => promptBytes(answer) + ENDING_POSITIONS);
  const longest = Math.max(...lengths);
  const questionBytes = promptBytes(sentenceQuestion("", field)) + SEPARATOR_BYTES;
  const taken = lengths.map((length) => Math.min(length, canvas ?? longest));
  const closed = method === "chain" ? sum(taken) : 1;
  return { questionBytes, canvas: canvas ?? longest, closed, holes: [] };
}

/** How a special token begins; the invisible character of three bytes that a prompt breaks it with. */
const SPECIAL_BEGINS = /[<[]/g;
const BREAK_BYTES = 3;

/** UTF-8 bytes of a caller's text once no special token is spelled in it. */
function promptBytes(text: string): number {
  return utf8Length(text) + BREAK_BYTES * (text.match(SPECIAL_BEGINS) ?? []).length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
