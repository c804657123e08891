import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CanvasToken, ReadAnswer } from "#domain/answer-text.ts";
import type { AnswerFrame } from "#domain/event.ts";
import { judgeSoFar } from "#domain/told-so-far.ts";
import { calibrated, judge, type TrustTerms } from "#domain/trust.ts";

const unsure = "I am not sure.";
const terms: TrustTerms = {
  calibration: { temperature: 2, shift: -1 },
  abstention: { sentences: [unsure], below: 0.5 },
};

function token(text: string, position: number, confidence: number): CanvasToken {
  return { position, token: position, text, confidence, step: 1 };
}

function read(answer: string, confidence: number): ReadAnswer {
  return { answer, confidence, tokens: [token(answer, 0, confidence)] };
}

describe("what an answer is worth", () => {
  test("is the model's own confidence where nothing is known of model or picture", () => {
    const answer = read(unsure, 0.9999);
    expect(judge(answer, {}, {}, undefined)).toEqual(answer);
  });

  test("is its calibrated confidence, and the tokens keep the model's", () => {
    // logit(0.99) / 2 − 1 = 1.2976; 1 / (1 + e^−1.2976) = 0.7854
    const judged = judge(read("A dog.", 0.99), {}, terms, 1.5);
    expect(judged).toEqual({
      ...read("A dog.", 0.99),
      confidence: expect.closeTo(0.78543, 4),
      domainScore: 1.5,
    });
  });

  test("is nothing where the picture is out of the model's world, however sure the model is", () => {
    expect(judge(read("A monkey.", 0.98), {}, terms, -0.01)).toMatchObject({
      ...{ answer: "A monkey.", confidence: 0, domainScore: -0.01, abstention: "out_of_domain" },
    });
    expect(judge(read("A monkey.", 0.98), {}, {}, 0).abstention).toBeUndefined();
  });

  test("is nothing where the model says that it does not know, whatever the caller has put behind it", () => {
    const judged = judge(read(`${unsure} Next?`, 0.9999), { suffix: " Next?" }, terms, 2);
    expect(judged).toMatchObject({ confidence: 0, abstention: "unsure" });
    expect(judge(read(" I am not sure.", 0.9), {}, terms, undefined).abstention).toBe("unsure");
    expect(judge(read("I am not sure. A dog.", 0.9999), {}, terms, 2).abstention).toBeUndefined();
  });

  test("is the more the further its picture lies inside of the world, up to a limit, where the calibration says so", () => {
    const calibration = { temperature: 2, shift: -1, domain: { weight: 0.5, limit: 4 } };
    const by = (score: number | undefined): number =>
      judge(read("A dog.", 0.99), {}, { calibration }, score).confidence;
    // 1.2976 + 0.5 · 2 = 2.2976; 1 / (1 + e^−2.2976) = 0.90868
    expect(by(2)).toBeCloseTo(0.90868, 4);
    expect(by(4)).toBeGreaterThan(by(2));
    expect(by(400)).toBe(by(4));
    expect([by(0), by(undefined)]).toEqual([
      expect.closeTo(0.78543, 4),
      expect.closeTo(0.78543, 4),
    ]);
  });

  test("is told where it is too little to rely on", () => {
    expect(judge(read("A dog.", 0.8), {}, terms, 2)).toMatchObject({
      ...{ confidence: expect.closeTo(0.42388, 4), abstention: "low_confidence" },
    });
  });

  test("is not asked of an answer that is not written", () => {
    const nothing = { answer: "", confidence: 0, tokens: [] };
    expect(judge(nothing, {}, terms, undefined)).toEqual(nothing);
    expect(judge(nothing, {}, terms, 2)).toEqual({ ...nothing, domainScore: 2 });
  });

  test("stays between 0 and 1, and who was surer before is not less sure after", () => {
    const probability = fc.double({ min: 0, max: 1, noNaN: true });
    const calibration = fc.record({
      temperature: fc.double({ min: 0.05, max: 20, noNaN: true }),
      shift: fc.double({ min: -10, max: 10, noNaN: true }),
    });
    fc.assert(
      fc.property(probability, probability, calibration, (one, other, by) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        const [less, more] = [calibrated(low, by), calibrated(high, by)];
        expect(less).toBeGreaterThanOrEqual(0);
        expect(more).toBeLessThanOrEqual(1);
        expect(less).toBeLessThanOrEqual(more);
      }),
      { seed: 13, numRuns: 300 },
    );
  });

  test("is judged of a canvas as it stands by what its start and its first frame told", () => {
    const first: AnswerFrame = {
      ...{ kind: "answer.frame", step: 1, stableUntil: 0, hasText: true, domainScore: 0.25 },
      revealed: [token("A", 0, 0.99)],
    };
    const { domainScore: _, ...later } = { ...first, step: 2, revealed: [token(" dog", 1, 0.99)] };
    expect(judgeSoFar({ trust: terms }, [first, later], { options: { stop: [] } })).toMatchObject({
      ...{ answer: "A dog", confidence: expect.closeTo(0.78543, 4), domainScore: 0.25 },
    });
    expect(judgeSoFar(null, [], { options: { stop: [] } })).toEqual({
      answer: "",
      confidence: 0,
      tokens: [],
    });
  });
});
