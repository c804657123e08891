import { describe, expect, expectTypeOf, test } from "vitest";
import type { AnswerStream } from "#client/answer-stream.ts";
import type { Ask } from "#client/ask.ts";
import { type Client, createClient } from "#client/client.ts";
import type { FieldsAnswer } from "#client/fields/typed-fields.ts";
import type { ReadField } from "#domain/field-reading.ts";
import { micros } from "#domain/micros.ts";
import { fieldMessages } from "#wire/api/answers/fields/field-messages.ts";
import { answerBody } from "#wire/api/answers/responses.ts";
import { encodeSse, type SseMessage } from "#wire/codec/sse.ts";
import { progressMessage } from "#wire/function/event-messages.ts";
import { collect } from "../support/edge-builders.ts";

const fields = {
  damaged: { type: "boolean" },
  kind: { type: "choice", criteria: { vase: null, "guinea pig": "a small rodent" }, none: true },
  state: { type: "score", criteria: ["new", "used", "broken"] },
  shape: { type: "choice", criteria: [{ value: "round" }, { value: "square" }] },
  count: { type: "number", minimum: 0, maximum: 20 },
  taken: { type: "date" },
  label: { type: "text", max_tokens: 12 },
  colors: { type: "list", items: { type: "choice", criteria: ["red", "blue"] }, max_items: 3 },
} as const;

/** A client that gets these messages, one list for each connection; where a list ends without an end it is cut. */
function clientOf(connections: readonly (readonly SseMessage[])[]): {
  client: Client;
  sent: Request[];
} {
  const sent: Request[] = [];
  const client = createClient({
    baseUrl: "http://api.test",
    apiKey: "umk_test_x",
    fetch: async (input, init) => {
      sent.push(new Request(input, init));
      return new Response((connections[sent.length - 1] ?? []).map(encodeSse).join(""), {
        headers: { "content-type": "text/event-stream", location: "/v1/answers/ans_1" },
      });
    },
    sleep: async () => undefined,
  });
  return { client, sent };
}

const damaged: ReadField = {
  name: "damaged",
  reading: {
    ...{ kind: "closed", type: "boolean", value: true, guess: true, probability: 0.9 },
    probabilities: [
      { value: true, probability: 0.9 },
      { value: false, probability: 0.1 },
    ],
    ...{ confidence: 0.9, labelMass: 0.8, pNone: null, abstained: false },
  },
};
const label: ReadField = {
  name: "label",
  reading: {
    ...{ kind: "open", type: "text", value: "Acme", probability: 0.5, tokenMin: 0.6 },
    ...{ pNone: 0.1, truncated: false },
  },
};
const unread: ReadField = { name: "taken", reading: { kind: "unfinished", type: "date" } };

const started = progressMessage(
  { kind: "answer.started", imageVectors: 0, promptLength: 9, canvas: 4, steps: 2 },
  "ans_1",
  0,
);

function pass(step: number, read: readonly ReadField[]): [SseMessage[], SseMessage] {
  const frame = { kind: "answer.frame", step, revealed: [], stableUntil: 0, fields: read } as const;
  return [fieldMessages(frame), progressMessage(frame, "ans_1", 0)];
}

const end: SseMessage = {
  event: "answer.partial",
  id: "ans_1.3",
  data: JSON.stringify(
    answerBody(
      {
        ...{ answer: '{"damaged":true,"label":"Acme","taken":null}', confidence: 0.7, tokens: [] },
        fields: [damaged, label, unread],
        usage: {
          ...{ imageVectors: 0, promptLength: 9, canvas: 4, steps: 2, forwardPasses: 2 },
          ...{ refreshes: 2, rows: 26 },
        },
      },
      {
        ...{ jobId: "ans_1", status: "partial", model: "m", modelDigest: null, numerics: null },
        ...{ restarts: 0, digest: null, createdAt: 0, endedAt: 1, error: null, warnings: [] },
      },
      micros(5),
    ),
  ),
};

const asked = { damaged: fields.damaged, label: fields.label, taken: fields.taken };

describe("fields through the client", () => {
  test("are told as they become known, and their values once the answer has ended", async () => {
    const [first, frame] = pass(1, [damaged]);
    const [second, last] = pass(2, [label]);
    const { client, sent } = clientOf([[started, ...first, frame, ...second, last, end]]);
    const stream = client.ask({ question: "A returns desk.", fields: asked });
    const told = [];
    for await (const update of stream)
      if (update.event === "field.completed") told.push([update.field, update.value]);
    expect(told).toEqual([
      ["damaged", true],
      ["label", "Acme"],
    ]);
    expect(await stream.values()).toEqual({ damaged: true, label: "Acme", taken: null });
    const answer = await stream;
    expect(answer.fields.damaged.probability).toBe(0.9);
    expect(answer.fields.taken).toEqual({ type: "date", value: null, unfinished: true });
    expect(sent).toHaveLength(1);
    const form = await sent[0]?.formData();
    expect(JSON.parse(String(form?.get("fields")))).toEqual(asked);
  });

  test("that a cut stream had told are told once, and those that it had not are told", async () => {
    const [first, frame] = pass(1, [damaged, label]);
    const [heard] = first;
    if (heard === undefined) throw new Error("the pass has no fields");
    const { client, sent } = clientOf([
      [started, heard],
      [...first, frame, end],
    ]);
    const updates = await collect(client.ask({ fields: asked }));
    const read = updates.filter(({ event }) => event === "field.completed");
    expect(read.map((update) => "field" in update && update.field)).toEqual(["damaged", "label"]);
    expect(sent[1]?.headers.get("last-event-id")).toBe("ans_1.0");
  });

  test("are told again where the answer begins anew", async () => {
    const [first, frame] = pass(1, [damaged]);
    const restarted: SseMessage = {
      event: "answer.restarted",
      id: "ans_1.1000",
      data: JSON.stringify({ restarts: 1 }),
    };
    const again = { ...frame, id: "ans_1.1001" };
    const late = { ...end, id: "ans_1.1002" };
    const messages = [started, ...first, frame, restarted, ...first, again, late];
    const updates = await collect(clientOf([messages]).client.ask({ fields: asked }));
    expect(updates.map(({ event }) => event)).toEqual([
      ...["answer.started", "field.completed", "answer.frame"],
      ...["answer.restarted", "field.completed", "answer.frame", "answer.partial"],
    ]);
  });
});

describe("what is read is typed by what was asked", () => {
  const read = createClient({ baseUrl: "http://api.test" }).ask({ fields });
  type Values = Awaited<ReturnType<typeof read.values>>;

  test("values: of a choice its options, of a list as many", () => {
    expectTypeOf<Values["damaged"]>().toEqualTypeOf<boolean | null>();
    expectTypeOf<Values["kind"]>().toEqualTypeOf<"vase" | "guinea pig" | null>();
    expectTypeOf<Values["state"]>().toEqualTypeOf<"new" | "used" | "broken" | null>();
    expectTypeOf<Values["shape"]>().toEqualTypeOf<"round" | "square" | null>();
    expectTypeOf<Values["count"]>().toEqualTypeOf<number | null>();
    expectTypeOf<Values["taken"]>().toEqualTypeOf<string | null>();
    expectTypeOf<Values["label"]>().toEqualTypeOf<string | null>();
    expectTypeOf<Values["colors"]>().toEqualTypeOf<readonly ("red" | "blue" | null)[] | null>();
    expectTypeOf<keyof Values>().toEqualTypeOf<keyof typeof fields>();
  });

  test("what else is told of a field: probabilities of its options, or undefined where the answer ended before", () => {
    type Told = FieldsAnswer<typeof fields>["fields"];
    expectTypeOf<Told["kind"]["guess"]>().toEqualTypeOf<"vase" | "guinea pig" | undefined>();
    expectTypeOf<Told["damaged"]["probability"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Told["label"]["truncated"]>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<Told["label"]["unfinished"]>().toEqualTypeOf<true | undefined>();
  });

  test("fields whose types are known only as the program runs are any of them", () => {
    const some: Readonly<Record<string, { readonly type: "boolean" }>> = {};
    const values = createClient({ baseUrl: "http://api.test" }).ask({ fields: some }).values;
    expectTypeOf<Awaited<ReturnType<typeof values>>>().toEqualTypeOf<{
      readonly [name: string]: boolean | null;
    }>();
  });

  test("an answer to whatever it may be says of its fields that they may be there", () => {
    const { ask } = createClient({ baseUrl: "http://api.test" });
    const [words, any] = [ask({ question: "?" }), ask(((): Ask => ({ question: "?" }))())];
    expectTypeOf(words).toEqualTypeOf<AnswerStream>();
    expectTypeOf(any).toEqualTypeOf<AnswerStream>();
  });
});
