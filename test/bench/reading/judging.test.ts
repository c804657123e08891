import { describe, expect, test } from "vitest";
import { mulberry32 } from "#model/decode/noise.ts";
import { askedFields } from "./asked-fields.ts";
import {
  decliningAt,
  fitTemperature,
  noneFigures,
  qualityOf,
  type ScoredField,
} from "./judging.ts";
import { readScenes } from "./scenes.ts";

const RAW = { temperature: 1, neutral: false };

function field(truth: number, probabilities: readonly number[], hasNone = false): ScoredField {
  const scores = probabilities.map(Math.log);
  return { picture: String(truth), truth, scores, bias: scores.map(() => 0), hasNone };
}

/** Fields whose guesses are right as often as their probability says, made surer or less sure afterwards. */
function honestFields(sharpened: number): readonly ScoredField[] {
  const random = mulberry32(5);
  return Array.from({ length: 4000 }, (_, index): ScoredField => {
    const p = 0.5 + random.next() / 2;
    const truth = random.next() < p ? 0 : 1;
    const scores = [Math.log(p) * sharpened, Math.log(1 - p) * sharpened];
    return { picture: String(index % 50), truth, scores, bias: [0, 0], hasNone: false };
  });
}

describe("readings with their truths", () => {
  test("that are as often right as they say need no temperature, and others get the one that makes them so", () => {
    expect(fitTemperature(honestFields(1), false)).toBeCloseTo(1, 1);
    const sure = honestFields(3);
    const temperature = fitTemperature(sure, false);
    expect(temperature).toBeCloseTo(3, 0);
    const [before, after] = [RAW, { ...RAW, temperature }].map((one) => qualityOf(sure, one));
    expect(before?.ece).toBeGreaterThan(0.1);
    expect(after?.ece).toBeLessThan(0.02);
    expect(after?.accuracy).toBe(before?.accuracy);
  });

  test("without mistakes have nothing to fit, and an interval that is no certainty", () => {
    const right = Array.from({ length: 30 }, () => field(0, [0.9, 0.1]));
    expect(fitTemperature(right, false)).toBe(1);
    const { accuracy, interval } = qualityOf(right, RAW);
    expect(accuracy).toBe(1);
    expect(interval[0]).toBeLessThan(0.9);
  });

  test("tell what declining withholds of what is right and of what is wrong", () => {
    const guesses = [0.6, 0.8].flatMap((probability) =>
      [true, false].map((isRight) => ({ picture: "", probability, isRight })),
    );
    expect(decliningAt(guesses, 0.7)).toEqual({
      ...{ below: 0.7, rightWithheld: 0.5, wrongWithheld: 0.5 },
    });
    const fields = [field(0, [0.7, 0.2, 0.1], true), field(2, [0.2, 0.1, 0.7], true)];
    expect(noneFigures([...fields, field(2, [0.7, 0.2, 0.1], true)], RAW)).toEqual({
      ...{ shown: 1, shownDeclined: 0, absent: 2, absentDeclined: 0.5 },
    });
  });
});

test("the set asks each scene for what it was made of, the same at every run", () => {
  const scenes = readScenes();
  expect(scenes).toHaveLength(132);
  const two = scenes.find(({ picture }) => picture === "062.png");
  expect(two).toMatchObject({ count: 2, things: ["a book", "a dog"], background: "red" });
  const asked = askedFields(scenes);
  expect(asked).toEqual(askedFields(readScenes()));
  expect(asked.length).toBeGreaterThan(1000);
  const there = asked.filter(
    ({ scene, task }) => scene.picture === "062.png" && task === "is there a …",
  );
  expect(there.map(({ truth }) => truth)).toEqual([0, 0, 1, 1, 1, 1, 1]);
});
