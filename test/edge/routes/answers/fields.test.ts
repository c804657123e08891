import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ReadOrder } from "#domain/question.ts";
import { ModelCatalog } from "#edge/models/catalog.ts";
import { batchSchema } from "#wire/api/answers/batches.ts";
import { type QuoteBody, quoteSchema } from "#wire/api/answers/quotes.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { decodeSse, encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { GENERATE_PATH } from "#wire/function/generate.ts";
import { decodeOrderHead } from "#wire/function/order.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { collect, pngBytes, story } from "../../../support/edge-builders.ts";
import { headIn } from "../../../support/orders.ts";
import { readStory } from "../../../support/read-stories.ts";
import { modelReply } from "../../cache/model-reply.ts";
import {
  ask,
  askJson,
  digest,
  eventReply,
  functionReplies,
  refusal,
  streamReply,
} from "../../function-double.ts";
import { endOfBatch, postBatch, resultsOf } from "../batch-calls.ts";

/** The function says this of its model, whatever the isolate remembers of other tests' functions. */
async function functionSays(read: Partial<ModelCard>): Promise<void> {
  const card = { ...(await modelReply(digest).json<ModelCard>()), ...read };
  const told = { word: { ok: true, value: card }, last: card } as const;
  vi.spyOn(ModelCatalog.prototype, "told").mockResolvedValue(told);
}

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const image = { data: encodeBase64(pngBytes) };

/** One of each type. */
const fields = {
  damaged: { type: "boolean", instructions: "Is it damaged?" },
  kind: { type: "choice", criteria: { vase: null, "guinea pig": "a small rodent" }, none: true },
  state: { type: "score", criteria: ["new", "used", "broken"] },
  count: { type: "number", minimum: 0, maximum: 20 },
  price: { type: "number", decimals: 2, minimum: 0, maximum: 9999 },
  taken: { type: "date" },
  at: { type: "time" },
  until: { type: "datetime" },
  label: { type: "text", max_tokens: 12 },
  colors: { type: "list", items: { type: "choice", criteria: ["red", "blue"] }, max_items: 3 },
} as const;

/** The function reads whatever it is asked to, in as many passes as were planned. */
function functionReads(passes?: number): { readonly sent: readonly { body: Uint8Array }[] } {
  return functionReplies(({ body }) => {
    const { read, steps } = orderIn(body);
    return eventReply(readStory(read, passes ?? steps));
  });
}

function orderIn(body: Uint8Array<ArrayBuffer>): {
  readonly read: ReadOrder;
  readonly steps: number;
} {
  const head = decodeOrderHead(headIn(body));
  if (!head.ok || head.value.read === undefined) throw new Error("the order names no fields");
  return { read: head.value.read, steps: head.value.options.steps };
}

async function answer(body: object): Promise<AnswerBody> {
  return answerSchema.parse(await (await askJson(body)).json());
}

async function quote(body: object): Promise<QuoteBody> {
  const response = await ask("/v1/quotes", {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
  return quoteSchema.parse(await response.json());
}

describe("POST /v1/answers with fields", () => {
  test("tells each by its name, and their values as JSON in the order of the request", async () => {
    const { sent } = functionReads();
    const body = await answer({ image, question: "A returns desk.", fields });
    expect(Object.keys(JSON.parse(body.answer))).toEqual(Object.keys(fields));
    expect(body.fields?.["kind"]).toEqual({
      ...{ type: "choice", value: "vase", guess: "vase", probability: 0.75, confidence: 0.75 },
      probabilities: [
        { value: "vase", probability: 0.75 },
        { value: "guinea pig", probability: 0.25 },
      ],
      ...{ label_mass: 0.5, p_none: null, abstained: false },
    });
    expect(body.fields?.["label"]).toMatchObject({ type: "text", value: "as written" });
    expect([body.tokens, body.status]).toEqual([[], "completed"]);
    expect(sent).toHaveLength(1);
  });

  test("needs no question, and may be sent as a form: the function gets the same bytes", async () => {
    const { sent } = functionReads();
    await answer({
      image,
      fields,
      abstain_below: 0.7,
      passes: 4,
      on_truncate: "widen",
      cache: "off",
    });
    const form = new FormData();
    form.append("image", new Blob([pngBytes]), "photo.png");
    form.append("fields", JSON.stringify(fields));
    for (const [name, value] of Object.entries({
      ...{ abstain_below: "0.7", passes: "4", on_truncate: "widen", cache: "off" },
    }))
      form.append(name, value);
    const response = await ask("/v1/answers", { method: "POST", body: form });
    expect(answerSchema.parse(await response.json()).status).toBe("completed");
    expect(sent[1]?.body).toEqual(sent[0]?.body);
    expect(sent).toHaveLength(2);
  });

  test("costs what its quote says, of a size too, however few passes it took", async () => {
    for (const [name, field] of Object.entries(fields)) {
      functionReads(1);
      const asked = { fields: { [name]: field }, question: "A returns desk." };
      const quoted = await quote({ ...asked, image });
      const { price_micros: price, forward_passes: passes } = quoted;
      const sized = await quote({ ...asked, width: 8, height: 8 });
      expect([name, sized.price_micros, sized.forward_passes]).toEqual([name, price, passes]);
      const { charged_micros: charged } = await answer({ ...asked, image, cache: "off" });
      expect([name, charged]).toEqual([name, price]);
      expect(price).toBeGreaterThan(0);
    }
  });

  test.each([1, 10, 40])("of %i booleans takes one pass, and its quote says so", async (count) => {
    functionReads();
    const many = Array.from({ length: count }, (_, index) => [`is_${index}`, { type: "boolean" }]);
    const quoted = await quote({ image, fields: Object.fromEntries(many) });
    expect([quoted.forward_passes, quoted.refreshes, quoted.steps]).toEqual([1, 1, 1]);
  });

  test("with names and options of any kind: quote, charge and JSON hold", async () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
    const word = text.filter((words) => words.trim() !== "");
    const criteria = fc.uniqueArray(word, {
      ...{ minLength: 2, maxLength: 30, selector: (words) => words.normalize("NFC").trim() },
    });
    const name = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/),
      fc.constantFrom("__proto__", "constructor", "toString"),
    );
    const field = fc.oneof(
      fc.constant({ type: "boolean" }),
      fc.record({ type: fc.constant("choice"), criteria, none: fc.boolean() }),
      fc.record({ type: fc.constant("score"), criteria }),
      fc.record({ type: fc.constant("text"), max_tokens: fc.integer({ min: 1, max: 8 }) }),
      fc.constantFrom<object>(
        fields.count,
        fields.price,
        fields.taken,
        fields.until,
        fields.colors,
      ),
    );
    const sets = fc.uniqueArray(fc.tuple(name, field), {
      ...{ minLength: 1, maxLength: 5, selector: ([one]: readonly [string, object]) => one },
    });
    await fc.assert(
      fc.asyncProperty(sets, async (named) => {
        const { sent } = functionReads();
        const asked = { image, fields: Object.fromEntries(named) };
        const quoted = await quote(asked);
        const response = await askJson({ ...asked, cache: "off" });
        const body = (await response.json()) as AnswerBody;
        expect(answerSchema.safeParse(body).error).toBeUndefined();
        expect(body.charged_micros).toBe(quoted.price_micros);
        const own = orderIn(Uint8Array.from(sent.at(-1)?.body ?? [])).read.fields;
        expect(own.map((one) => one.name).toSorted()).toEqual(named.map(([one]) => one).toSorted());
        const values: object = JSON.parse(body.answer);
        expect(Object.keys(values)).toEqual(Object.keys(body.fields ?? {}));
        for (const [one] of named)
          expect(Object.getOwnPropertyDescriptor(values, one)?.value).toEqual(
            Object.getOwnPropertyDescriptor(body.fields, one)?.value.value,
          );
      }),
      { seed: 16, numRuns: 25 },
    );
  });
});

describe("fields are refused by name, before any work and for nothing", () => {
  const none = { type: "boolean" } as const;

  test.each([
    ["suffix", { suffix: "!" }, "/suffix"],
    ["stop", { stop: "." }, "/stop"],
    ["canvas", { canvas: 8 }, "/canvas"],
    ["steps", { steps: 8 }, "/steps"],
    ["block_length", { block_length: 8 }, "/block_length"],
    ["temperature", { temperature: 0.5 }, "/temperature"],
    ["alternatives", { alternatives: 1 }, "/alternatives"],
  ])("beside %s", async (_, member, pointer) => {
    const { sent } = functionReads();
    for (const response of [
      await askJson({ image, fields: { a: none }, ...member }),
      await ask("/v1/quotes", {
        method: "POST",
        body: JSON.stringify({ image, fields: { a: none }, ...member }),
        headers: { "content-type": "application/json" },
      }),
    ]) {
      const problem = await refusal(response);
      expect(problem).toMatchObject({ status: 400, code: "invalid_request", retryable: false });
      expect(problem.errors.map((error) => error.pointer)).toEqual([pointer]);
    }
    expect(sent).toEqual([]);
  });

  test.each<[string, unknown, string, string]>([
    ["none", {}, "fields_invalid", "/fields"],
    ["a name with a space", { "a b": none }, "fields_invalid", "/fields/a b"],
    ["a name of slashes", { "a/~b": none }, "fields_invalid", "/fields/a~1~0b"],
    ["a type that nobody knows", { a: { type: "colour" } }, "fields_invalid", "/fields/a/type"],
    ["a text", "kind", "fields_invalid", "/fields"],
    [
      "options that are equal after NFC",
      { a: { type: "choice", criteria: ["caf\u00e9", "cafe\u0301"] } },
      ...["field_options_collide", "/fields/a/criteria"],
    ] as [string, unknown, string, string],
    [
      "64 choices of 255 options",
      Object.fromEntries(
        Array.from({ length: 64 }, (_, index) => [
          `f${index}`,
          { type: "number", minimum: 0, maximum: 254 },
        ]),
      ),
      ...["fields_too_large", "/fields"],
    ] as [string, unknown, string, string],
    [
      "more text than a question may have",
      {
        a: {
          type: "choice",
          criteria: Array.from({ length: 200 }, (_, i) => `${i}${"é".repeat(150)}`),
        },
      },
      ...["fields_too_large", "/fields"],
    ] as [string, unknown, string, string],
    [
      "65 of them",
      Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`f${index}`, none])),
      ...["fields_invalid", "/fields"],
    ] as [string, unknown, string, string],
  ])("%s", async (_, asked, code, pointer) => {
    const { sent } = functionReads();
    const problem = await refusal(await askJson({ image, fields: asked }));
    expect(problem).toMatchObject({ status: 400, code, retryable: false });
    expect(problem.errors[0]?.pointer).toBe(pointer);
    expect(sent).toEqual([]);
  });

  test("of a model that reads none, and what says something of fields that are not there", async () => {
    functionReads();
    await functionSays({});
    const unread = await refusal(await askJson({ image, fields: { a: none } }));
    expect([unread.code, unread.detail]).toEqual([
      "fields_invalid",
      expect.stringContaining("are not read by this model"),
    ]);
    const passes = await refusal(await askJson({ image, question: "?", passes: 2 }));
    expect(passes.errors).toMatchObject([{ pointer: "/passes" }]);
  });
});

describe("fields as they are read", () => {
  test("are told before the frame of their pass, and to who comes back again or not at all", async () => {
    functionReads(3);
    const response = await askJson({ image, fields, stream: true, cache: "off" });
    if (response.body === null) throw new Error("no body");
    const messages = await collect(decodeSse(response.body));
    const closed = ["damaged", "kind", "state", "count"];
    const open = ["price", "taken", "at", "until", "label", "colors"];
    const told = messages.map(({ event, data }) => [event, JSON.parse(data).field]);
    expect(told).toEqual([
      ["answer.started", undefined],
      ...closed.map((name) => ["field.completed", name]),
      ["answer.frame", undefined],
      ["answer.frame", undefined],
      ...open.map((name) => ["field.completed", name]),
      ["answer.frame", undefined],
      ["answer.completed", undefined],
    ]);
    const { id, fields: read } = answerSchema.parse(JSON.parse(messages.at(-1)?.data ?? ""));
    for (const { event, data } of messages) {
      if (event !== "field.completed") continue;
      const { field, ...body } = JSON.parse(data);
      expect(body).toEqual(read?.[field]);
    }
    for (const [after, names] of [
      ["0", [...closed, ...open]],
      ["1", open],
      ["3", []],
    ] as const) {
      const again = await ask(`/v1/answers/${id}/events`, { headers: { "last-event-id": after } });
      if (again.body === null) throw new Error("no body");
      const heard = await collect(decodeSse(again.body));
      const fresh = heard.filter(({ event }) => event === "field.completed");
      expect(fresh.map(({ data }) => JSON.parse(data).field)).toEqual(names);
    }
  });

  test("are read again under their id, and replayed: an equal digest is an equal reading", async () => {
    const { sent } = functionReads();
    const first = await answer({ image, fields, cache: "off" });
    expect(await (await ask(`/v1/answers/${first.id}`)).json()).toEqual(first);
    const replay = await ask(`/v1/answers/${first.id}/replay`, { method: "POST" });
    expect(await replay.json()).toMatchObject({
      verdict: "equal",
      charged_micros: first.charged_micros,
    });
    expect(sent[1]?.body).toEqual(sent[0]?.body);
  });

  test("at a deadline are those that are known, the others unfinished, for the passes that ran", async () => {
    functionReplies(({ body, signal }) => {
      const [started, first] = readStory(orderIn(body).read, 3);
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const event of [started, first])
            if (event !== undefined)
              controller.enqueue(new TextEncoder().encode(encodeSse(eventMessage(event, "ans_x"))));
          signal.addEventListener("abort", () => controller.error(signal.reason));
        },
      });
      return streamReply(stream);
    });
    const asked = { image, fields: { damaged: fields.damaged, label: fields.label } };
    const quoted = await quote(asked);
    const body = await answer({ ...asked, deadline_ms: 150, cache: "off" });
    expect(body).toMatchObject({ status: "partial", answer: '{"damaged":true,"label":null}' });
    expect(body.fields?.["damaged"]).toMatchObject({ value: true });
    expect(body.fields?.["label"]).toEqual({ type: "text", value: null, unfinished: true });
    expect(body.usage.steps).toBe(1);
    expect(body.charged_micros).toBeGreaterThan(0);
    expect(body.charged_micros).toBeLessThan(quoted.price_micros);
  });

  test("of an answer that is not stored are gone once they were told", async () => {
    functionReads();
    const { id, fields: read } = await answer({ image, fields, store: false });
    expect(Object.keys(read ?? {})).toEqual(Object.keys(fields));
    expect((await ask(`/v1/answers/${id}`)).status).toBe(404);
  });

  test("asked again under an Idempotency-Key are told again, and other fields under it are refused", async () => {
    functionReads();
    const headers = { "idempotency-key": crypto.randomUUID() };
    const once = await askJson({ image, fields }, headers);
    const again = await askJson({ image, fields }, headers);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await again.json()).toEqual(await once.json());
    const { damaged, ...others } = fields;
    const reordered = await askJson({ image, fields: { ...others, damaged } }, headers);
    expect((await refusal(reordered)).code).toBe("idempotency_mismatch");
  });
});

describe("fields, as any answer,", () => {
  const few = { damaged: fields.damaged, label: fields.label };

  test("are those of a batch's defaults or of its items, and of its results; the sum of the quotes is what it costs", async () => {
    functionReads();
    const asked = {
      defaults: { image, fields: few, cache: "off" },
      items: [{}, { fields: { kind: fields.kind } }],
    };
    const quotes = [
      await quote({ image, fields: few }),
      await quote({ image, fields: { kind: fields.kind } }),
    ];
    const { id, quoted_micros } = batchSchema.parse(await (await postBatch(asked)).json());
    const ended = await endOfBatch(id);
    const sum = quotes.reduce((total, { price_micros }) => total + price_micros, 0);
    expect([quoted_micros, ended.charged_micros, ended.counts.completed]).toEqual([sum, sum, 2]);
    const { data } = await resultsOf(id);
    expect(data.map(({ answer: body }) => Object.keys(body?.fields ?? {}))).toEqual([
      ["damaged", "label"],
      ["kind"],
    ]);
  });

  test("are told to the address that the request names", async () => {
    // What is told goes through the hop of the function, which reaches addresses.
    const { sent } = functionReplies(({ url, body }) =>
      url.endsWith(GENERATE_PATH)
        ? eventReply(readStory(orderIn(body).read))
        : Response.json({
            ...{ outcome: "response", status: 204, retry_after: null, location: null },
            ...{ duration_ms: 1, response: "" },
          }),
    );
    const webhook = "https://hook.test/told";
    const body = await answer({ image, fields: few, webhook, cache: "off" });
    const told = (): boolean =>
      sent
        .map((request) => new TextDecoder().decode(request.body))
        .some((text) =>
          ["answer.completed", body.id, "as written"].every((one) => text.includes(one)),
        );
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(env.WEBHOOKS.getByName("acc_test"));
        expect(told()).toBe(true);
      },
      { timeout: 5_000 },
    );
  });

  test("come from the cache for the same fields in the same order, and only then", async () => {
    const { sent } = functionReads();
    await functionSays({ read: { style: { style: "lines" }, fitted: [] } });
    const unique = { image, question: crypto.randomUUID(), fields: few };
    const first = await answer(unique);
    const hit = await answer(unique);
    expect([first.cached, hit.cached, hit.fields]).toEqual([false, true, first.fields]);
    const { damaged, label } = few;
    const turned = await answer({ ...unique, fields: { label, damaged } });
    expect([turned.cached, turned.answer]).toEqual([
      false,
      '{"label":"as written","damaged":true}',
    ]);
    expect(sent).toHaveLength(2);
  });

  test("that a function leaves out, or reads of other names, are no answer: nothing is charged", async () => {
    const other: ReadOrder = {
      fields: [{ name: "other", field: { type: "boolean" } }],
      ...{ abstainBelow: 0, onTruncate: "keep" },
    };
    for (const told of [story, readStory(other)]) {
      functionReplies(() => eventReply(told));
      const problem = await refusal(await askJson({ image, fields: few, cache: "off" }));
      expect([problem.code, problem.charged_micros]).toEqual(["function_reply_invalid", 0]);
    }
  });
});
