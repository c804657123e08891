import { describe, expect, test } from "vitest";
import type { Answerer, AskedQuestion, Outcome } from "#cli/eval/answering/answerer.ts";
import { evaluate } from "#cli/eval/evaluation.ts";
import { type Result, type Task, taskOf } from "#cli/eval/results.ts";

const column = { kind: "own", name: "unmask", mode: undefined, refresh: undefined } as const;

function tasks(count: number): Task[] {
  return Array.from({ length: count }, (_, place) => {
    const messages = [{ role: "user" as const, content: `Question ${place}?` }];
    const question = {
      id: `q${place}`,
      row: place + 1,
      pictures: [],
      messages,
      bareMessages: messages,
      expected: ["Yes."],
      choices: [],
      metric: "exact" as const,
      family: "all",
    };
    const options = {
      messages: question.messages,
      canvas: 8,
      steps: 4,
      mode: undefined,
      refresh: undefined,
      blockLength: undefined,
      stop: [],
    };
    const own = { ...column, canvas: undefined, steps: undefined, choices: undefined };
    return taskOf(question, place, own, options, "");
  });
}

const yes: Outcome = {
  kind: "answered",
  answer: "Yes.",
  isCut: false,
  confidence: 1,
  inDomain: true,
  abstained: false,
  steps: 4,
  rows: 48,
  chargedMicros: 1,
  modelDigest: null,
};

function answererThat(answer: (asked: AskedQuestion) => Promise<Outcome>): Answerer {
  return { name: "a double", answer, async [Symbol.asyncDispose]() {} };
}

async function run(count: number, concurrency: number, answerer: Answerer, signal?: AbortSignal) {
  const results: Result[] = [];
  const ended = evaluate({
    tasks: tasks(count),
    answerer,
    concurrency,
    now: () => 0,
    signal: signal ?? new AbortController().signal,
    onResult: async (result) => {
      results.push(result);
    },
  });
  const fault = await ended.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return { results, fault };
}

describe("an evaluation", () => {
  test("asks every question once, as many at one time as allowed", async () => {
    let inFlight = 0;
    let most = 0;
    const { results, fault } = await run(
      20,
      3,
      answererThat(async () => {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setTimeout(resolve, 1));
        inFlight -= 1;
        return yes;
      }),
    );
    expect(fault).toBeUndefined();
    expect(new Set(results.map(({ id }) => id)).size).toBe(20);
    expect(results).toHaveLength(20);
    expect(most).toBe(3);
  });

  test("scores a refused question 0 and goes on", async () => {
    const { results, fault } = await run(
      2,
      1,
      answererThat(async ({ messages }) =>
        messages[0]?.content === "Question 0?" ? { kind: "refused", code: "prompt_too_long" } : yes,
      ),
    );
    expect(fault).toBeUndefined();
    expect(results).toMatchObject([
      { score: 0, error: "prompt_too_long", answer: null },
      { score: 1, error: null },
    ]);
  });

  test("ends with the first fault, which stops the other questions", async () => {
    const broken = new Error("no credit");
    let asked = 0;
    const { results, fault } = await run(
      20,
      2,
      answererThat(async () => {
        if (++asked > 5) throw broken;
        return yes;
      }),
    );
    expect(fault).toBe(broken);
    expect(results.length).toBeLessThanOrEqual(6);
  });

  test("stops when it is told to and keeps what was answered", async () => {
    const stop = new AbortController();
    const reason = new Error("Ctrl-C");
    let asked = 0;
    const { results, fault } = await run(
      20,
      1,
      answererThat(async () => {
        if (++asked === 3) stop.abort(reason);
        return yes;
      }),
      stop.signal,
    );
    expect(fault).toBe(reason);
    expect(results).toHaveLength(3);
  });
});
