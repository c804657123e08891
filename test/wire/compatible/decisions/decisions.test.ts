import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DecisionQuestionBody,
  decisionsSchema,
} from "#wire/compatible/decisions/decisions-body.ts";
import {
  decisionsReply,
  decisionsReplySchema,
} from "#wire/compatible/decisions/decisions-reply.ts";
import { parseDecisions } from "#wire/compatible/decisions/decisions-request.ts";
import { MAX_DATA_DEPTH } from "#wire/limits.ts";
import { jsonBody, shown } from "../../../support/bodies.ts";
import { pngBytes } from "../../../support/edge-builders.ts";
import { nested, readAnswer, readingCard, weights } from "../../../support/readings.ts";

const dataUri = `data:image/png;base64,${Buffer.from(pngBytes).toString("base64")}`;
const damaged = { type: "predicate", instructions: "The vase is broken.", name: "damaged" };
const kind = {
  type: "choice",
  instructions: "What is it?",
  choices: [{ value: "vase" }, { value: "guinea pig", description: "a small rodent" }],
};
const state = {
  type: "score",
  instructions: "How worn is it?",
  levels: [{ label: "new" }, { label: "used" }, { label: "broken", description: "of no use" }],
};

function parse(body: object): ReturnType<typeof parseDecisions> {
  return parseDecisions(jsonBody({ input: "A desk.", questions: [damaged], ...body }), readingCard);
}

function read(body: object) {
  const decisions = parse(body);
  if (!decisions.ok) throw new Error(JSON.stringify(decisions.refusal));
  return decisions.value;
}

/** The kind of a refusal, and its faults. */
function refusal(body: object) {
  const decisions = parse(body);
  if (decisions.ok) throw new Error("it was not refused");
  return decisions.refusal as { kind: string; problems: { pointer: string; message: string }[] };
}

describe("a request for decisions is read as fields", () => {
  test("with the place of pictures that are too much together, which is found out later", () => {
    expect(read({}).placeOf("/images")).toBe("/input");
  });

  test("predicates as booleans, choices and levels in their order with what they mean, under names of our own", () => {
    const { request, questions } = read({ questions: [damaged, kind, state] });
    expect(request.read?.fields).toEqual([
      { name: "q1", field: { type: "boolean", instructions: "The vase is broken." } },
      {
        name: "q2",
        field: {
          ...{ type: "choice", instructions: "What is it?", none: false },
          options: [{ value: "vase" }, { value: "guinea pig", description: "a small rodent" }],
        },
      },
      {
        name: "q3",
        field: {
          ...{ type: "score", instructions: "How worn is it?" },
          levels: [
            { value: "new" },
            { value: "used" },
            { value: "broken", description: "of no use" },
          ],
        },
      },
    ]);
    expect(questions.map(({ type }) => type)).toEqual(["predicate", "choice", "score"]);
    expect(request.messages).toEqual([{ role: "user", text: "A desk." }]);
  });

  test("a choice of true and false alone as a yes or a no, whichever comes first", () => {
    const choices = [{ value: false }, { value: true, description: "it is cracked" }];
    const { request } = read({ questions: [{ ...kind, choices }] });
    expect(request.read?.fields[0]?.field).toMatchObject({
      ...{ type: "boolean", criteria: { true: "it is cracked" } },
    });
  });

  test("values that no object keeps in their place stay in it", () => {
    const choices = ["b", "10", "__proto__", "2", true].map((value) => ({ value }));
    const { request } = read({ questions: [{ ...kind, choices }] });
    expect(request.read?.fields[0]?.field).toMatchObject({
      options: ["b", "10", "__proto__", "2", "true"].map((value) => ({ value })),
    });
  });

  test("as the AI SDK's provider for OpenAI sends it: no instructions, and levels that are called by their numbers", () => {
    const levels = [
      { label: "0", description: "new" },
      { label: "1", description: "x".repeat(300) },
    ];
    const { request, questions } = read({
      questions: [
        { ...kind, instructions: null },
        { type: "score", levels },
      ],
    });
    expect(request.read?.fields.map(({ field }) => field)).toMatchObject([
      { type: "choice" },
      { levels: [{ value: "new" }, { value: "1", description: "x".repeat(300) }] },
    ]);
    expect(request.read?.fields[0]?.field).not.toHaveProperty("instructions");
    const { answers } = decisionsReply(readAnswer(request.read!.fields, [], 0), questions);
    expect(answers[1]).toMatchObject({ probabilities: [{ label: "0" }, { label: "1" }] });
    expect(refusal({ questions: [{ type: "predicate" }] }).problems).toMatchObject([
      { pointer: "/questions/0/instructions", message: "is missing" },
    ]);
  });

  test("instructions in parts are lines, data as JSON", () => {
    const instructions = [
      { type: "input_text", text: "Is it this one?" },
      { type: "input_json", data: { name: "vase", sizes: [1, 2] } },
    ];
    const { request } = read({ questions: [{ ...damaged, instructions }] });
    expect(request.read?.fields[0]?.field.instructions).toBe(
      'Is it this one?\n{"name":"vase","sizes":[1,2]}',
    );
  });

  test("messages keep their roles; their pictures come with the message that shows them, data is told as JSON", () => {
    const { request } = read({
      input: [
        { role: "developer", content: "You judge returns." },
        {
          role: "user",
          type: "message",
          content: [
            { type: "input_text", text: "Look." },
            { type: "input_image", image_url: dataUri, detail: "low" },
            { type: "input_json", data: [{ order: 7 }] },
          ],
        },
        { role: "assistant", content: [{ type: "output_text", text: "A vase." }] },
        { role: "assistant", content: [{ type: "refusal", refusal: "I cannot." }], phase: null },
      ],
    });
    expect(request.messages).toEqual([
      { role: "system", text: "You judge returns." },
      { role: "user", text: 'Look.\n[{"order":7}]' },
      { role: "assistant", text: "A vase." },
      { role: "assistant", text: "I cannot." },
      { role: "user", text: "" },
    ]);
    expect(shown(request.pictures)).toEqual([{ kind: "file", bytes: pngBytes }]);
    expect(request.options.detail).toBe("low");
  });

  test("options stand in x_unmask; what would change nothing here is passed over, null too", () => {
    const { request } = read({
      ...{ prompt_cache_key: "k", prompt_cache_options: { ttl: "30m" }, safety_identifier: "u" },
      ...{ model: "demo", x_unmask: { abstain_below: 0.7, max_price_micros: 9, cache: "off" } },
    });
    expect(request).toMatchObject({
      ...{ model: "demo", cache: "off", maximum: 9n },
      read: { abstainBelow: 0.7 },
    });
    expect(read({ model: null, x_unmask: null }).request.model).toBeUndefined();
  });
});

describe("what cannot be held is refused by name and place", () => {
  const many = (count: number) => Array.from({ length: count }, () => damaged);

  test.each<[string, object, string, RegExp]>([
    ["more than 64 questions", { questions: many(65) }, "/questions", /65 questions, and 64 are/],
    ["no question", { questions: [] }, "/questions", /at least 1 item/],
    [
      "a picture in instructions",
      {
        questions: [
          {
            ...damaged,
            instructions: [{ type: "input_image", image_url: "https://a.test/b.png" }],
          },
        ],
      },
      "/questions/0/instructions/0/type",
      /pictures stand in input/,
    ],
    [
      "a call of a tool",
      { input: [{ type: "function_call", name: "f", arguments: "{}", call_id: "c" }] },
      "/input/0/role",
      /calls no tools/,
    ],
    [
      "a picture that the assistant shows",
      { input: [{ role: "assistant", content: [{ type: "input_image", image_url: dataUri }] }] },
      "/input/0/content/0/type",
      /only a message of the user/,
    ],
    [
      "one choice",
      { questions: [{ ...kind, choices: [{ value: "vase" }] }] },
      "/questions/0/choices",
      /at least 2 items/,
    ],
    [
      "one level",
      { questions: [damaged, { ...state, levels: [{ label: "new" }] }] },
      "/questions/1/levels",
      /at least 2 items/,
    ],
    ["an unknown field", { temperature: 1 }, "/temperature", /unknown field/],
    [
      "criteria, which are Jev's",
      { questions: [{ ...kind, criteria: {} }] },
      "/questions/0/criteria",
      /unknown field/,
    ],
    ["an option that is none", { x_unmask: { steps: 4 } }, "/x_unmask/steps", /./],
    ["fields beside questions", { x_unmask: { fields: {} } }, "/x_unmask/fields", /no option/],
  ])("%s", (_, body, pointer, message) => {
    const { kind, problems } = refusal(body);
    expect([kind, problems[0]]).toEqual([
      "invalid_request",
      { pointer, message: expect.stringMatching(message) },
    ]);
  });

  test.each<[string, object[], string]>([
    [
      "the same text twice, be one a truth value",
      [{ value: "true" }, { value: true }, { value: "no" }],
      "field_options_collide",
    ],
    [
      "two texts that are one after normalisation",
      [{ value: "café" }, { value: "cafe\u0301" }],
      "field_options_collide",
    ],
    ["a blank choice", [{ value: "a" }, { value: " " }], "fields_invalid"],
  ])("%s, of the second question", (_, choices, code) => {
    const { kind: refused, problems } = refusal({ questions: [damaged, { ...kind, choices }] });
    expect([refused, problems[0]?.pointer]).toEqual([code, "/questions/1/choices"]);
  });

  test("too long a level, at its label", () => {
    const levels = [{ label: "new" }, { label: "x".repeat(201) }];
    expect(refusal({ questions: [{ ...state, levels }] })).toMatchObject({
      kind: "fields_invalid",
      problems: [{ pointer: "/questions/0/levels/1/label" }],
    });
  });

  test("data that is nested deeper than its writer's stack", () => {
    const depth = 100_000;
    const data = `${"[".repeat(depth)}${"]".repeat(depth)}`;
    const content = `[{"type":"input_json","data":${data}}]`;
    const body = `{"questions":[${JSON.stringify(damaged)}],"input":[{"role":"user","content":${content}}]}`;
    const sent = jsonBody(new TextEncoder().encode(body));
    expect(parseDecisions(sent, readingCard)).toMatchObject({
      refusal: {
        problems: [
          { pointer: "/input/0/content/0/data", message: "is nested deeper than 64 levels" },
        ],
      },
    });
  });

  test("and no data of 64 levels", () => {
    const data = nested(MAX_DATA_DEPTH);
    expect(
      read({ input: [{ role: "user", content: [{ type: "input_json", data }] }] }).request.messages,
    ).toEqual([{ role: "user", text: JSON.stringify(data) }]);
  });
});

const text = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => value.trim() !== "");
const named = { name: fc.option(fc.string({ maxLength: 20 })) };
const distinct = { selector: (value: unknown) => String(value).normalize("NFC").trim() };
const question: fc.Arbitrary<DecisionQuestionBody> = fc.oneof(
  fc.record({ type: fc.constant("predicate" as const), instructions: text, ...named }),
  fc.record({
    type: fc.constant("choice" as const),
    instructions: text,
    choices: fc
      .uniqueArray(fc.oneof(text, fc.boolean()), { minLength: 2, maxLength: 12, ...distinct })
      .map((values) => values.map((value) => ({ value }))),
    ...named,
  }),
  fc.record({
    type: fc.constant("score" as const),
    instructions: text,
    levels: fc
      .uniqueArray(text, { minLength: 2, maxLength: 12, ...distinct })
      .map((labels) => labels.map((label) => ({ label }))),
    ...named,
  }),
);

describe("what was read is told as decisions", () => {
  test("whatever is asked and however it is read: in order, by name, unrounded, and each distribution sums to 1", () => {
    fc.assert(
      fc.property(
        fc.array(question, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(weights),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (questions, stream, abstainBelow) => {
          expect(decisionsSchema.safeParse({ input: "", questions }).success).toBe(true);
          const decisions = parseDecisions(jsonBody({ input: "", questions }), readingCard);
          if (!decisions.ok) throw new Error(JSON.stringify(decisions.refusal));
          const fields = decisions.value.request.read?.fields ?? [];
          const answer = readAnswer(fields, stream, abstainBelow);
          const reply = decisionsReply(answer, decisions.value.questions);
          expect(decisionsReplySchema.parse(reply)).toEqual(reply);
          expect(reply.answers.map(({ name }) => name)).toEqual(
            questions.map(({ name }) => name ?? null),
          );
          for (const [index, told] of reply.answers.entries())
            expectTold(told, questions[index]!, answer.fields![`q${index + 1}`]!);
        },
      ),
      { seed: 11, numRuns: 100 },
    );
  });

  test("a question that a deadline cut off, and all of a picture that the model knows nothing of, are refusals", () => {
    const { request, questions } = read({ questions: [damaged, state] });
    const whole = readAnswer(request.read!.fields, [[1, 1, 2]], 0);
    const cut = {
      ...whole,
      status: "partial" as const,
      fields: { ...whole.fields, q2: { type: "score", value: null, unfinished: true as const } },
    };
    const reply = decisionsReply(cut, questions);
    expect(reply.answers).toMatchObject([{ type: "predicate" }, { type: "refusal", name: null }]);
    expect(reply.x_unmask).toMatchObject({ status: "partial", read: [{ guess: true }, null] });
    const foreign = { ...whole, in_domain: false, abstained: true, abstention: "out_of_domain" };
    expect(decisionsReply(foreign as typeof whole, questions).answers).toEqual([
      { type: "refusal", name: "damaged" },
      { type: "refusal", name: null },
    ]);
  });

  test("a choice between true and false is told as truth values in the caller's order", () => {
    const choices = [{ value: false }, { value: true }];
    const { request, questions } = read({ questions: [{ ...kind, choices }] });
    const reply = decisionsReply(readAnswer(request.read!.fields, [[3, 1]], 0), questions);
    expect(reply.answers[0]).toMatchObject({
      choice: true,
      probabilities: [
        { value: false, probability: expect.closeTo(0.25, 9) },
        { value: true, probability: expect.closeTo(0.75, 9) },
      ],
    });
  });

  test("usage counts the pictures' positions, and nothing that was written", () => {
    const { request, questions } = read({});
    const { usage } = decisionsReply(readAnswer(request.read!.fields, [[1, 1]], 0), questions);
    expect(usage).toEqual({
      ...{ input_tokens: 760, output_tokens: 0, total_tokens: 760 },
      input_tokens_details: { cache_write_tokens: 0, cached_tokens: 12 },
      output_tokens_details: { reasoning_tokens: 0 },
    });
  });
});

type Told = ReturnType<typeof decisionsReply>["answers"][number];
type FieldBody = NonNullable<ReturnType<typeof readAnswer>["fields"]>[string];

function expectTold(told: Told, asked: DecisionQuestionBody, field: FieldBody): void {
  if (told.type === "refusal") {
    expect(field.value).toBeNull();
    return;
  }
  expect([told.type, field.value === null]).toEqual([asked.type, false]);
  if (told.type === "predicate" || !("probabilities" in field)) return;
  const numbers = told.probabilities.map(({ probability }) => probability);
  expect(Math.abs(numbers.reduce((sum, one) => sum + one, 0) - 1)).toBeLessThan(1e-6);
  expect(numbers.toSorted()).toEqual(
    field.probabilities.map(({ probability }) => probability).toSorted(),
  );
  if (told.type === "choice" && asked.type === "choice") {
    expect(told.probabilities.map(({ value }) => value)).toEqual(
      asked.choices.map(({ value }) => value),
    );
    const chosen = told.probabilities.find(({ value }) => value === told.choice);
    expect(chosen?.probability).toBe(Math.max(...numbers));
  }
  if (told.type === "score") {
    const mean = numbers.reduce((sum, one, index) => sum + index * one, 0);
    expect(told.score).toBeCloseTo(mean, 9);
  }
}
