import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnswerFrame } from "#domain/event.ts";
import type { NamedField } from "#domain/fields.ts";
import { answerModes, modeTerms } from "#domain/modes.ts";
import type { AnswerOptions, ReadOrder } from "#domain/question.ts";
import { readPlan } from "#domain/reading/read-plan.ts";
import { type PlannedWork, planReading } from "#domain/work.ts";
import type { ModelEvent } from "#model/answer.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import type { ReadQuestion } from "#model/prepare-reading.ts";
import { readAnswer } from "#model/read-answer.ts";
import { options } from "../support/edge-builders.ts";
import { type FakeEngine, fakeSpecial } from "../support/fake-engine.ts";
import { fakeTemplate, fakeTokenizer } from "../support/fake-tokenizer.ts";
import { namedFields } from "../support/field-arbitraries.ts";
import { opinionatedEngine } from "../support/reading-tools.ts";

const forever = new AbortController().signal;

/** A desk with something to read in each way: a yes or no, one of many, a text. */
const fields: readonly NamedField[] = [
  { name: "dog", field: { type: "boolean" } },
  {
    name: "kind",
    field: {
      type: "score",
      levels: Array.from({ length: 30 }, (_, index) => ({ value: `level ${index}` })),
    },
  },
  { name: "label", field: { type: "text", maxTokens: 3, required: true } },
];

function asked(read: Partial<ReadOrder> = {}, changed: Partial<AnswerOptions> = {}) {
  const order: ReadOrder = { fields, abstainBelow: 0, onTruncate: "keep", ...read };
  const plan = readPlan(order, { style: "lines" }, 512);
  if (!plan.ok) throw new Error(plan.refusal.problem);
  const { canvas, passes } = plan.value;
  const planned = options({ canvas, steps: passes, blockLength: canvas, ...changed });
  const question: ReadQuestion = {
    messages: [{ role: "user", text: "A desk." }],
    pictures: [],
    options: planned,
    read: order,
  };
  const work = planReading(
    { pictures: [], messages: 1, textBytes: 7, options: planned },
    plan.value,
    null,
  );
  return { question, work };
}

/** With room for what is asked of it: its tokens are bytes. */
function roomyEngine(seed: number): FakeEngine {
  const engine = opinionatedEngine(seed);
  const { architecture } = engine;
  const prompt = { ...architecture.prompt, maxPromptLength: 100_000 };
  return { ...engine, prefixLimit: 100_000, architecture: { ...architecture, prompt } };
}

/** Whose passes take long enough for somebody to come between them. */
function unhurriedEngine(seed: number): FakeEngine {
  const engine = roomyEngine(seed);
  return {
    ...engine,
    denoise: async (pass, signal) => {
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      return await engine.denoise(pass, signal);
    },
  };
}

function tools(engine: FakeEngine) {
  const read = { style: { style: "lines" }, filler: fakeSpecial.endOfTurn } as const;
  return {
    ...{ engine, tokenizer: fakeTokenizer, renderTemplate: fakeTemplate, read },
    resize: resizeBicubic,
  };
}

function readAll(question: ReadQuestion, engine = roomyEngine(3)): Promise<ModelEvent[]> {
  return Array.fromAsync(readAnswer(question, tools(engine), forever));
}

function framesOf(events: readonly ModelEvent[]): readonly AnswerFrame[] {
  return events.filter((event) => event.kind === "answer.frame");
}

function endOf(events: readonly ModelEvent[]) {
  const end = events.at(-1);
  if (end?.kind !== "answer.completed" && end?.kind !== "answer.partial")
    throw new Error(`it ends with ${end?.kind}`);
  return end;
}

/** Holds that what ran is within what was planned for as many passes. */
function expectWithin(work: PlannedWork, events: readonly ModelEvent[]): void {
  const { usage } = endOf(events);
  const frames = framesOf(events);
  expect(frames.map(({ step }) => step)).toEqual(frames.map((_, index) => index + 1));
  expect(usage.steps).toBe(frames.length);
  expect(usage.forwardPasses).toBe(frames.length);
  expect(usage.rows).toBe(frames.reduce((sum, { rows = 0 }) => sum + rows, 0));
  expect(usage.refreshes).toBe(frames.filter(({ refreshed }) => refreshed === true).length);
  expect(frames.length).toBeLessThanOrEqual(work.steps);
  expect(usage.rows).toBeLessThanOrEqual(work.passRows.reduce((sum, rows) => sum + rows, 0));
  expect(usage.refreshes).toBeLessThanOrEqual(work.refreshes ?? 0);
}

describe("an answer whose fields are read", () => {
  test("tells a frame for each pass, with the fields that are known with it, and then all as JSON", async () => {
    const { question, work } = asked();
    const events = await readAll(question);
    expect(events[0]).toMatchObject({ kind: "answer.started", canvas: work.canvas, steps: 5 });
    const known = framesOf(events).map(({ fields: read = [] }) => read.map(({ name }) => name));
    // The pass that reads slots; three that write; one for the winners of the chunks.
    expect(known).toEqual([["dog"], [], [], ["label"], ["kind"]]);
    const end = endOf(events);
    expect(end).toMatchObject({ kind: "answer.completed", tokens: [], usage: { steps: 5 } });
    const told = framesOf(events).flatMap(({ fields: read = [] }) => read);
    expect(end.fields).toEqual(fields.map(({ name }) => told.find((one) => one.name === name)));
    expect(Object.keys(JSON.parse(end.answer))).toEqual(["dog", "kind", "label"]);
    expect(end.confidence).toBeGreaterThan(0);
    expectWithin(work, events);
  });

  test("sees what the caller says about the pictures, and any fields of it in any mode take no more than was planned", async () => {
    await fc.assert(
      fc.asyncProperty(
        namedFields,
        fc.constantFrom(...answerModes),
        fc.constantFrom("keep" as const, "widen" as const, "null" as const),
        fc.integer(),
        async (some, mode, onTruncate, seed) => {
          const order = { fields: some, onTruncate, openPasses: 3, abstainBelow: 0.3 };
          if (!readPlan(order, { style: "lines" }, 512).ok) return;
          const { question, work } = asked(order, modeTerms(mode, 2));
          const engine = roomyEngine(seed);
          const events = await readAll(question, engine);
          if (events.at(-1)?.kind === "answer.failed") return; // options that the tokens of the fake model collide in
          expectWithin(work, events);
          expect(engine.passes).toHaveLength(endOf(events).usage.steps);
          expect(await readAll(question, roomyEngine(seed))).toEqual(events);
        },
      ),
      { seed: 5, numRuns: 12 },
    );
  });

  test.each([
    ["passes", { steps: 4 }, /take 5 passes, more than the 4 that were planned/],
    ["positions of a canvas", { canvas: 20 }, /a canvas of [0-9]+ tokens, and this model has 20/],
  ])(
    "is refused before any work where it would take more %s than were paid for",
    async (_, less, message) => {
      const { question } = asked({}, less);
      const engine = roomyEngine(3);
      const [event, ...more] = await readAll(question, engine);
      expect(event).toMatchObject({
        kind: "answer.failed",
        failure: {
          kind: "fields_too_large",
          problems: [{ pointer: "/fields", message: expect.stringMatching(message) }],
        },
      });
      expect([more, engine.passes]).toEqual([[], []]);
    },
  );

  test("tells at its deadline what is known, and of the rest that it is unfinished", async () => {
    const { question } = asked();
    const deadline = new AbortController();
    const events: ModelEvent[] = [];
    for await (const event of readAnswer(
      question,
      tools(unhurriedEngine(3)),
      forever,
      deadline.signal,
    )) {
      events.push(event);
      if (event.kind === "answer.frame") deadline.abort();
    }
    const end = endOf(events);
    expect(end.kind).toBe("answer.partial");
    expect(end.fields?.map(({ reading }) => reading.kind)).toEqual([
      "closed",
      "unfinished",
      "unfinished",
    ]);
    expect(JSON.parse(end.answer)).toEqual({ dog: expect.any(Boolean), kind: null, label: null });
    // Of what is known.
    expect(end.confidence).toBeGreaterThan(0.5);
    expect(end.usage.steps).toBe(framesOf(events).length);
  });

  test("runs no pass more once nobody listens, and rejects with the reason of who cancels it", async () => {
    const { question } = asked();
    const engine = unhurriedEngine(3);
    for await (const event of readAnswer(question, tools(engine), forever))
      if (event.kind === "answer.frame") break;
    const ran = engine.passes.length;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(engine.passes).toHaveLength(ran);
    expect(ran).toBeLessThan(5);
    const cancelled = new AbortController();
    cancelled.abort(new Error("gone"));
    const events = Array.fromAsync(readAnswer(question, tools(engine), cancelled.signal));
    await expect(events).rejects.toThrow("gone");
  });

  test("has no value of a text that was cut off where that is asked for, and the text where it is not", async () => {
    const kept = endOf(await readAll(asked().question)).fields?.at(-1)?.reading;
    expect(kept).toMatchObject({ kind: "open", truncated: true, value: expect.any(String) });
    const nulled = endOf(await readAll(asked({ onTruncate: "null" }).question));
    expect(nulled.fields?.at(-1)?.reading).toEqual({ ...kept, value: null });
    expect(JSON.parse(nulled.answer)).toMatchObject({ label: null });
  });
});
