import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerJson, jsonValueOf } from "#domain/field-reading.ts";
import { type Field, type NamedField, optionsOf } from "#domain/fields.ts";
import { mostPasses, readFields } from "#model/read/read-fields.ts";
import { readSlots } from "#model/read/slots.ts";
import { namedFields } from "../../support/field-arbitraries.ts";
import {
  anyGuess,
  fakeReadTools,
  fakeTemplateTools,
  opinionatedEngine,
  readAll,
  templateOf,
} from "../../support/reading-tools.ts";

function booleans(count: number): NamedField[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `is_${"abcdefghij"[index % 10]}${"abcdefghij"[Math.floor(index / 10)]}`,
    field: { type: "boolean" },
  }));
}

function many(count: number): NamedField[] {
  const options = Array.from({ length: count }, (_, index) => ({ value: `thing ${index}` }));
  return [{ name: "kind", field: { type: "choice", options, none: false } }];
}

describe("reading fields", () => {
  test.each([1, 10, 40])("of %i scores takes one pass over the whole sequence", async (count) => {
    const fields = Array.from({ length: count }, (_, index): NamedField => {
      return { name: `q_${index}`, field: { type: "score", levels: optionsOf(many(5)[0]!.field) } };
    });
    const engine = opinionatedEngine(count);
    const { end, events } = await readAll(fields, fakeReadTools(engine, fields));
    expect(end.forwardPasses).toBe(1);
    expect(engine.passes).toHaveLength(1);
    expect(engine.passes[0]).not.toHaveProperty("prefix");
    expect(events.map(({ kind }) => kind)).toEqual([
      ...new Array<string>(count).fill("field.completed"),
      "read.ended",
    ]);
  });

  test("takes a pass for each length of its options, and no more than is said before", async () => {
    const field = { type: "number", minimum: 0, maximum: 12, decimals: 0 } as const;
    const fields = Array.from({ length: 12 }, (_, index) => ({ name: `n${index}`, field }));
    const engine = opinionatedEngine(3);
    const { end } = await readAll(fields, fakeReadTools(engine, fields));
    expect([end.forwardPasses, mostPasses(fields, templateOf(fields), { openPasses: 8 })]).toEqual([
      2, 2,
    ]);
  });

  test("of more options than letters takes another pass for the winners of the parts; all together are sure", async () => {
    const fields = many(60);
    const engine = opinionatedEngine(4);
    const { end, events } = await readAll(fields, fakeReadTools(engine, fields));
    expect([end.forwardPasses, mostPasses(fields, templateOf(fields), { openPasses: 1 })]).toEqual([
      2, 2,
    ]);
    const [reading] = end.readings;
    if (reading?.kind !== "closed") throw new Error("it is a choice");
    const sum = reading.probabilities.reduce((total, { probability }) => total + probability, 0);
    expect(sum).toBeCloseTo(1, 9);
    expect(reading.probabilities).toHaveLength(60);
    expect(events).toHaveLength(2); // it is told once, when it is known
  });

  test("what the words are worth without looking is taken off: a picture that says nothing leaves all options alike", async () => {
    const fields: NamedField[] = [...many(6), ...booleans(1)];
    const engine = opinionatedEngine(5);
    const tools = fakeReadTools(engine, fields);
    const neutral: typeof tools.neutral = async (read, signal) =>
      readSlots(engine, read, await tools.promptOf(read.question, signal), signal);
    const { end } = await readAll(fields, { ...tools, neutral });
    const [kind, is] = end.readings;
    if (kind?.kind !== "closed" || is?.kind !== "closed") throw new Error("they are closed");
    for (const { probability } of kind.probabilities) expect(probability).toBeCloseTo(1 / 6, 9);
    expect(is.probability).toBeCloseTo(0.5, 9);
    expect(kind.guess).toBe("thing 0"); // the first of equals
    const { end: raw } = await readAll(fields, tools);
    expect(raw.readings).not.toEqual(end.readings);
    expect(raw.forwardPasses).toBe(end.forwardPasses); // they are the supplier's, who keeps them
  });

  test("in sentences, none of these has the probability that the options leave, and all sum to one", async () => {
    const style = { style: "sentence", yes: "Y", no: "N" } as const;
    const options = ["a", "bb", "ccc"].map((value) => ({ value }));
    const fields: NamedField[] = [
      { name: "it", field: { type: "choice", options, none: true, instructions: "What?" } },
    ];
    const tools = { ...fakeTemplateTools, style };
    const template = templateOf(fields, tools);
    const signal = new AbortController().signal;
    const read = readFields(
      fields,
      template,
      fakeReadTools(opinionatedEngine(7), fields),
      anyGuess,
      signal,
    );
    const [reading] = (await Array.fromAsync(read)).flatMap((event) =>
      event.kind === "field.completed" ? [event.reading] : [],
    );
    if (reading?.kind !== "closed") throw new Error("it is a choice");
    const { probabilities, pNone, labelMass, value } = reading;
    const sum = probabilities.reduce((total, { probability }) => total + probability, 0);
    expect(sum + (pNone ?? 0)).toBeCloseTo(1, 9);
    expect(pNone).toBeCloseTo(1 - (labelMass ?? 0), 6);
    expect(value).toBeNull(); // it would rather say anything else
  });

  test("a higher temperature makes less sure and changes no guess", async () => {
    const fields = many(6);
    const tools = fakeReadTools(opinionatedEngine(6), fields);
    const [sure] = (await readAll(fields, tools)).end.readings;
    const [less] = (await readAll(fields, tools, { temperatureOf: () => 3 })).end.readings;
    if (sure?.kind !== "closed" || less?.kind !== "closed") throw new Error("they are closed");
    expect(less.guess).toBe(sure.guess);
    expect(less.confidence).toBeLessThan(sure.confidence);
  });

  test("of anything a model may think ends within the passes that were said, every field is told once, and its value is what its field allows", async () => {
    const written = fc.record(
      { openPasses: fc.integer({ min: 1, max: 6 }), widensTo: fc.constant(100_000) },
      { requiredKeys: ["openPasses"] },
    );
    await fc.assert(
      fc.asyncProperty(namedFields, fc.nat(), written, async (fields, seed, terms) => {
        const engine = opinionatedEngine(seed);
        const tools = fakeReadTools(engine, fields);
        const { end, events } = await readAll(fields, tools, terms);
        expect(end.forwardPasses).toBe(engine.passes.length);
        const most = mostPasses(fields, templateOf(fields), terms);
        expect(end.forwardPasses).toBeLessThanOrEqual(most);
        const told = events.flatMap((event) =>
          event.kind === "field.completed" ? event.field : [],
        );
        expect(told.toSorted((a, b) => a - b)).toEqual([...fields.keys()]);
        const read = fields.map(({ name }, index) => ({ name, reading: end.readings[index]! }));
        for (const [index, { field }] of fields.entries())
          expect(isAllowed(field, jsonValueOf(read[index]!.reading))).toBe(true);
        expect(Object.keys(JSON.parse(answerJson(read)))).toHaveLength(fields.length);
        const again = fakeReadTools(opinionatedEngine(seed), fields);
        expect((await readAll(fields, again, terms)).end).toEqual(end);
      }),
      { seed: 7, numRuns: 12 },
    );
  });

  test("a text that was cut off is written once more with twice the room, where that is asked for and a canvas holds it; what is read beside it stays", async () => {
    const fields: NamedField[] = [
      { name: "label", field: { type: "text", maxTokens: 4 } },
      { name: "taken", field: { type: "date" } },
    ];
    const texts = async (widensTo?: number) => {
      const engine = opinionatedEngine(21);
      const tools = { ...fakeReadTools(engine, fields), neutral: alwaysPresent };
      const terms = { openPasses: 2, ...(widensTo === undefined ? {} : { widensTo }) };
      const { end } = await readAll(fields, tools, terms);
      const [label, taken] = end.readings;
      if (label?.kind !== "open" || taken?.kind !== "open") throw new Error("they are written");
      return { label, taken, passes: end.forwardPasses, engine };
    };
    const kept = await texts();
    expect([kept.label.truncated, kept.passes]).toEqual([true, 3]);
    const wider = await texts(200);
    expect(wider.passes).toBe(5);
    expect(mostPasses(fields, templateOf(fields), { openPasses: 2, widensTo: 200 })).toBe(5);
    expect(wider.taken).toEqual(kept.taken);
    const masks = wider.engine.passes.map(({ rows }) => rows.length);
    expect(masks.slice(-2)).toEqual([8, 4]); // the text's alone
    expect((await texts(40)).passes).toBe(3); // no such canvas holds it
  });

  test("at a deadline tells what is known and leaves the rest open", async () => {
    const fields: NamedField[] = [...many(3), { name: "taken", field: { type: "date" } }];
    const engine = opinionatedEngine(13);
    const deadline = new AbortController();
    const late = {
      ...engine,
      denoise: async (...asked: Parameters<typeof engine.denoise>) => {
        if (engine.passes.length === 4) deadline.abort();
        return await engine.denoise(...asked);
      },
    };
    const tools = { ...fakeReadTools(engine, fields), engine: late, neutral: alwaysPresent };
    const { end } = await readAll(fields, tools, {}, deadline.signal);
    expect(end.readings.map((reading) => reading?.kind)).toEqual(["closed", undefined]);
    expect(end.forwardPasses).toBe(4); // those that ran
  });

  test("a caller who leaves is told why, and nothing more", async () => {
    const fields = many(3);
    const engine = opinionatedEngine(14);
    const reason = new Error("the caller left");
    const tools = {
      ...fakeReadTools(engine, fields),
      promptOf: async () => {
        throw reason;
      },
    };
    await expect(readAll(fields, tools)).rejects.toBe(reason);
  });
});

/** Takes so much off "no" that every gate is open. */
async function alwaysPresent(
  read: Parameters<NonNullable<ReturnType<typeof fakeReadTools>["neutral"]>>[0],
): Promise<Awaited<ReturnType<typeof readSlots>>> {
  const slots = read.lines.flatMap(({ place }) => (place?.kind === "slot" ? [place] : []));
  return slots.map((slot) => ({
    slot,
    scores: Array.from({ length: slot.options }, (_, index) => (index === 0 ? -1000 : 0)),
  }));
}

function isAllowed(field: Field, value: unknown): boolean {
  if (field.type === "list")
    return (
      Array.isArray(value) &&
      value.length <= field.maxItems &&
      value.every((item) => isAllowed(field.items, item))
    );
  if (value === null) return true;
  switch (field.type) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
    case "score":
    case "answers":
      return optionsOf(field).some((option) => option.value === value);
    case "number":
      return typeof value === "number" && value >= field.minimum && value <= field.maximum;
    case "date":
      return isDate(value);
    case "time":
      return /^[0-2]\d:[0-5]\d(:[0-5]\d)?$/.test(String(value));
    case "datetime":
      return isDate(String(value).slice(0, 10));
    case "text":
      return typeof value === "string" && !/[\p{Cc}\u2028\u2029\uFFFD]/u.test(value);
    default:
      return field satisfies never;
  }
}

function isDate(value: unknown): boolean {
  const text = String(value);
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
