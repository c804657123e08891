import type { FieldReading } from "#domain/field-reading.ts";
import type { Field, NamedField } from "#domain/fields.ts";
import type { ChunkWinners, Part } from "#domain/reading/lines.ts";
import type { Tensor } from "#domain/tensor.ts";
import type { Engine } from "../engine.ts";
import type { Hole, Read, Slot } from "../template/template.ts";
import {
  compared,
  countOf,
  type FieldEvidence,
  isCutOff,
  isNeeded,
  isPresent,
  type JudgeTerms,
  optionTokens,
  readField,
} from "./field-reading.ts";
import { fillHoles, type HoleString } from "./holes.ts";
import type { ReadEvent, ReadTerms, ReadTools } from "./read-fields.ts";
import { readSlots } from "./slots.ts";
import { fillPasses, layOutKnown, widened } from "./writing.ts";

/** One set of fields while it is read. */
export class FieldReader {
  readonly #fields: readonly NamedField[];
  readonly #tools: ReadTools;
  readonly #terms: ReadTerms;
  readonly #signal: AbortSignal;
  readonly #engine: Engine;
  readonly #slots: FieldEvidence["slots"][number][] = [];
  #strings: readonly HoleString[] = [];
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
    const { engine } = tools;
    this.#engine = {
      ...engine,
      denoise: async (...asked) => {
        const told = await engine.denoise(...asked);
        this.#passes += 1;
        return told;
      },
    };
  }

  /** Reads a canvas's slots, and tells the fields that need no more. */
  async *closed(read: Read): AsyncGenerator<ReadEvent, void, undefined> {
    const { neutral, promptOf } = this.#tools;
    const prompt = await promptOf(read.question, this.#signal);
    this.#prompt = prompt;
    const scored = await readSlots(this.#engine, read, prompt, this.#signal);
    const biases = this.#isWeighed(read) ? await neutral?.(read, this.#signal) : undefined;
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
    const holes = read.lines.flatMap(({ place }) => (place?.kind === "hole" ? [place] : []));
    if (holes.length === 0) return;
    await this.#fill(read);
    const written = this.#strings.filter((string) => holes.includes(string.hole));
    const short = written.filter((string) => this.#isShort(string));
    const isShort = (hole: Hole): boolean => short.some((string) => string.hole === hole);
    const wider = widened(read, this.#terms, isShort);
    if (wider !== undefined) {
      this.#strings = this.#strings.filter((string) => !short.includes(string));
      await this.#fill(wider);
    }
    for (const field of new Set(holes.map((hole) => hole.field))) yield this.#tell(field);
  }

  /** Reads which of the chunks' winners it is, of fields with more options than a slot has letters. */
  async *final(): AsyncGenerator<ReadEvent, void, undefined> {
    const chunked = this.#chunked();
    if (chunked.length === 0) return;
    for (const read of this.#tools.finalOf(chunked).reads) yield* this.closed(read);
  }

  /** Whether what words are worth without looking is taken off: of options, which are compared, and not of answers, which are told as they are. */
  #isWeighed({ lines }: Read): boolean {
    const slots = lines.flatMap(({ place }) => (place?.kind === "slot" ? [place] : []));
    return slots.some(({ field }) => this.#fieldAt(field).type !== "answers");
  }

  end(): ReadEvent {
    return { kind: "read.ended", readings: this.#readings, forwardPasses: this.#passes };
  }

  async #fill(read: Read): Promise<void> {
    const { tokenizer, filler } = this.#tools;
    const { ids, holes } = layOutKnown(read, {
      optionOf: (slot) => this.#optionRead(slot),
      writtenIn: (hole) => this.#writtenIn(hole),
      mask: this.#engine.architecture.special.mask,
    });
    if (holes.length === 0 || this.#prompt === undefined) return;
    const bytesOf = (token: number): Uint8Array | undefined => tokenizer.bytesOf(token);
    const passes = fillPasses(read, this.#terms);
    const terms = { filler, bytesOf, passes, refresh: this.#terms.refresh };
    const prompt = this.#prompt;
    const filled = await fillHoles(this.#engine, prompt, ids, holes, terms, this.#signal);
    this.#strings = [...this.#strings, ...filled];
  }

  #tell(field: number): ReadEvent {
    const evidence = this.#evidenceOf(field);
    const reading = readField(this.#fieldAt(field), evidence, this.#judging(field));
    this.#readings[field] = reading;
    return { kind: "field.completed", field, reading };
  }

  #judging(field: number): JudgeTerms {
    const { filler, tokenizer } = this.#tools;
    return {
      ...{ filler, abstainBelow: this.#terms.abstainBelow },
      temperature: this.#temperatureOf(field),
      decode: (tokens) => tokenizer.decode(tokens),
    };
  }

  #isShort(string: HoleString): boolean {
    const { field } = string.hole;
    return isCutOff(this.#fieldAt(field), string, this.#judging(field));
  }

  /** The best of each chunk, by its index among all options of its field. */
  #chunked(): readonly ChunkWinners[] {
    const chunks = this.#slots.filter(({ slot: { role } }) => role.of === "chunk");
    return [...Map.groupBy(chunks, ({ slot }) => slot.field)].map(([field, slots]) => {
      let before = 0;
      const winners = slots.map((chunk) => {
        const winner = before + compared(chunk, this.#temperatureOf(field)).best;
        before += chunk.slot.options;
        return winner;
      });
      return { field, winners };
    });
  }

  #optionRead(slot: Slot): readonly number[] {
    const read = this.#slots.find((scores) => scores.slot === slot);
    if (read === undefined) throw new Error("a slot is laid out before it was read");
    return optionTokens(slot, compared(read, this.#temperatureOf(slot.field)).best);
  }

  /** What a hole has, or fillers where its gate or its list's count says that there is nothing. */
  #writtenIn(hole: Hole): readonly number[] | undefined {
    const { field, role, width } = hole;
    const written = this.#strings.find(({ hole: its }) => isSamePart(its, hole));
    if (written !== undefined) return written.tokens;
    const evidence = this.#evidenceOf(field);
    const temperature = this.#temperatureOf(field);
    const present = isPresent(evidence, temperature);
    const count = countOf(evidence, temperature);
    if (isNeeded(role, { present, count })) return undefined;
    return new Array<number>(width).fill(this.#tools.filler);
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

/** Widening changes a hole, and not what it is of. */
function isSamePart(one: Part, other: Part): boolean {
  const item = (role: Part["role"]): number => (role.of === "item" ? role.index : -1);
  return one.field === other.field && item(one.role) === item(other.role);
}
