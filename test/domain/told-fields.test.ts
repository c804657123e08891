import { describe, expect, test } from "vitest";
import type { AnswerFrame, AnswerStarted } from "#domain/event.ts";
import type { ClosedReading, ReadField } from "#domain/field-reading.ts";
import { judgeFields } from "#domain/judged-fields.ts";
import type { ReadOrder } from "#domain/question.ts";
import { ToldAnswer } from "#domain/told-answer.ts";
import { createFrameTeller } from "#domain/told-frames.ts";
import { fieldsSoFar, judgeSoFar, untouched } from "#domain/told-so-far.ts";

const read: ReadOrder = {
  fields: [
    { name: "label", field: { type: "text", maxTokens: 4 } },
    { name: "__proto__", field: { type: "boolean" } },
    { name: "10", field: { type: "date" } },
  ],
  ...{ abstainBelow: 0, onTruncate: "keep" },
};

function yes(probability: number, overrides: Partial<ClosedReading> = {}): ReadField {
  const probabilities = [
    { value: true, probability },
    { value: false, probability: 1 - probability },
  ];
  const closed = { kind: "closed", type: "boolean", value: true, guess: true } as const;
  const rest = { labelMass: 1, pNone: null, abstained: false };
  const confidence = Math.max(probability, 1 - probability);
  return {
    name: "__proto__",
    reading: { ...closed, probabilities, probability, confidence, ...rest, ...overrides },
  };
}

function frame(step: number, fields?: readonly ReadField[]): AnswerFrame {
  const pass = { kind: "answer.frame", step, revealed: [], stableUntil: 0 } as const;
  return fields === undefined ? pass : { ...pass, fields };
}

describe("fields that frames have told", () => {
  test("stand in the order of the question, and those that are not known are unfinished and null", () => {
    const told = fieldsSoFar(read, [frame(1, [yes(0.75)]), frame(2)]);
    expect(told.map(({ name, reading }) => [name, reading.kind])).toEqual([
      ["label", "unfinished"],
      ["__proto__", "closed"],
      ["10", "unfinished"],
    ]);
    const asked = { options: { stop: [] }, read };
    expect(judgeSoFar(null, [frame(1, [yes(0.75)])], asked)).toEqual({
      answer: '{"label":null,"__proto__":true,"10":null}',
      ...{ confidence: 0.75, tokens: [], fields: told },
    });
  });

  test("are none at a deadline that comes before anything is looked at", () => {
    expect(untouched(8, read)).toMatchObject({
      answer: '{"label":null,"__proto__":null,"10":null}',
      ...{ confidence: 0, tokens: [], usage: { canvas: 8, steps: 0 } },
    });
    expect(untouched(8)).not.toHaveProperty("fields");
  });

  test("are told with their frame, though it tells no token", () => {
    const tell = createFrameTeller();
    expect(tell(frame(1, [yes(1)])).fields).toEqual([yes(1)]);
    expect(tell(frame(2))).not.toHaveProperty("fields");
  });
});

describe("an answer of fields is worth", () => {
  test("what its fields were read with, on average: of a list its count too", () => {
    const item = yes(0.25).reading as ClosedReading;
    const list: ReadField = {
      name: "list",
      reading: { kind: "list", type: "list", items: [item], counts: [0, 0.75, 0.25] },
    };
    const { confidence } = judgeFields([yes(0.5), list], undefined);
    expect(confidence).toBeCloseTo((0.5 * 0.75 * 0.75) ** (1 / 3), 12);
  });

  test("none of these, where that is the likeliest", () => {
    const none = yes(0.2, {
      value: null,
      pNone: 0.6,
      probabilities: [{ value: "a", probability: 0.4 }],
    });
    expect(judgeFields([none], undefined).confidence).toBeCloseTo(0.6, 12);
  });

  test("nothing, where its pictures are not of the model's world or every field abstained", () => {
    const abstained = yes(0.6, { value: null, abstained: true });
    expect(judgeFields([yes(0.9)], -1)).toMatchObject({
      ...{ confidence: 0, abstention: "out_of_domain", domainScore: -1 },
    });
    expect(judgeFields([abstained], 1).abstention).toBe("low_confidence");
    expect(judgeFields([abstained, yes(0.9)], 1)).not.toHaveProperty("abstention");
  });
});

test("another attempt that reads another value with the same arithmetic contradicts; one that is as sure to the last bit or nearly is the same", () => {
  const started: AnswerStarted = {
    ...{ kind: "answer.started", numerics: "cpu/r/k/alone/d" as const },
    ...{ imageVectors: 0, promptLength: 1, canvas: 1, steps: 1 },
  };
  const frames = [frame(1, [yes(0.75)])];
  const verdicts = [yes(0.750001), yes(0.4, { value: false, guess: false })].map((again) => {
    const told = new ToldAnswer({ modelDigest: "d", started, frames });
    told.taken("d", 0);
    told.begin(started);
    return told.frame(frame(1, [again])).kind;
  });
  expect(verdicts).toEqual(["tell", "contradiction"]);
});
