import { describe, expect, test } from "vitest";
import type { Field, NamedField } from "#domain/fields.ts";
import { modeTerms } from "#domain/modes.ts";
import type { ReadOrder } from "#domain/question.ts";
import { price } from "#domain/quote.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import { type ReadPlan, readPlan } from "#domain/reading/read-plan.ts";
import { type PlannedWork, planReading, TEMPLATE_POSITIONS } from "#domain/work.ts";
import { options } from "../../support/edge-builders.ts";
import { expectWithinPlans, planTokenizers, readStyles } from "../../support/read-plans.ts";

const [lines, sentences] = readStyles;
if (lines === undefined || sentences === undefined) throw new Error("there are two styles");

function order(fields: readonly NamedField[], terms: Partial<ReadOrder> = {}): ReadOrder {
  return { fields, abstainBelow: 0, onTruncate: "keep", ...terms };
}

function booleans(count: number): NamedField[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `f${index}`,
    field: { type: "boolean", instructions: "Is it so?" },
  }));
}

function text(maxTokens: number): Field {
  return { type: "text", maxTokens, instructions: "What does it say?" };
}

function planOf(read: ReadOrder, style: ReadStyle): ReadPlan {
  const plan = readPlan(read, style, 512);
  if (!plan.ok) throw new Error(plan.refusal.problem);
  return plan.value;
}

function workOf(plan: ReadPlan, asked = options()): PlannedWork {
  return planReading({ pictures: [], messages: 1, textBytes: 10, options: asked }, plan, null);
}

describe.each(readStyles)("what reading fields in $style is planned to take", (style) => {
  test.each(planTokenizers)(
    "is never less than it takes, with the tokens of %s",
    (_, tokenizer) => {
      expect(expectWithinPlans(style, tokenizer, { seed: 16, numRuns: 12 })).toBeGreaterThan(5);
    },
  );
});

describe("the plan of fields", () => {
  test.each([1, 10, 40])("that are %i yes or no in lines is one pass", (count) => {
    const plan = planOf(order(booleans(count)), lines);
    expect(plan.passes).toBe(1);
    expect(workOf(plan).passRows).toHaveLength(1);
    const prices = { view: 1n, linear: 1n, attention: 1n };
    expect(price(workOf(plan), prices)).toMatchObject({ forwardPasses: 1, refreshes: 1, steps: 1 });
  });

  test("in sentences is that of each field's own canvas", () => {
    const plan = planOf(order(booleans(10)), sentences);
    expect([plan.reads.length, plan.passes]).toEqual([10, 10]);
  });

  test("writes all open fields of a canvas at once, with as many passes as the longest has tokens, or as are asked for", () => {
    const fields = [8, 20, 5].map((size, index) => ({ name: `t${index}`, field: text(size) }));
    expect(planOf(order(fields), lines).reads).toMatchObject([{ closed: 1, fills: [20] }]);
    expect(planOf(order(fields, { openPasses: 3 }), lines).passes).toBe(4);
    expect(planOf(order(fields), sentences).reads.map(({ fills }) => fills)).toEqual([
      [8],
      [20],
      [5],
    ]);
  });

  test("has room for texts once more, with twice the width, where they may be widened", () => {
    const fields = [{ name: "label", field: text(8) }];
    const kept = planOf(order(fields), lines);
    const wide = planOf(order(fields, { onTruncate: "widen" }), lines);
    expect(wide.reads).toMatchObject([{ fills: [8, 16] }]);
    expect(wide.canvas).toBe(kept.canvas + 8);
  });

  test("has another canvas where options do not fit one slot", () => {
    const levels = Array.from({ length: 60 }, (_, index) => ({ value: `level ${index}` }));
    const plan = planOf(order([{ name: "state", field: { type: "score", levels } }]), lines);
    expect(plan.reads.map(({ closed }) => closed)).toEqual([1, 1]);
  });

  test("computes the prompt in each pass that reads, and as its mode has it in those that write", () => {
    const plan = planOf(order([...booleans(1), { name: "label", field: text(5) }]), lines);
    const [read] = plan.reads;
    const positions = 10 + read!.questionBytes + TEMPLATE_POSITIONS + read!.canvas;
    const rows = (mode: "exact" | "cached" | "fast"): readonly number[] =>
      workOf(plan, options({ ...modeTerms(mode, 3) })).passRows;
    const [whole, window] = [positions, read!.canvas];
    expect(rows("exact")).toEqual(Array(6).fill(whole));
    expect(rows("cached")).toEqual([whole, whole, window, window, whole, window]);
    expect(rows("fast")).toEqual([whole, whole, whole, window, window, window]);
  });

  test.each([
    [
      "more passes than any answer has",
      order(Array.from({ length: 9 }, (_, index) => ({ name: `t${index}`, field: text(64) }))),
      sentences,
    ],
    [
      "more to write than the canvas has room for",
      order(Array.from({ length: 9 }, (_, index) => ({ name: `t${index}`, field: text(64) }))),
      lines,
    ],
  ])("is refused with %s", (_, read, style) => {
    expect(readPlan(read, style, 512)).toMatchObject({ refusal: { kind: "too_large" } });
  });

  test.each<[string, Field]>([
    ["a list", { type: "list", maxItems: 2, items: { type: "boolean" } }],
    ["no instructions", { type: "boolean" }],
  ])("is refused with %s where the model answers one whole question at a time", (_, field) => {
    const refused = readPlan(order([{ name: "it", field }]), sentences, 512);
    expect(refused).toMatchObject({ refusal: { kind: "invalid", pointer: "/it" } });
    expect(readPlan(order([{ name: "it", field }]), lines, 512).ok).toBe(true);
  });
});
