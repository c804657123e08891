import type { Field, NamedField } from "#domain/fields.ts";
import type { Tensor } from "#domain/tensor.ts";
import type { RefreshRule } from "../decode/refresh.ts";
import type { Engine } from "../engine.ts";
import type { ChunkWinners } from "../template/lines.ts";
import { closedPasses, type Read, type Template } from "../template/template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import {
  compared,
  countOf,
  type FieldEvidence,
  type FieldReading,
  isNeeded,
  isPresent,
  optionTokens,
  readField,
} from "./field-reading.ts";
import { fillHoles, type HoleString, type OpenHole } from "./holes.ts";
import { readSlots, type SlotScores } from "./slots.ts";

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

/** On which terms they are read. */
export interface ReadTerms {
  /** A guess that is less likely is no value, 0 … 1; 0 takes every guess. */
  readonly abstainBelow: number;
  /** Passes that fill the holes of one canvas, at least 1; never more than its longest hole has positions. */
  readonly openPasses: number;
  /** When the prompt is computed anew between them. A pass that reads slots is always a whole one. */
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
      readonly forwardPasses: number;
    };

/** Passes that reading fields takes at most, known before any of them runs; those of `neutral` are not among them. */
export function mostPasses({ reads }: Template, openPasses: number): number {
  const places = reads.flatMap(({ lines }) => lines.flatMap(({ place }) => place ?? []));
  const isChunked = places.some(({ role }) => role.of === "chunk");
  const passes = reads.map((read) => closedPasses(read) + fillPasses(read, openPasses));
  // What decides between chunks has a letter for each.
  return passes.reduce((sum, count) => sum + count, isChunked ? 1 : 0);
}

function fillPasses({ lines }: Read, openPasses: number): number {
  const widths = lines.map(({ place }) => (place?.kind === "hole" ? place.width : 0));
  return Math.min(openPasses, Math.max(0, ...widths));
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
  const reading = new Reading(fields, tools, terms, AbortSignal.any([signal, deadline]));
  try {
    for (const read of template.reads) {
      yield* reading.closed(read);
      yield* reading.open(read);
    }
    yield* reading.final();
  } catch (cause) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw cause;
  }
  yield reading.end();
}

const never: AbortSignal = new AbortController().signal;

/** One set of fields while it is read. */
class Reading {
  readonly #fields: readonly NamedField[];
  readonly #tools: ReadTools;
  readonly #terms: ReadTerms;
  readonly #signal: AbortSignal;
  readonly #slots: FieldEvidence["slots"][number][] = [];
  readonly #strings: HoleString[] = [];
  readonly #readings: (FieldReading | undefined)[];
  #prompt: Tensor | undefined;
  #passes = 0;

  constructor(
    fields: readonly NamedField[],
    tools: ReadTools,
    terms: ReadTerms,
    signal: AbortSignal,
  ) {
    this.#fields = fields;
    this.#tools = tools;
    this.#terms = terms;
    this.#signal = signal;
    this.#readings = fields.map(() => undefined);
  }

  /** Reads a canvas's slots, and tells the fields that need no more. */
  async *closed(read: Read): AsyncGenerator<ReadEvent, void, undefined> {
    const { engine, neutral, promptOf } = this.#tools;
    const prompt = await promptOf(read.question, this.#signal);
    this.#prompt = prompt;
    const passes = closedPasses(read);
    const scored = await readSlots(engine, read, prompt, this.#signal);
    const biases = passes === 0 ? undefined : await neutral?.(read, this.#signal);
    this.#passes += passes;
    for (const [index, scores] of scored.entries()) {
      const bias = biases?.[index]?.scores;
      this.#slots.push({ ...scores, ...(bias === undefined ? {} : { bias }) });
    }
    const places = read.lines.flatMap(({ place }) => place ?? []);
    const unfinished = places.filter(({ kind, role }) => kind === "hole" || role.of === "chunk");
    const open = new Set(unfinished.map(({ field }) => field));
    for (const field of new Set(places.map((place) => place.field)))
      if (!open.has(field)) yield this.#tell(field);
  }

  /** Fills a canvas's holes with its slots as they were read, and tells their fields. */
  async *open(read: Read): AsyncGenerator<ReadEvent, void, undefined> {
    const { ids, holes } = this.#layOut(read);
    if (holes.length > 0 && this.#prompt !== undefined) {
      const { engine, tokenizer, filler } = this.#tools;
      const bytesOf = (token: number): Uint8Array | undefined => tokenizer.bytesOf(token);
      const { refresh, openPasses } = this.#terms;
      const terms = { filler, bytesOf, refresh, passes: fillPasses(read, openPasses) };
      const filled = await fillHoles(engine, this.#prompt, ids, holes, terms, this.#signal);
      this.#passes += filled.passes;
      this.#strings.push(...filled.strings);
    }
    const written = read.lines.flatMap(({ place }) =>
      place?.kind === "hole" ? [place.field] : [],
    );
    for (const field of new Set(written)) yield this.#tell(field);
  }

  /** Reads which of the chunks' winners it is, of fields with more options than a slot has letters. */
  async *final(): AsyncGenerator<ReadEvent, void, undefined> {
    const chunked = this.#chunked();
    if (chunked.length === 0) return;
    for (const read of this.#tools.finalOf(chunked).reads) yield* this.closed(read);
  }

  end(): ReadEvent {
    return { kind: "read.ended", readings: this.#readings, forwardPasses: this.#passes };
  }

  #tell(field: number): ReadEvent {
    const reading = readField(this.#fieldAt(field), this.#evidenceOf(field), {
      abstainBelow: this.#terms.abstainBelow,
      temperature: this.#temperatureOf(field),
      filler: this.#tools.filler,
      decode: (tokens) => this.#tools.tokenizer.decode(tokens),
    });
    this.#readings[field] = reading;
    return { kind: "field.completed", field, reading };
  }

  /** The best of each chunk, by its index among all options of its field. */
  #chunked(): readonly ChunkWinners[] {
    const chunks = this.#slots.filter(({ slot: { role } }) => role.of === "chunk");
    const byField = Map.groupBy(chunks, ({ slot }) => slot.field);
    return [...byField].map(([field, slots]) => {
      let before = 0;
      const winners = slots.map((slot) => {
        const winner = before + compared(slot, this.#temperatureOf(field)).best;
        before += slot.slot.options;
        return winner;
      });
      return { field, winners };
    });
  }

  /** The canvas with what was read in its slots, and masks in the holes that are needed. */
  #layOut({ lines }: Read): {
    readonly ids: readonly number[];
    readonly holes: readonly OpenHole[];
  } {
    const { engine, filler } = this.#tools;
    const ids: number[] = [];
    const holes: OpenHole[] = [];
    for (const { before, place, after } of lines) {
      ids.push(...before);
      if (place?.kind === "slot") ids.push(...this.#optionRead(place));
      else if (place?.kind === "hole") {
        const evidence = this.#evidenceOf(place.field);
        const temperature = this.#temperatureOf(place.field);
        const present = isPresent(evidence, temperature);
        const count = countOf(evidence, temperature);
        const isOpen = isNeeded(place.role, { present, count });
        if (isOpen) holes.push({ hole: place, from: ids.length });
        const token = isOpen ? engine.architecture.special.mask : filler;
        ids.push(...new Array<number>(place.width).fill(token));
      }
      ids.push(...after);
    }
    return { ids, holes };
  }

  #optionRead(slot: SlotScores["slot"]): readonly number[] {
    const read = this.#slots.find((scores) => scores.slot === slot);
    if (read === undefined) throw new Error("a slot is laid out before it was read");
    return optionTokens(slot, compared(read, this.#temperatureOf(slot.field)).best);
  }

  #evidenceOf(field: number): FieldEvidence {
    return {
      slots: this.#slots.filter(({ slot }) => slot.field === field),
      strings: this.#strings.filter(({ hole }) => hole.field === field),
    };
  }

  #temperatureOf(field: number): number {
    return this.#terms.temperatureOf?.(this.#fieldAt(field)) ?? 1;
  }

  #fieldAt(field: number): Field {
    const named = this.#fields[field];
    if (named === undefined) throw new Error(`there is no field ${field}`);
    return named.field;
  }
}
