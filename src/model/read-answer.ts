import { viewRules } from "#domain/architecture.ts";
import type { AnswerFrame } from "#domain/event.ts";
import type { FieldReading, ReadField } from "#domain/field-reading.ts";
import { imageLayouts } from "#domain/image/layout.ts";
import { judgeFields } from "#domain/judged-fields.ts";
import type { Usage } from "#domain/question.ts";
import type { JudgedAnswer } from "#domain/trust.ts";
import type { ModelEvent } from "./answer.ts";
import type { Engine, ForwardPass } from "./engine.ts";
import { encodePicture, encodePictures, findFeatures, vectorCounts, worstOf } from "./pictures.ts";
import { type AnswerTools, countVectors, preparePrompt } from "./prepare.ts";
import {
  messagesAsking,
  type PreparedReading,
  prepareReading,
  type ReadQuestion,
} from "./prepare-reading.ts";
import { EventQueue } from "./read/event-queue.ts";
import { neutralKey, neutralPicture, scoresOf } from "./read/neutral.ts";
import { type ReadTools, readFields } from "./read/read-fields.ts";
import { readSlots } from "./read/slots.ts";
import { told } from "./read/told.ts";
import { embedPrompt } from "./text/embed.ts";
import { featureKey, type PictureFeatures } from "./vision/kept-features.ts";

/**
 * Reads a question's fields off its pictures: started, a frame for each pass with the fields that are known with it, completed. What
 * cannot be asked gives one `answer.failed` and nothing else, before any work, and so does what would take more than was planned. The
 * pictures are encoded once, however many canvases there are. Deadline, faults and leaving the loop are as those of `answer`: at the
 * deadline the fields that are known are told, and the others as unfinished.
 *
 * Passes that show the model nothing, to learn what its words are worth without looking, are no steps, and nobody's to pay.
 */
export async function* readAnswer(
  question: ReadQuestion,
  tools: AnswerTools,
  signal: AbortSignal,
  deadline: AbortSignal = never,
): AsyncGenerator<ModelEvent, void, undefined> {
  const prepared = prepareReading(question, tools);
  if (!prepared.ok) {
    yield { kind: "answer.failed", failure: prepared.refusal };
    return;
  }
  const left = new AbortController();
  const reading = new Reading(question, prepared.value, tools);
  const pumped = reading.run(AbortSignal.any([signal, left.signal]), deadline);
  try {
    yield* reading.events.taken();
  } finally {
    left.abort();
    await pumped;
  }
}

const never: AbortSignal = new AbortController().signal;

/** The making of one answer whose fields are read. */
class Reading {
  readonly events = new EventQueue<ModelEvent>();
  readonly #question: ReadQuestion;
  readonly #prepared: PreparedReading;
  readonly #tools: AnswerTools;
  readonly #fields: (FieldReading | undefined)[];
  #usage: Usage;
  /** A pass that has ended, until it is known which fields are known with it. */
  #frame: (AnswerFrame & { readonly fields: ReadField[] }) | undefined;
  #seen: Pick<JudgedAnswer, "domainScore"> = {};

  constructor(question: ReadQuestion, prepared: PreparedReading, tools: AnswerTools) {
    this.#question = question;
    this.#prepared = prepared;
    this.#tools = tools;
    this.#fields = question.read.fields.map(() => undefined);
    const { canvas } = question.options;
    const { promptLength, layouts } = prepared;
    const nothing = { steps: 0, forwardPasses: 0, refreshes: 0, rows: 0 };
    this.#usage = { imageVectors: countVectors(layouts), promptLength, canvas, ...nothing };
  }

  /** Tells what happens to its end. Never rejects: a fault is the queue's. */
  async run(signal: AbortSignal, deadline: AbortSignal): Promise<void> {
    try {
      this.#start();
      const isWhole = await this.#read(signal, deadline);
      this.#flush();
      const kind = isWhole ? "answer.completed" : "answer.partial";
      this.events.tell({ kind, ...this.#judged(), usage: this.#usage });
      this.events.end();
    } catch (cause) {
      this.events.fail(cause);
    }
  }

  #start(): void {
    const { canvas, steps } = this.#question.options;
    const { promptLength, layouts } = this.#prepared;
    const found = findFeatures(this.#question, layouts, this.#tools);
    const counts = vectorCounts(this.#usage.imageVectors, found);
    this.#usage = { ...this.#usage, ...counts };
    this.events.tell({ kind: "answer.started", ...counts, promptLength, canvas, steps });
  }

  /** Says whether all was read before the deadline. */
  async #read(signal: AbortSignal, deadline: AbortSignal): Promise<boolean> {
    const { read } = this.#question;
    const { template, terms, layouts } = this.#prepared;
    const found = findFeatures(this.#question, layouts, this.#tools);
    const both = AbortSignal.any([signal, deadline]);
    let images: readonly PictureFeatures[];
    try {
      images = await encodePictures(this.#question, layouts, found, this.#tools, both);
    } catch (cause) {
      signal.throwIfAborted();
      if (!deadline.aborted) throw cause;
      return false;
    }
    this.#seen = worstOf(images);
    const tools = this.#readTools(images);
    for await (const event of readFields(read.fields, template, tools, terms, signal, deadline)) {
      if (event.kind === "read.ended") continue;
      const reading = told(event.reading, read.onTruncate);
      this.#fields[event.field] = reading;
      const { name } = read.fields[event.field]!;
      this.#frame?.fields.push({ name, reading });
    }
    return this.#fields.every((reading) => reading !== undefined);
  }

  #readTools(images: readonly PictureFeatures[]): ReadTools {
    const { engine, tokenizer } = this.#tools;
    const { card, finalOf, layouts } = this.#prepared;
    const vectors = images.map((image) => image.vectors);
    return {
      engine: this.#counted(engine),
      ...{ tokenizer, finalOf, filler: card.filler },
      promptOf: async (asked, signal) => {
        const messages = messagesAsking(this.#question.messages, asked);
        const prompt = preparePrompt(messages, layouts, this.#tools);
        if (!prompt.ok) throw new Error("a prompt that was measured has become too long");
        return await embedPrompt(engine, prompt.value.ids, vectors, prompt.value.length, signal);
      },
      ...(card.neutral === true && images.length > 0 ? { neutral: this.#neutral() } : {}),
    };
  }

  /** Each pass of this engine is a step. */
  #counted(engine: Engine): Engine {
    return {
      ...engine,
      denoise: async (pass, signal) => {
        this.#flush();
        const predictions = await engine.denoise(pass, signal);
        this.#passed(pass);
        return predictions;
      },
    };
  }

  #passed({ embeddingsSD, prefix }: ForwardPass): void {
    const [positions = 0] = embeddingsSD.shape;
    const refreshed = prefix?.refresh !== "none";
    const rows = refreshed ? positions : positions - (prefix?.length ?? 0);
    const { steps, refreshes, rows: before } = this.#usage;
    const step = steps + 1;
    this.#usage = {
      ...{ ...this.#usage, steps: step, forwardPasses: step },
      ...{ refreshes: refreshes + (refreshed ? 1 : 0), rows: before + rows },
    };
    this.#frame = {
      ...{ kind: "answer.frame", step, reason: "schedule", refreshed, rows },
      // What is read is never empty: nothing of it is held back.
      ...{ revealed: [], stableUntil: 0, hasText: true, fields: [] },
      ...(step === 1 ? this.#seen : {}),
    };
  }

  #flush(): void {
    if (this.#frame === undefined) return;
    const { fields, ...frame } = this.#frame;
    this.#frame = undefined;
    this.events.tell(fields.length === 0 ? frame : { ...frame, fields });
  }

  #judged(): JudgedAnswer {
    const fields = this.#question.read.fields.map(({ name, field: { type } }, index): ReadField => {
      const reading = this.#fields[index];
      return { name, reading: reading ?? { kind: "unfinished", type } };
    });
    return judgeFields(fields, this.#seen.domainScore);
  }

  /** What the slots of a read score with pictures that show nothing, one for each that there is. */
  #neutral(): NonNullable<ReadTools["neutral"]> {
    const { engine, neutral: kept, features } = this.#tools;
    const { messages, pictures, options } = this.#question;
    const { vision, image } = engine.architecture;
    if (vision === undefined || image === undefined)
      throw new Error("this architecture has no vision tower");
    const grey = neutralPicture(vision.imageSize);
    const [layout] = imageLayouts([grey], image, viewRules(vision), options.detail);
    if (layout === undefined) throw new Error("a picture was cut into nothing");
    const layouts = pictures.map(() => layout);
    return async (read, signal) => {
      const prompt = preparePrompt(messagesAsking(messages, read.question), layouts, this.#tools);
      if (!prompt.ok) throw new Error("a prompt with smaller pictures is too long");
      const { ids, length } = prompt.value;
      const slots = read.lines.flatMap(({ place }) => (place?.kind === "slot" ? [place] : []));
      const make = async (stop: AbortSignal): Promise<readonly (readonly number[])[]> => {
        const look = (until: AbortSignal): Promise<PictureFeatures> =>
          encodePicture(grey, layout, this.#tools, until);
        const seen = await (features === undefined
          ? look(stop)
          : features.make(featureKey("neutral", layout), look, stop));
        const vectors = layouts.map(() => seen.vectors);
        const promptPD = await embedPrompt(engine, ids, vectors, length, stop);
        const scored = await readSlots(engine, read, promptPD, stop);
        return scored.map(({ scores }) => scores);
      };
      const scores = await (kept === undefined
        ? make(signal)
        : kept.make(neutralKey(ids, layout, read), make, signal));
      return scoresOf(slots, scores);
    };
  }
}
