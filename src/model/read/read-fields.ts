import type { FieldReading } from "#domain/field-reading.ts";
import type { Field, NamedField } from "#domain/fields.ts";
import type { ChunkWinners } from "#domain/reading/lines.ts";
import type { Tensor } from "#domain/tensor.ts";
import type { RefreshRule } from "../decode/refresh.ts";
import type { Engine } from "../engine.ts";
import { closedPasses, type Read, type Template } from "../template/template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { FieldReader } from "./field-reader.ts";
import type { SlotScores } from "./slots.ts";
import { fillPasses, widened } from "./writing.ts";

/** What fields are read with. */
export interface ReadTools {
  readonly engine: Engine;
  readonly tokenizer: Pick<Tokenizer, "bytesOf" | "decode">;
  /** Asks a read's question about the pictures: the prompt's vectors [p, D]. */
  readonly promptOf: (question: string, signal: AbortSignal) => Promise<Tensor>;
  /** Makes the read that decides between the best of chunks of options (`buildFinal`). */
  readonly finalOf: (winners: readonly ChunkWinners[]) => Template;
  /**
   * The scores of a read's slots, in their order, with a picture that shows nothing: what the words are worth without looking. They hang on template and
   * weights alone, so whoever supplies them keeps them. Absent: nothing is taken off.
   */
  readonly neutral?: (read: Read, signal: AbortSignal) => Promise<readonly SlotScores[]>;
  /** Stands in a hole behind what is written. */
  readonly filler: number;
}

/** How what is written may be written. */
export interface WriteTerms {
  /** Passes that fill the holes of one canvas, at least 1; never more than its longest hole has positions. */
  readonly openPasses: number;
  /** Whether a text that was cut off is written once more, with twice the room, where a canvas of so many positions holds it. Absent: it stays. */
  readonly widensTo?: number;
}

/** On which terms they are read. */
export interface ReadTerms extends WriteTerms {
  /** A guess that is less likely is no value, 0 … 1; 0 takes every guess. */
  readonly abstainBelow: number;
  /** When the prompt is computed anew between passes that write. A pass that reads slots is always a whole one. */
  readonly refresh: RefreshRule;
  /** What a field's scores are divided by before they are compared; absent: 1. */
  readonly temperatureOf?: (field: Field) => number;
}

/** What happens while fields are read. */
export type ReadEvent =
  /** A field is known, and stays so. */
  | { readonly kind: "field.completed"; readonly field: number; readonly reading: FieldReading }
  /** Nothing more is read. */
  | {
      readonly kind: "read.ended";
      /** By field; undefined where the deadline came before. */
      readonly readings: readonly (FieldReading | undefined)[];
      /** That ran to their end. */
      readonly forwardPasses: number;
    };

/** Passes that reading fields takes at most, known before any of them runs; those of `neutral` are not among them. */
export function mostPasses(
  fields: readonly NamedField[],
  { reads }: Template,
  terms: WriteTerms,
): number {
  const places = reads.flatMap(({ lines }) => lines.flatMap(({ place }) => place ?? []));
  const isChunked = places.some(({ role }) => role.of === "chunk");
  const passes = reads.map((read) => {
    const wider = widened(read, terms, (hole) => isText(fields[hole.field]?.field));
    const again = wider === undefined ? 0 : fillPasses(wider, terms);
    return closedPasses(read) + fillPasses(read, terms) + again;
  });
  // What decides between chunks has a letter for each.
  return passes.reduce((sum, count) => sum + count, isChunked ? 1 : 0);
}

function isText(field: Field | undefined): boolean {
  return field?.type === "text" || (field?.type === "list" && field.items.type === "text");
}

/**
 * Reads fields off pictures: all slots of a canvas in one pass, the winners of chunks in another, then what is written. Each field is told as soon as it is
 * known. Equal inputs give equal readings. When `deadline` is aborted the pass under way is given up and what is known is told; the
 * reason of an aborted `signal` is thrown.
 */
export async function* readFields(
  fields: readonly NamedField[],
  template: Template,
  tools: ReadTools,
  terms: ReadTerms,
  signal: AbortSignal,
  deadline: AbortSignal = never,
): AsyncGenerator<ReadEvent, void, undefined> {
  const reader = new FieldReader(fields, tools, terms, AbortSignal.any([signal, deadline]));
  try {
    for (const read of template.reads) {
      yield* reader.closed(read);
      yield* reader.open(read);
    }
    yield* reader.final();
  } catch (cause) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw cause;
  }
  yield reader.end();
}

const never: AbortSignal = new AbortController().signal;
