import { readFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { choice, noul, score, TypeSafeClient } from "@typesafe-ai/sdk";
import { experimental_decide, experimental_extract } from "ai";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { createUnmask } from "#client/ai-sdk/provider.ts";
import { createClient } from "#client/client.ts";
import type { LocalSystem } from "../support/local-system.ts";

const picture = new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"));
const dataUri = `data:image/png;base64,${Buffer.from(picture).toString("base64")}`;

/** The clients of decisions, each as its users write it, over a system that knows drawings. */
export function testDecisionClients(system: () => LocalSystem): void {
  describe("the official openai client's decisions", () => {
    const openai = () => new OpenAI({ baseURL: `${system().url}/v1`, apiKey: system().key });
    const input: OpenAI.DecisionCreateParams["input"] = [
      { role: "user", content: [{ type: "input_image", image_url: dataUri }] },
    ];
    const questions: OpenAI.DecisionCreateParams["questions"] = [
      { type: "predicate", name: "animal", instructions: "Is this an animal?" },
      {
        type: "choice",
        name: "thing",
        instructions: "What is this?",
        choices: [{ value: "cat" }, { value: "dog" }, { value: "tree" }],
      },
    ];

    test("are true of the picture, in order and by name, and sum to 1", async () => {
      const { answers, model, usage } = await openai().decisions.create({
        ...{ model: system().model, input, questions },
      });
      const [animal, thing] = answers;
      if (animal?.type !== "predicate" || thing?.type !== "choice") throw new Error("refused");
      expect([animal.name, animal.probability > 0.5]).toEqual(["animal", true]);
      expect([thing.name, thing.choice]).toEqual(["thing", "dog"]);
      const sum = thing.probabilities.reduce((total, { probability }) => total + probability, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
      expect([model, usage.output_tokens]).toEqual([system().model, 0]);
      expect(usage.input_tokens).toBeGreaterThan(36);
    });

    test("cost what a quote of the same fields says, and nothing twice", async () => {
      const body = { model: system().model, input, questions, x_unmask: { cache: "off" } };
      const options = { headers: { "Idempotency-Key": "decisions-once" } };
      const first = (await openai().decisions.create(body, options)) as unknown as Told;
      const again = (await openai().decisions.create(body, options)) as unknown as Told;
      const { price_micros } = await createClient({
        baseUrl: system().url,
        apiKey: system().key,
      }).quote({
        images: [picture],
        fields: {
          q1: { type: "boolean", instructions: "Is this an animal?" },
          q2: {
            ...{ type: "choice", instructions: "What is this?" },
            criteria: ["cat", "dog", "tree"],
          },
        },
      });
      expect(first.x_unmask.charged_micros).toBe(price_micros);
      expect(again.x_unmask.id).toBe(first.x_unmask.id);
    });

    test("a question that the model abstains from is a refusal, and the other is answered", async () => {
      const body = { model: system().model, input, questions };
      const sure = (await openai().decisions.create(body)) as unknown as Told;
      const likely = sure.x_unmask.read.map(({ probability }) => probability);
      const between = likely.reduce((sum, one) => sum + one, 0) / likely.length;
      const { answers } = await openai().decisions.create({
        ...body,
        ...{ x_unmask: { abstain_below: between } },
      });
      const unsure = likely.map((one) => one < between);
      expect(unsure.toSorted()).toEqual([false, true]);
      expect(answers.map(({ type }) => type === "refusal")).toEqual(unsure);
    });

    test("what cannot be held is the client's own error, with its place", async () => {
      const many = Array.from({ length: 65 }, () => questions[0]!);
      const error: unknown = await openai()
        .decisions.create({ model: system().model, input, questions: many })
        .then(undefined, (cause: unknown) => cause);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error).toMatchObject({ code: "invalid_request", param: "questions" });
    });
  });

  test("the AI SDK's own provider for OpenAI decides here, with another base URL and key", async () => {
    const openai = createOpenAI({ baseURL: `${system().url}/v1`, apiKey: system().key });
    const { answers, usage } = await experimental_decide({
      model: openai.decisionModel(system().model),
      state: [{ type: "file", mediaType: "image/png", data: picture }],
      questions: {
        animal: { type: "boolean", instructions: "Is this an animal?" },
        thing: {
          ...{ type: "choice", instructions: "What is this?" },
          criteria: { cat: null, dog: null },
        },
        background: {
          ...{ type: "score", instructions: "What color is the background?" },
          criteria: ["white", "blue"],
        },
      },
    });
    expect([answers.animal.probability > 0.5, answers.thing.choice]).toEqual([true, "dog"]);
    expect(answers.background.score).toBeLessThanOrEqual(1);
    expect(usage.outputTokens).toBe(0);
  });

  describe("Jev's own client", () => {
    const jev = () =>
      new TypeSafeClient({ ...{ baseURL: system().url, apiKey: system().key }, logLevel: "off" });

    test("lists the models", async () => {
      const [first] = await jev().models.list();
      expect(first).toMatchObject({ name: system().model, release_date: "" });
      expect(first?.description).toMatch(/\w/);
    });

    test("decides about a picture, with the model that it asks for by itself", async () => {
      const { answers, usage } = await jev().systemOne({
        state: null,
        questions: {
          animal: noul("Is this an animal?"),
          thing: choice("What is this?", { cat: null, dog: null }),
          background: score("What color is the background?", ["white", "blue"]),
        },
        // An extension of OpenJev's, which the client's types do not know.
        ...{ images: [dataUri] },
      });
      expect(answers.animal.noul).toBeGreaterThan(0.5);
      expect(answers.thing.choice).toBe("dog");
      expect(answers.background.legend).toEqual({ 0: "white", 1: "blue" });
      expect(usage.output_tokens).toBe(0);
    });

    test("reads refusals: of a body by its fields, of a model by its name, each with the request's id", async () => {
      const refused = async (request: object): Promise<unknown> =>
        await jev()
          .systemOne({ state: null, questions: { animal: noul("Is it?") }, ...request })
          .then(undefined, (cause: unknown) => cause);
      expect(await refused({ steps: 4 })).toMatchObject({
        ...{ status: 422, requestId: expect.stringMatching(/^req_/) },
        message: expect.stringContaining("steps: "),
      });
      expect(await refused({ model: "jev-9" })).toMatchObject({
        ...{ status: 400, message: expect.stringContaining('"jev-9"') },
      });
    });
  });

  describe("the AI SDK, with unmask/ai-sdk", () => {
    const unmask = () => createUnmask({ baseUrl: system().url, apiKey: system().key });
    const state = [{ type: "file" as const, mediaType: "image/png", data: picture }];

    test("decides about a picture", async () => {
      const { answers, providerMetadata } = await experimental_decide({
        model: unmask().decisionModel(),
        state,
        questions: {
          animal: { type: "boolean", instructions: "Is this an animal?" },
          thing: {
            ...{ type: "choice", instructions: "What is this?" },
            criteria: { cat: null, dog: null, tree: null },
          },
        },
      });
      expect(answers.thing.choice).toBe("dog");
      expect(answers.animal.probability).toBeGreaterThan(0.5);
      expect(providerMetadata?.["unmask"]?.["charged_micros"]).toBeGreaterThan(0);
    });

    test("extracts values that are of their types, with how sure they are", async () => {
      const { answers } = await experimental_extract({
        model: unmask().extractionModel(),
        state,
        fields: {
          count: {
            ...{ type: "number", instructions: "How many objects are there?" },
            integer: true,
          },
          says: { type: "text", instructions: "What is this?" },
        },
        providerOptions: {
          unmask: { fields: { count: { minimum: 0, maximum: 4 }, says: { max_tokens: 6 } } },
        },
      });
      expect(answers.count.value).toBe(1);
      expect(answers.count.confidence).toBeGreaterThan(0.5);
      expect(answers.says.value).toMatch(/dog/i);
    });
  });
}

/** What the client's types do not know of a reply. */
interface Told {
  readonly x_unmask: {
    readonly id: string;
    readonly charged_micros: number;
    readonly read: readonly { readonly probability: number }[];
  };
}
