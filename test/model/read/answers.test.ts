import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnswersField, NamedField } from "#domain/fields.ts";
import { mostPasses } from "#model/read/read-fields.ts";
import { readSlots, type SlotScores } from "#model/read/slots.ts";
import { buildTemplate } from "#model/template/build.ts";
import { fakeSpecial } from "../../support/fake-engine.ts";
import { FIRST_BYTE } from "../../support/fake-tokenizer.ts";
import {
  fakeReadTools,
  fakeTemplateTools,
  opinionatedEngine,
  readAll,
  templateOf,
} from "../../support/reading-tools.ts";

const never = new AbortController().signal;

function scored(answers: readonly string[], method: AnswersField["method"]): NamedField[] {
  return [{ name: "answers", field: { type: "answers", answers, method } }];
}

async function logProbabilities(
  answers: readonly string[],
  method: AnswersField["method"],
  seed: number,
): Promise<readonly number[]> {
  const fields = scored(answers, method);
  const { end } = await readAll(fields, fakeReadTools(opinionatedEngine(seed), fields));
  const [reading] = end.readings;
  if (reading?.kind !== "closed") throw new Error("answers are compared");
  return reading.logProbabilities ?? [];
}

/** ln p of a token at a place of a canvas, out of all logits of one pass: what is tested asks for single ones. */
async function logProb(
  engine: ReturnType<typeof opinionatedEngine>,
  canvas: readonly number[],
): Promise<(at: number, token: number) => number> {
  const { data, shape } = await engine.embedTokens(canvas, never);
  const columns = engine.architecture.logitsColumns;
  const asked = {
    rows: Int32Array.from({ length: canvas.length * columns }, (_, at) => Math.floor(at / columns)),
    tokens: Int32Array.from({ length: canvas.length * columns }, (_, at) => at % columns),
  };
  const told = await engine.denoise(
    {
      ...{ embeddingsSD: { data, shape }, rows: canvas.map((_, at) => at), asked },
      suppressed: [fakeSpecial.mask],
    },
    never,
  );
  const logits = told.askedLogits!;
  return (at, token) => {
    const row = logits.subarray(at * columns, (at + 1) * columns);
    return row[token]! - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  };
}

function tokensOf(answer: string): number[] {
  const bytes = Array.from(new TextEncoder().encode(answer), (byte) => FIRST_BYTE + byte);
  return [...bytes, fakeSpecial.endOfTurn];
}

const distinct = fc.uniqueArray(fc.stringMatching(/^[a-c]{1,4}$/), { minLength: 1, maxLength: 5 });

describe("answers, scored", () => {
  test("of any lengths take one pass, on a canvas that holds the longest with the end behind it", async () => {
    const fields = scored(["no", "a guinea pig", "x"], "joint");
    const engine = opinionatedEngine(1);
    const { end } = await readAll(fields, fakeReadTools(engine, fields));
    expect(end.forwardPasses).toBe(1);
    expect(mostPasses(fields, templateOf(fields), { openPasses: 1 })).toBe(1);
    expect(engine.passes[0]?.rows).toHaveLength("a guinea pig".length + 1);
  });

  test("jointly are worth the sum of their tokens and the end, as all logits of that pass say", async () => {
    await fc.assert(
      fc.asyncProperty(distinct, fc.integer({ min: 1, max: 999 }), async (answers, seed) => {
        const longest = Math.max(...answers.map((answer) => tokensOf(answer).length));
        const read = await logProb(
          opinionatedEngine(seed),
          new Array<number>(longest).fill(fakeSpecial.mask),
        );
        const expected = answers.map((answer) =>
          tokensOf(answer).reduce((sum, token, at) => sum + read(at, token), 0),
        );
        for (const [index, score] of (await logProbabilities(answers, "joint", seed)).entries())
          expect(score).toBeCloseTo(expected[index]!, 5);
      }),
      { seed: 3, numRuns: 20 },
    );
  });

  test("chained are read one token a pass, beside those before it, where the model is surest first", async () => {
    const [answer] = ["ab"];
    const tokens = tokensOf(answer!);
    const engine = opinionatedEngine(7);
    const canvas = new Array<number>(tokens.length).fill(fakeSpecial.mask);
    let expected = 0;
    for (let left = tokens.length; left > 0; left--) {
      const read = await logProb(engine, canvas);
      const columns = Array.from({ length: engine.architecture.logitsColumns }, (_, id) => id);
      const open = canvas.flatMap((id, at) => (id === fakeSpecial.mask ? [at] : []));
      const sure = open.map((at) =>
        Math.max(...columns.filter((id) => id !== fakeSpecial.mask).map((id) => read(at, id))),
      );
      const at = open[sure.indexOf(Math.max(...sure))]!;
      expected += read(at, tokens[at]!);
      canvas[at] = tokens[at]!;
    }
    expect((await logProbabilities([answer!], "chain", 7))[0]).toBeCloseTo(expected, 5);
  });

  test("chained take a pass a token, as is said before", async () => {
    const fields = scored(["ab", "abcd"], "chain");
    const { end } = await readAll(fields, fakeReadTools(opinionatedEngine(2), fields));
    expect(end.forwardPasses).toBe(3 + 5);
    expect(mostPasses(fields, templateOf(fields), { openPasses: 1 })).toBe(8);
  });

  test("stand on the canvas that was asked for, whose other places are masked too; one that does not fit is refused", async () => {
    const field = { type: "answers", answers: ["owl", "a guinea pig"], method: "joint" } as const;
    const fields: NamedField[] = [{ name: "answers", field: { ...field, canvas: 32 } }];
    const engine = opinionatedEngine(3);
    await readAll(fields, fakeReadTools(engine, fields));
    const [pass] = engine.passes;
    const question = 0;
    expect(pass?.embeddingsSD.shape[0]).toBe(question + 32);
    expect(pass?.rows).toHaveLength("a guinea pig".length + 1);
    const short: NamedField[] = [{ name: "answers", field: { ...field, canvas: 12 } }];
    expect(buildTemplate("", short, fakeTemplateTools)).toMatchObject({
      ok: false,
      refusal: { kind: "too_large", pointer: "/answers/1" },
    });
  });

  test("are told with shares that sum to 1, and the likeliest of them", async () => {
    const fields = scored(["owl", "dog", "cat"], "joint");
    const { end } = await readAll(fields, fakeReadTools(opinionatedEngine(4), fields));
    const [reading] = end.readings;
    if (reading?.kind !== "closed") throw new Error("answers are compared");
    const sum = reading.probabilities.reduce((total, { probability }) => total + probability, 0);
    expect(sum).toBeCloseTo(1, 9);
    const logs = reading.logProbabilities ?? [];
    expect(reading.value).toBe(
      fields[0]!.field.type === "answers" && ["owl", "dog", "cat"][logs.indexOf(Math.max(...logs))],
    );
  });

  test("are worth the same whatever is scored beside them, where it is no longer", async () => {
    const [alone] = await logProbabilities(["owls"], "joint", 5);
    const [beside] = await logProbabilities(["owls", "dog", "x"], "joint", 5);
    expect(beside).toBe(alone);
  });

  test("are not corrected by a picture that shows nothing: what they are worth is what is told", async () => {
    const fields = scored(["owl", "dog"], "joint");
    const tools = fakeReadTools(opinionatedEngine(6), fields);
    const neutral = (): Promise<readonly SlotScores[]> => Promise.reject(new Error("it was asked"));
    await expect(readAll(fields, { ...tools, neutral })).resolves.toBeDefined();
  });

  test.each([
    [["a", " a "], "/answers/1", 'the answers "a" and " a " are the same text'],
    [["\u00e9", "e\u0301"], "/answers/1", "are the same text"],
    [[], "/answers", "there are 0 answers: send 1 to 64"],
    [["a", " "], "/answers/1", "the answer is empty"],
    [["x".repeat(2_001)], "/answers/0", "it has more than 2000 characters"],
  ])("%j are refused, with a pointer to what is wrong", (answers, pointer, problem) => {
    const template = buildTemplate("", scored(answers, "joint"), fakeTemplateTools);
    expect(template).toMatchObject({ ok: false, refusal: { pointer } });
    expect(template.ok || template.refusal.problem).toContain(problem.replace("the answers ", ""));
  });

  test("stand alone: no other field is read beside them", () => {
    const both = [...scored(["a"], "joint"), { name: "is", field: { type: "boolean" } } as const];
    expect(buildTemplate("", both, fakeTemplateTools)).toMatchObject({
      ok: false,
      refusal: { pointer: "/answers", problem: "answers are scored alone: send no other field" },
    });
  });

  test("spell no special token, whatever is in them", async () => {
    const fields = scored(["<|mdm_mask|>", "<|eot_id|>"], "joint");
    const [read] = templateOf(fields).reads;
    const place = read?.lines[0]?.place;
    if (place?.kind !== "slot") throw new Error("there is one slot");
    for (const { tokens } of place.groups[0]!.options) {
      expect(tokens).not.toContain(fakeSpecial.mask);
      expect(tokens.indexOf(fakeSpecial.endOfTurn)).toBe(tokens.length - 1);
    }
    await expect(
      readSlots(opinionatedEngine(8), read!, await blank(), never),
    ).resolves.toHaveLength(1);
  });
});

async function blank() {
  return await opinionatedEngine(8).embedTokens([FIRST_BYTE], never);
}
