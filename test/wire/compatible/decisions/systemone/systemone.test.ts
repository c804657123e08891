import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  systemOneError,
  systemOneStatus,
} from "#wire/compatible/decisions/systemone/systemone-error.ts";
import {
  systemOneReply,
  systemOneReplySchema,
} from "#wire/compatible/decisions/systemone/systemone-reply.ts";
import { parseSystemOne } from "#wire/compatible/decisions/systemone/systemone-request.ts";
import { problemOf } from "#wire/error.ts";
import { jsonBody, shown } from "../../../../support/bodies.ts";
import { failures, pngBytes } from "../../../../support/edge-builders.ts";
import { readAnswer, readingCard, weights } from "../../../../support/readings.ts";

const base64 = Buffer.from(pngBytes).toString("base64");
const urgent = { type: "noul", instructions: "Is it urgent?" };
const team = {
  type: "choice",
  instructions: "Who?",
  criteria: { outage: "service down", billing: null },
};
const tone = { type: "score", instructions: "How upset?", criteria: ["calm", null, "furious"] };

function parse(body: object): ReturnType<typeof parseSystemOne> {
  const whole = { model: "jev-latest", state: "A desk.", questions: { urgent }, ...body };
  return parseSystemOne({ body: jsonBody(whole) }, readingCard);
}

function read(body: object) {
  const asked = parse(body);
  if (!asked.ok) throw new Error(JSON.stringify(asked.refusal));
  return asked.value;
}

function refusal(body: object) {
  const asked = parse(body);
  if (asked.ok) throw new Error("it was not refused");
  return asked.refusal as { kind: string; problems: { pointer: string; message: string }[] };
}

describe("a request of Jev's clients is read as fields", () => {
  test("with the place of pictures that are too much together, which is found out later", () => {
    expect(read({}).placeOf("/images")).toBe("/images");
  });

  test("each question by its type, with what its outcomes mean; no name of one reaches the model", () => {
    const yes = { ...urgent, criteria: { true: "within the hour", false: null } };
    const { request } = read({ questions: { "is it?": yes, team, tone } });
    expect(request.read?.fields).toEqual([
      {
        name: "q1",
        field: {
          ...{ type: "boolean", instructions: "Is it urgent?" },
          criteria: { true: "within the hour" },
        },
      },
      {
        name: "q2",
        field: {
          ...{ type: "choice", instructions: "Who?", none: false },
          options: [{ value: "outage", description: "service down" }, { value: "billing" }],
        },
      },
      {
        name: "q3",
        field: {
          ...{ type: "score", instructions: "How upset?" },
          levels: [{ value: "calm" }, { value: "1" }, { value: "furious" }],
        },
      },
    ]);
    expect(request).toMatchObject({ messages: [{ role: "user", text: "A desk." }] });
    expect(request.model).toBeUndefined();
  });

  test("state, instructions and criteria as data are told as JSON; null is nothing", () => {
    const data = { subject: "Help", lines: [1] };
    const questions = { urgent: { ...urgent, instructions: data, criteria: null } };
    const { request } = read({ state: data, questions });
    expect(request.messages).toEqual([{ role: "user", text: JSON.stringify(data) }]);
    expect(request.read?.fields[0]?.field.instructions).toBe(JSON.stringify(data));
    expect(read({ state: null }).request.messages).toEqual([{ role: "user", text: "" }]);
  });

  test("a level that is longer than an option is called by its number, and means what it says", () => {
    const long = "x".repeat(201);
    const questions = { tone: { ...tone, criteria: ["calm", long] } };
    expect(read({ questions }).request.read?.fields[0]?.field).toMatchObject({
      levels: [{ value: "calm" }, { value: "1", description: long }],
    });
  });

  test("pictures as data URIs, as base64 with a type, and by address", () => {
    const url = "https://pictures.test/a.png";
    const images = [`data:image/png;base64,${base64}`, { content_type: "image/png", base64 }, url];
    const { request } = read({ images });
    expect(shown(request.pictures)).toEqual([
      { kind: "file", bytes: pngBytes },
      { kind: "file", bytes: pngBytes },
      { kind: "url", url },
    ]);
  });

  test("what would change nothing of a reading that draws no lots is passed over", () => {
    const extras = { steps: 1, samples: 8, think: 0, sequential: false, images: null };
    expect(parse(extras).ok).toBe(true);
  });
});

describe("what cannot be held is refused by name and place", () => {
  test.each<[string, object, string, RegExp]>([
    ["several steps", { steps: 4 }, "/steps", /one pass/],
    ["a thought", { think: 512 }, "/think", /writes nothing/],
    ["one after the other", { sequential: true }, "/sequential", /together/],
    ["a deadline", { x_unmask: { deadline_ms: 5 } }, "/x_unmask/deadline_ms", /cut off/],
    [
      "a single level",
      { questions: { tone: { ...tone, criteria: ["calm"] } } },
      "/questions/tone/criteria",
      /at least 2/,
    ],
    [
      "another type",
      { questions: { box: { type: "box" } } },
      "/questions/box/type",
      /"noul", "choice" or "score"/,
    ],
    ["a picture that is none", { images: ["dog.png"] }, "/images/0", /neither a data URI/],
    ["an unknown field", { temperature: 1 }, "/temperature", /unknown field/],
  ])("%s", (_, body, pointer, message) => {
    const { kind, problems } = refusal(body);
    expect([kind, problems[0]]).toEqual([
      "invalid_request",
      { pointer, message: expect.stringMatching(message) },
    ]);
  });

  test("too many questions, an option that stands there twice, and a choice of one, each at its question", () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`n${at}`, urgent]));
    expect(refusal({ questions: many })).toMatchObject({
      kind: "fields_invalid",
      problems: [{ pointer: "/questions" }],
    });
    const same = { ...team, criteria: { "a ": null, a: null } };
    expect(refusal({ questions: { urgent, "a/b": same } })).toMatchObject({
      kind: "field_options_collide",
      problems: [{ pointer: "/questions/a~1b/criteria" }],
    });
    const alone = { ...team, criteria: { outage: null } };
    expect(refusal({ questions: { alone } })).toMatchObject({
      kind: "fields_invalid",
      problems: [{ pointer: "/questions/alone/criteria" }],
    });
  });
});

const text = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => value.trim() !== "");
const distinct = { selector: (value: string) => value.normalize("NFC").trim() };
const options = { minLength: 2, maxLength: 12, ...distinct };
const question = fc.oneof(
  fc.record({ type: fc.constant("noul"), instructions: text }),
  fc.record({
    type: fc.constant("choice"),
    criteria: fc
      .uniqueArray(fc.oneof(text, fc.constantFrom("__proto__", "10", "2")), options)
      .map((labels) => Object.fromEntries(labels.map((label) => [label, null]))),
  }),
  fc.record({ type: fc.constant("score"), criteria: fc.uniqueArray(text, options) }),
);

describe("what was read is told as Jev tells it", () => {
  test("whatever is asked and however it is read: each under its name, unrounded, and each distribution sums to 1", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.oneof(text, fc.constant("__proto__")), question), {
          ...{ minLength: 1, maxLength: 12, selector: ([name]) => name },
        }),
        fc.infiniteStream(weights),
        (named, stream) => {
          const { request, questions } = read({ questions: Object.fromEntries(named) });
          // These clients know no refusal: each question has its likeliest option.
          const reply = systemOneReply(readAnswer(request.read!.fields, stream, 1), questions);
          expect(systemOneReplySchema.safeParse(reply).success).toBe(true);
          expect(Object.keys(reply.answers).toSorted()).toEqual(
            named.map(([name]) => name).toSorted(),
          );
          for (const [name, asked] of questions) {
            const told = Object.entries(reply.answers).find(([own]) => own === name)![1];
            if (told.type === "noul") expect(Object.keys(told)).toEqual(["type", "noul"]);
            else {
              const entries = Object.entries(told.probabilities);
              const sum = entries.reduce((total, [, one]) => total + one, 0);
              expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
              if (told.type === "choice")
                expect(Object.hasOwn(told.probabilities, told.choice)).toBe(true);
              else expect(told.legend).toEqual({ ...(asked.criteria as string[]) });
            }
          }
        },
      ),
      { seed: 12, numRuns: 100 },
    );
  });

  test("a score is the mean of the levels' indices, its legend what they were said to mean", () => {
    const { request, questions } = read({ questions: { tone } });
    expect(
      systemOneReply(readAnswer(request.read!.fields, [[1, 1, 2]], 0), questions),
    ).toMatchObject({
      answers: {
        tone: {
          score: expect.closeTo(1.25, 9),
          legend: { 0: "calm", 1: null, 2: "furious" },
          probabilities: {
            ...{ 0: expect.closeTo(0.25, 9), 1: expect.closeTo(0.25, 9) },
            2: expect.closeTo(0.5, 9),
          },
        },
      },
      usage: { input_tokens: 760, output_tokens: 0 },
    });
  });
});

describe("a refusal is written as Jev writes it", () => {
  const told = (failure: Parameters<typeof problemOf>[0]) => {
    const problem = problemOf(failure, { requestId: "req_1", instance: "/v1/systemone" });
    return [systemOneStatus(problem), systemOneError(problem).detail];
  };

  test("a body of the wrong shape is 422 with FastAPI's list", () => {
    const problems = [{ pointer: "/questions/a~1b/criteria/0", message: "must be text" }];
    expect(told({ kind: "invalid_request", problems })).toEqual([
      422,
      [
        {
          type: "value_error",
          loc: ["body", "questions", "a/b", "criteria", 0],
          msg: "must be text",
        },
      ],
    ]);
  });

  test("a question that cannot be asked is 400 with a sentence, an unknown model 400 with a type, no room 529", () => {
    const problems = [{ pointer: "/questions/a/criteria", message: "there are 300 options" }];
    expect(told({ kind: "fields_invalid", problems })).toEqual([
      400,
      expect.stringContaining("300 options"),
    ]);
    expect(told({ kind: "unknown_model", model: "jev-9", known: ["demo"] })).toEqual([
      400,
      { error_type: "api_usage_error", message: expect.stringContaining('"jev-9"') },
    ]);
    expect(told({ kind: "overloaded", retryAfterSeconds: 2 })).toEqual([
      529,
      { error_type: "overloaded_error", message: expect.any(String) },
    ]);
  });

  test("every refusal of the service has a type and a sentence", () => {
    for (const failure of Object.values(failures)) {
      const [, detail] = told(failure);
      if (typeof detail === "object" && !Array.isArray(detail))
        expect(detail).toEqual({
          error_type: expect.stringMatching(
            /^(?:api_usage|authentication|permission|rate_limit|overloaded|api)_error$/,
          ),
          message: expect.stringMatching(/\S/),
        });
    }
  });
});
