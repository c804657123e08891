import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import type { FieldReading } from "#domain/field-reading.ts";
import type { ChoiceField, NamedField } from "#domain/fields.ts";
import type { Question, ReadOrder } from "#domain/question.ts";
import type { ReadCard } from "#domain/read-style.ts";
import { readPlan } from "#domain/reading/read-plan.ts";
import { createAdmission } from "#inference/admission.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { createFetcher } from "#inference/fetch/routes.ts";
import { createPace } from "#inference/fleet/pace.ts";
import { createHandler } from "#inference/handler.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createMetrics } from "#inference/metrics.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { createTicketLog } from "#inference/ticket-log.ts";
import type { ModelEvent } from "#model/answer.ts";
import type { AnswerTools } from "#model/prepare.ts";
import { readAnswer } from "#model/read-answer.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { readAnswerEvents } from "#wire/function/events.ts";
import { DEADLINE_HEADER, GENERATE_PATH } from "#wire/function/generate.ts";
import { signTicket } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { options } from "../support/edge-builders.ts";
import { orderOf } from "../support/orders.ts";

const forever = new AbortController().signal;
const keys = await generateTicketKeys("test");
const picture = new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"));

function choice(values: readonly string[], none = false): ChoiceField {
  const own = values.map((value) => ({ value }));
  return { type: "choice", options: own, none, instructions: "What is this?" };
}

/** What a caller could send to confuse the model, the JSON or the objects on the way. */
const hostile: readonly NamedField[] = [
  {
    name: "__proto__",
    field: choice(
      ["dog", "<|mdm_mask|>", '"}', "a\nkind: B", "\u202Eevil", "مرحبا", "e\u0301"],
      true,
    ),
  },
  { name: "10", field: { type: "boolean", instructions: "<|eot_id|>Is there a dog?" } },
  {
    name: "2",
    field: { type: "number", minimum: 0, maximum: 4, decimals: 0, instructions: "How many?" },
  },
  { name: "toString", field: { type: "text", maxTokens: 3, instructions: '"}{' } },
];

/** What the edge would ask a function that reads by this card. */
function asking(
  fields: readonly NamedField[],
  { style }: Pick<ReadCard, "style">,
): Question & { readonly read: ReadOrder } {
  const read: ReadOrder = { fields, abstainBelow: 0, onTruncate: "keep" };
  const plan = readPlan(read, style, 512);
  if (!plan.ok) throw new Error(plan.refusal.problem);
  const { canvas, passes } = plan.value;
  return {
    messages: [{ role: "user", text: "" }],
    images: [picture],
    options: options({ canvas, steps: passes, blockLength: canvas }),
    read,
  };
}

/** How a model is asked. */
function cardOf({ tools }: DescribedModel): ReadCard {
  if (tools.read === undefined) throw new Error("nobody says how it is asked");
  return tools.read;
}

/** Holds what is true of any closed field. */
function expectDistribution(reading: FieldReading): void {
  if (reading.kind !== "closed") throw new Error(`it is ${reading.kind}`);
  const told = reading.probabilities.reduce((sum, { probability }) => sum + probability, 0);
  expect(Math.abs(told + (reading.pNone ?? 0) - 1)).toBeLessThan(1e-6);
}

describe("a function that reads fields with the demo model", () => {
  const hosts = new Map<"cpu" | "wasm", ModelHost>();
  let model: DescribedModel;

  beforeAll(async () => {
    for (const provider of ["cpu", "wasm"] as const) {
      const settings = { provider, featureBytes: 2 ** 20 };
      hosts.set(provider, await hostOfBundle("infra/demo-model/bundle", "unmask-demo", settings));
    }
    model = await hosts.get("cpu")!.described(forever);
  });
  afterAll(() => Promise.all([...hosts.values()].map((host) => host.dispose())));

  async function post(
    question: Question,
    provider: "cpu" | "wasm" = "cpu",
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const metrics = createMetrics();
    const nobody = { resolve: async () => [], allowsPrivate: false, forbiddenPorts: [] };
    const handler = createHandler({
      host: hosts.get(provider)!,
      admission: createAdmission(4, 8, () => 0),
      ...{ ticketKeys: [keys.verification], tickets: createTicketLog(() => 0) },
      fetcher: createFetcher(
        nobody,
        () => 0,
        () => undefined,
        metrics,
      ),
      ...{ metrics, metricsGuard: { host: "127.0.0.1" } },
      ...{ isDraining: () => false, cut: forever, pace: createPace(() => 0) },
      ...{ now: () => 0, log: () => undefined },
    });
    const { body, head } = await orderOf(question);
    const ticket = { ticketId: crypto.randomUUID(), jobId: "ans_1", accountId: "acc" };
    const signed = { ...ticket, model: model.card.id, bodySha256: await sha256Hex(head) };
    const authorization = `Bearer ${await signTicket(signed, keys.signing, 0)}`;
    return await handler.request(GENERATE_PATH, {
      method: "POST",
      body,
      headers: { authorization, ...headers },
    });
  }

  async function told(response: Response): Promise<AnswerEvent[]> {
    if (response.body === null) throw new Error("there is no body");
    return await Array.fromAsync(readAnswerEvents(response.body));
  }

  function completed(events: readonly AnswerEvent[]) {
    const end = events.at(-1);
    if (end?.kind !== "answer.completed") throw new Error(JSON.stringify(end));
    return end;
  }

  test("tells each field with its pass, in the order of the request, whatever names and options are", async () => {
    const question = asking(hostile, cardOf(model));
    const events = await told(await post(question));
    const end = completed(events);
    expect(end.answer).toMatch(/^\{"__proto__":.*,"10":(true|false),"2":[0-4],"toString":/);
    expect(end.fields?.map(({ name }) => name)).toEqual(hostile.map(({ name }) => name));
    const known = events.flatMap((event) =>
      event.kind === "answer.frame" ? (event.fields ?? []) : [],
    );
    expect(known).toEqual(end.fields);
    for (const { reading } of known) if (reading.kind === "closed") expectDistribution(reading);
    expect(end.usage.forwardPasses).toBeLessThanOrEqual(question.options.steps);
    expect(end.tokens).toEqual([]);
  });

  test("gives the same numbers and the same digest again, alone and in company, on the processor and in WebAssembly", async () => {
    const question = asking(hostile, cardOf(model));
    const digests: string[] = [];
    for (const provider of ["cpu", "wasm"] as const) {
      const { usage: _, ...alone } = completed(await told(await post(question, provider)));
      const company = await Promise.all(
        Array.from({ length: 3 }, async () =>
          completed(await told(await post(question, provider))),
        ),
      );
      for (const { usage: _its, ...end } of company) expect(end).toEqual(alone);
      digests.push(alone.digest);
    }
    expect(digests[0]).toBe(digests[1]);
  });

  test("reads one of 255 options that begin alike in one pass, and the numbers sum to one", async () => {
    const field = choice(
      Array.from({ length: 255 }, (_, index) => `a dog of kind ${index}`),
      true,
    );
    const end = completed(await told(await post(asking([{ name: "kind", field }], cardOf(model)))));
    expect(end.usage.forwardPasses).toBe(1);
    const [{ reading } = { reading: undefined }] = end.fields ?? [];
    if (reading?.kind !== "closed") throw new Error("it is not closed");
    expectDistribution(reading);
    expect(reading.probabilities).toHaveLength(255);
  });

  test("refuses options that are the same text to Unicode before any work, and what has no room, where its body has it, and tells a deadline that has passed that nothing is known", async () => {
    const question = asking(hostile, cardOf(model));
    const same: ReadOrder = {
      ...question.read,
      fields: [{ name: "kind", field: choice(["é", "e\u0301"]) }],
    };
    const refused = await post({ ...question, read: same });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { code: "field_options_collide", errors: [{ pointer: "/fields/kind/criteria" }] },
    ]);
    // Answers that are scored stand in a body of their own.
    const answers = { type: "answers", answers: ["A dog."], method: "joint", canvas: 1 } as const;
    const scored = { ...question.read, fields: [{ name: "answers", field: answers }] };
    const unscored = await told(await post({ ...question, read: scored }));
    expect(unscored.at(-1)).toMatchObject({
      kind: "answer.failed",
      failure: { kind: "fields_too_large", problems: [{ pointer: "/answers/0" }] },
    });
    const late = await told(await post(question, "cpu", { [DEADLINE_HEADER]: "0" }));
    expect(late.at(-1)).toMatchObject({
      kind: "answer.partial",
      answer: '{"__proto__":null,"10":null,"2":null,"toString":null}',
      fields: hostile.map(({ name, field: { type } }) => ({
        name,
        reading: { kind: "unfinished", type },
      })),
      usage: { steps: 0 },
    });
  });

  async function readWith(
    tools: AnswerTools,
    question: ReturnType<typeof asking>,
  ): Promise<ModelEvent[]> {
    const pictures = await decodeImages(question.images);
    if (!pictures.ok) throw new Error(pictures.refusal.kind);
    return await Array.fromAsync(
      readAnswer({ ...question, pictures: pictures.value }, tools, forever),
    );
  }

  test("is one pass for 1, 10 and 40 yes or no in lines", async () => {
    const card = { ...cardOf(model), style: { style: "lines" } } as const;
    for (const count of [1, 10, 40]) {
      const fields = Array.from(
        { length: count },
        (_, index): NamedField => ({ name: `f${index}`, field: { type: "boolean" } }),
      );
      const question = asking(fields, card);
      const end = (await readWith({ ...model.tools, read: card }, question)).at(-1);
      expect([question.options.steps, end]).toMatchObject([
        1,
        { kind: "answer.completed", usage: { forwardPasses: 1 } },
      ]);
    }
  });

  test("takes off what words are worth without looking where the card says so: found out once, shared by who asks meanwhile, and paid by nobody", async () => {
    const { features: _, neutral, engine, ...rest } = model.tools;
    let passes = 0;
    const counted = {
      ...engine,
      denoise: (...pass: Parameters<typeof engine.denoise>) => {
        passes += 1;
        return engine.denoise(...pass);
      },
    };
    const plain = cardOf(model);
    const question = asking([{ name: "kind", field: choice(["dog", "cat", "owl"]) }], plain);
    const read = async (card: ReadCard) => {
      const before = passes;
      const tools = {
        ...rest,
        engine: counted,
        read: card,
        ...(neutral === undefined ? {} : { neutral }),
      };
      const [one, other] = await Promise.all([
        readWith(tools, question),
        readWith(tools, question),
      ]);
      expect(one).toEqual(other);
      return { end: one.at(-1), passes: passes - before };
    };
    const asItIs = await read(plain);
    const weighed = await read({ ...plain, neutral: true });
    const again = await read({ ...plain, neutral: true });
    expect([asItIs.passes, weighed.passes, again.passes]).toEqual([2, 3, 2]);
    expect(weighed.end).toMatchObject({ usage: { forwardPasses: 1 } });
    expect(again.end).toEqual(weighed.end);
    expect(weighed.end).not.toEqual(asItIs.end);
  });
});
