import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heldBack, readAnswer, stopIndex } from "#domain/answer-text.ts";
import type { AnswerEvent, AnswerFrame } from "#domain/event.ts";
import { micros } from "#domain/micros.ts";
import { modeTerms } from "#domain/modes.ts";
import type { AnswerOptions } from "#domain/question.ts";
import { tokensSoFar } from "#domain/told-so-far.ts";
import { AnswerEventLog } from "#edge/answers/making/answer-event-log.ts";
import { answer } from "#model/answer.ts";
import type { Engine } from "#model/engine.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { type AnswerBody, answerBody } from "#wire/api/answers/responses.ts";
import { sseStream } from "#wire/codec/sse.ts";
import { growingText } from "#wire/compatible/stable-text.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { readAnswerEvents } from "#wire/function/events.ts";
import { fakeEngine, fakeSpecial, oneHot } from "../support/fake-engine.ts";
import { fakeTemplate } from "../support/fake-tokenizer.ts";
import { architectureFor, FIRST_WORD, wordTokenizer } from "../support/word-tokenizer.ts";

const forever = new AbortController().signal;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const [euro1 = 0, euro2 = 0, euro3 = 0] = utf8("€");

/** A vocabulary in which stops begin anywhere, characters are cut, and white space is everywhere. */
const words: readonly (string | Uint8Array)[] = [
  ...["d", "o", "g", " d", "og", " dog", "dog", "gd", "A", " ", "\n", "  ", ".", "é", " €", "🐶"],
  ...[
    Uint8Array.of(euro1),
    Uint8Array.of(euro2, euro3),
    Uint8Array.of(euro2),
    Uint8Array.of(euro3),
  ],
  ...[Uint8Array.of(0x61, euro1), Uint8Array.of(euro2, euro3, 0x62), Uint8Array.of(0xff)],
];
const tokenizer = wordTokenizer(words);
const architecture = architectureFor(tokenizer);
const { endOfTurn } = fakeSpecial;

/** An answer as a model would write it: a token for each position, and how sure it is of each. */
interface Wanted {
  readonly options: AnswerOptions;
  readonly ids: readonly number[];
  readonly sureness: readonly number[];
}

const wanted: fc.Arbitrary<Wanted> = fc
  .record({
    blocks: fc.integer({ min: 1, max: 3 }),
    blockLength: fc.integer({ min: 1, max: 6 }),
    stepsPerBlock: fc.integer({ min: 1, max: 6 }),
    stop: fc.array(fc.constantFrom("dog", "d", "g d", " ", "€", "ogd", "🐶", "\ud83d", "\uFFFD"), {
      maxLength: 3,
    }),
    suffix: fc.constantFrom(undefined, "", "g!", " dog"),
  })
  .chain(({ blocks, blockLength, stepsPerBlock, stop, suffix }) => {
    const canvas = blocks * blockLength;
    const word = fc.integer({ min: FIRST_WORD, max: FIRST_WORD + words.length - 1 });
    const id = fc.oneof(
      { weight: 8, arbitrary: word },
      { weight: 1, arbitrary: fc.constant(endOfTurn) },
    );
    const options: AnswerOptions = {
      ...{ detail: "auto", temperature: 0, seed: 0, ...modeTerms("exact", 1) },
      ...{ canvas, blockLength, steps: blocks * stepsPerBlock, stop },
      ...(suffix === undefined ? {} : { suffix }),
    };
    return fc.record({
      options: fc.constant(options),
      ids: fc.array(id, { minLength: canvas, maxLength: canvas }),
      sureness: fc.array(fc.integer({ min: 5, max: 30 }), { minLength: canvas, maxLength: canvas }),
    });
  });

/** What the model wants to write, read in one piece: up to the end of the turn, before the first stop, then the suffix. */
function rightText({ ids, options }: Wanted): { text: string; isEmpty: boolean } {
  const end = ids.indexOf(endOfTurn);
  const own = tokenizer.decode(end === -1 ? ids : ids.slice(0, end));
  const stops = options.stop.filter((stop) => stop.isWellFormed());
  const cuts = stops.map((stop) => own.indexOf(stop)).filter((index) => index !== -1);
  const text = own.slice(0, Math.min(own.length, ...cuts)) + (options.suffix ?? "");
  return { text, isEmpty: own === "" };
}

function engineFor({ ids, sureness }: Wanted): Engine {
  return fakeEngine((sequence, position) => {
    const place = position - sequence.lastIndexOf(fakeSpecial.endHeader) - 3;
    return oneHot(architecture.logitsColumns, ids[place] ?? endOfTurn, sureness[place] ?? 1);
  }, architecture);
}

/** Asks, and hears the answer as the edge does: over the function's hop. */
async function ask(wanted: Wanted, deadline: AbortSignal = forever): Promise<AnswerEvent[]> {
  const question = { messages: [{ role: "user" as const, text: "what?" }], pictures: [] };
  const tools = {
    ...{ engine: engineFor(wanted), tokenizer, renderTemplate: fakeTemplate },
    resize: resizeBicubic,
  };
  async function* messages() {
    const events = answer({ ...question, options: wanted.options }, tools, forever, deadline);
    for await (const event of events) {
      const told =
        event.kind === "answer.completed"
          ? { ...event, digest: "d".repeat(64), decoder: "2" }
          : event;
      yield eventMessage(told, "ans_1");
    }
  }
  return await Array.fromAsync(
    readAnswerEvents(sseStream(messages(), { cancel: () => undefined })),
  );
}

function framesOf(events: readonly AnswerEvent[]): AnswerFrame[] {
  return events.filter((event) => event.kind === "answer.frame");
}

function bodyOf(end: Extract<AnswerEvent, { kind: "answer.completed" }>): AnswerBody {
  const job = { jobId: "ans_1", status: "completed", model: "fake", modelDigest: null } as const;
  const arithmetic = { numerics: null, restarts: 0 };
  const times = { digest: end.digest, createdAt: 0, endedAt: 0, error: null, warnings: [] };
  return answerBody(end, { ...job, ...arithmetic, ...times }, micros(0));
}

/** The pieces that a client of a compatible route is told, and the frames that a client of our own is. */
async function tell(events: readonly AnswerEvent[]) {
  const eventLog = new AnswerEventLog(
    "ans_1",
    { modelDigest: null, started: null, frames: [] },
    null,
    true,
  );
  for (const event of events)
    if (event.kind === "answer.started" || event.kind === "answer.frame") eventLog.tell(event);
  const end = events.at(-1);
  if (end?.kind !== "answer.completed") throw new Error(`unexpected ${end?.kind}`);
  eventLog.end(bodyOf(end));
  const messages = await Array.fromAsync(eventLog.follow(-1));
  const pieces: string[] = [];
  async function* all() {
    yield* messages;
  }
  for await (const update of growingText(all(), { requestId: "req_1", instance: "/" }))
    if (update.kind === "text") pieces.push(update.text);
  return { pieces, told: eventLog.progress().frames, end };
}

describe("one idea of an answer's text", () => {
  test("frames, end, tokens and streams tell the text that the model wrote, up to its end", async () => {
    let streamed = 0;
    await fc.assert(
      fc.asyncProperty(wanted, async (each) => {
        const right = rightText(each);
        const events = await ask(each);
        if (right.isEmpty) {
          const failure = { kind: "empty_answer", canvas: each.options.canvas };
          expect(events.at(-1)).toEqual({ kind: "answer.failed", failure });
          return;
        }
        const { pieces, end } = await tell(events);
        expect(end.answer).toBe(right.text);
        expect(pieces.join("")).toBe(right.text);
        const suffix = each.options.suffix ?? "";
        expect(end.tokens.map(({ text }) => text).join("") + suffix).toBe(right.text);
        expect(end.usage.steps).toBeLessThanOrEqual(each.options.steps);
        if (pieces.length > 1) streamed += 1;
      }),
      { seed: 4000, numRuns: 1500 },
    );
    expect(streamed).toBeGreaterThan(200);
  });

  test("cut at any step it has no stop text in it, and where it is filled without a hole it is the beginning of the whole", async () => {
    let beginnings = 0;
    await fc.assert(
      fc.asyncProperty(wanted, async (each) => {
        const { stop } = each.options;
        const whole = rightText({ ...each, options: { ...each.options, suffix: "" } }).text;
        const events = await ask(each);
        const frames = framesOf(events);
        for (let count = 1; count <= frames.length; count++) {
          const tokens = tokensSoFar(frames.slice(0, count));
          const { answer: text } = readAnswer(tokens, { stop });
          expect(stopIndex(text, stop)).toBeUndefined();
          if (tokens.some(({ position }, index) => position !== index)) continue;
          const sure = text.endsWith("\uFFFD") ? text.slice(0, -1) : text;
          const final = sure.slice(0, sure.length - heldBack(sure, stop));
          expect(whole.slice(0, final.length)).toBe(final);
          if (final !== "" && final !== whole) beginnings += 1;
        }
      }),
      { seed: 4000, numRuns: 500 },
    );
    expect(beginnings).toBeGreaterThan(100);
  });

  test("at a deadline, one block's best guess is the whole answer where the model does not waver", async () => {
    let partials = 0;
    await fc.assert(
      fc.asyncProperty(wanted, fc.integer({ min: 1, max: 6 }), async (drawn, steps) => {
        const options = { ...drawn.options, blockLength: drawn.options.canvas };
        const each = { ...drawn, options };
        const deadline = new AbortController();
        const tools = { engine: engineFor(each), tokenizer, renderTemplate: fakeTemplate };
        const question = {
          messages: [{ role: "user" as const, text: "what?" }],
          pictures: [],
          options,
        };
        const all = { ...tools, resize: resizeBicubic };
        const events: AnswerEvent[] = [];
        for await (const event of answer(question, all, forever, deadline.signal)) {
          if (event.kind === "answer.completed") return;
          events.push(event);
          if (event.kind === "answer.frame" && event.step === steps) deadline.abort();
        }
        const partial = events.at(-1);
        if (partial?.kind !== "answer.partial") return;
        partials += 1;
        const { text, isEmpty } = rightText(each);
        if (!isEmpty) expect(partial.answer).toBe(text);
        else expect(partial.tokens.every((token) => token.text === "")).toBe(true);
      }),
      { seed: 4000, numRuns: 500 },
    );
    expect(partials).toBeGreaterThan(100);
  });

  test("until it is certain that the model wrote something, frames tell no token; then none is missing", async () => {
    let held = 0;
    await fc.assert(
      fc.asyncProperty(wanted, async (each) => {
        const events = await ask(each);
        const frames = framesOf(events);
        if (rightText(each).isEmpty) return;
        const { told } = await tell(events);
        const first = frames.findIndex(({ hasText }) => hasText);
        held += first;
        for (const frame of told.slice(0, first)) expect(frame.revealed).toEqual([]);
        for (let count = first + 1; count <= frames.length; count++)
          expect(tokensSoFar(told.slice(0, count))).toEqual(tokensSoFar(frames.slice(0, count)));
      }),
      { seed: 4000, numRuns: 500 },
    );
    expect(held).toBeGreaterThan(100);
  });
});
