import { readFileSync } from "node:fs";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, Output, streamText } from "ai";
import { vl } from "moondream";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { createClient } from "#client/client.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { testDecisionClients } from "./decision-clients.ts";
import { describeResponses } from "./responses-clients.ts";

const picture = new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"));
const dataUri = `data:image/png;base64,${Buffer.from(picture).toString("base64")}`;
const whaleUri = `data:image/png;base64,${readFileSync("test/fixtures/pictures/whale.png").toString("base64")}`;
const question = "What is this?";

/** What a person would ask of a picture, with a value inside another. */
const Animal = z.object({
  kind: z.enum(["dog", "cat", "whale"]).describe("What is this?"),
  seen: z.object({ isDog: z.boolean().describe("Is this a dog?") }),
  color: z.enum(["brown", "black", "white"]).nullable().describe("What color is it?"),
});

let system: LocalSystem;
beforeAll(async () => {
  // Sees one picture and obeys no system message, so that what clients are told of both is seen here.
  system = await startLocalSystem("programs", {
    args: ["--model", "infra/demo-model/bundle", "--provider", "cpu"],
  });
}, 120_000);
afterAll(async () => await system[Symbol.asyncDispose]());

describe("the official openai client, with another base URL and key", () => {
  const openai = (): OpenAI => new OpenAI({ baseURL: `${system.url}/v1`, apiKey: system.key });
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: "developer", content: "Answer in a sentence." },
    {
      role: "user",
      content: [
        { type: "text", text: question },
        { type: "image_url", image_url: { url: dataUri, detail: "auto" } },
      ],
    },
  ];
  const chat = () => ({
    model: system.model,
    messages: messages.slice(1),
    max_completion_tokens: 16,
  });

  test("gets a true answer about a picture, with usage that counts the picture", async () => {
    const completion = await openai().chat.completions.create(chat());
    expect(completion.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { role: "assistant", content: "A dog." },
    });
    expect(completion.usage!.prompt_tokens).toBeGreaterThan(36);
    expect(completion.usage!.total_tokens).toBe(
      completion.usage!.prompt_tokens + completion.usage!.completion_tokens,
    );
  });

  test("streams deltas that are the answer, then the usage", async () => {
    const stream = await openai().chat.completions.create({
      ...chat(),
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    const finishes: string[] = [];
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason);
      if (chunk.choices.length === 0) usage = chunk.usage;
    }
    const whole = await openai().chat.completions.create({ ...chat(), messages });
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(finishes).toEqual([whole.choices[0]?.finish_reason]);
    expect(usage).toEqual(whole.usage);
  });

  test("stops before a text, wherever tokens begin, at once and streamed", async () => {
    const body = { ...chat(), stop: "og" };
    const whole = await openai().chat.completions.create(body);
    expect(whole.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: "A d" },
    });
    let text = "";
    const stream = await openai().chat.completions.create({ ...body, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("A d");
  });

  test("is told of an empty answer as of a request that has to change, and does not repeat it", async () => {
    let sent = 0;
    const counting: typeof fetch = (input, init) => {
      sent += 1;
      return fetch(input, init);
    };
    const client = new OpenAI({
      ...{ baseURL: `${system.url}/v1`, apiKey: system.key, fetch: counting },
    });
    const { max_completion_tokens: _, ...unbounded } = chat();
    const body = { ...unbounded, x_unmask: { canvas: 256, steps: 16 } };
    const error: unknown = await client.chat.completions
      .create(body)
      .then(undefined, (cause: unknown) => cause);
    expect(error).toBeInstanceOf(OpenAI.UnprocessableEntityError);
    expect(error).toMatchObject({ code: "empty_answer" });
    expect(String(error)).toMatch(/canvas of 256 positions; ask with a canvas of \d+ or less/);
    expect(sent).toBe(1);
  });

  test("gets the same answer with the ceiling that harnesses send, and a canvas that the model knows", async () => {
    for (const max_tokens of [256, 512, 4096]) {
      const body = { model: system.model, messages: messages.slice(1), max_tokens };
      const { choices, usage } = await openai().chat.completions.create(body);
      expect(choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "A dog." } });
      expect(usage?.completion_tokens).toBeLessThan(32);
    }
  });

  test("gets the same answer with a system message that the model does not know, and is told", async () => {
    for (const role of ["system", "developer"] as const) {
      const asked = [
        { role, content: "You are a pirate. Answer in German." },
        ...messages.slice(1),
      ];
      const told = await openai().chat.completions.create({ ...chat(), messages: asked });
      expect(told.choices[0]?.message.content).toBe("A dog.");
      expect(told).toMatchObject({
        x_unmask: { warnings: [{ code: "system_message_dropped" }] },
      });
    }
  });

  test("sends back what it was told, nothing included, and asks on", async () => {
    // What people's programs send, which the client's own types do not all allow.
    const history = [
      { role: "system", content: "" },
      {
        role: "user",
        content: [{ type: "image_url", image_url: { url: dataUri, detail: null } }],
      },
      { role: "assistant", content: null },
      { role: "assistant", content: "" },
      { role: "user", content: question },
    ] as unknown as OpenAI.ChatCompletionMessageParam[];
    const told = await openai().chat.completions.create({ ...chat(), messages: history });
    expect(told.choices[0]?.message.content).toBe("A dog.");
  });

  // The demo model was trained with one picture: with a whale behind a dog it sees the whale, with a cat it may not.
  test("asks about the picture of the turn in which it asks", async () => {
    const show = (url: string): OpenAI.ChatCompletionUserMessageParam => ({
      role: "user",
      content: [
        { type: "text", text: question },
        { type: "image_url", image_url: { url } },
      ],
    });
    const told = await openai().chat.completions.create({
      ...chat(),
      messages: [show(dataUri), { role: "assistant", content: "A dog." }, show(whaleUri)],
    });
    expect(told.choices[0]?.message.content).toBe("A whale.");
    expect(told).toMatchObject({
      x_unmask: {
        warnings: [{ code: "several_pictures_untrained" }, { code: "late_picture_untrained" }],
      },
    });
  });

  test("lists and shows the model", async () => {
    const models = await Array.fromAsync(await openai().models.list());
    expect(models.map(({ id }) => id)).toEqual([system.model]);
    expect(await openai().models.retrieve(system.model)).toMatchObject({ object: "model" });
  });

  test("understands every refusal as its own error, with the field and the reason", async () => {
    const refused = async (body: object, key = system.key): Promise<unknown> =>
      await new OpenAI({ baseURL: `${system.url}/v1`, apiKey: key, maxRetries: 0 }).chat.completions
        .create({ ...chat(), ...body })
        .then(undefined, (error: unknown) => error);
    const tools = [{ type: "function", function: { name: "f" } }];
    expect(await refused({ tools })).toBeInstanceOf(OpenAI.BadRequestError);
    expect(await refused({ tools })).toMatchObject({ param: "tools", code: "invalid_request" });
    expect(await refused({ n: 2 })).toMatchObject({ status: 400, param: "n" });
    expect(await refused({}, "umk_test_wrong")).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(await refused({ model: "gpt-5" })).toMatchObject({
      ...{ status: 404, code: "model_not_found", param: "model" },
    });
    expect(await refused({ model: "gpt-5" })).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("parses a picture into a zod schema, at once, streamed, and as a function's arguments", async () => {
    const asked = { ...chat(), response_format: zodResponseFormat(Animal, "animal") };
    const { choices, usage } = await openai().chat.completions.parse(asked);
    const animal = choices[0]?.message.parsed;
    expect(animal).toMatchObject({ kind: "dog", seen: { isDog: true } });
    expect([choices[0]?.finish_reason, (usage?.prompt_tokens ?? 0) > 36]).toEqual(["stop", true]);
    const stream = openai().chat.completions.stream(asked);
    const whole = await stream.finalChatCompletion();
    expect(whole.choices[0]?.message.parsed).toEqual(animal);
    const called = await openai().chat.completions.parse({
      ...chat(),
      tools: [zodFunction({ name: "animal", parameters: Animal })],
      tool_choice: "required",
    });
    const [call] = called.choices[0]?.message.tool_calls ?? [];
    if (call?.type !== "function") throw new Error("no function is called");
    expect(call.function.parsed_arguments).toEqual(animal);
  });

  test("is told which part of a schema cannot be read", async () => {
    const response_format = zodResponseFormat(z.object({ word: z.email() }), "word");
    const error: unknown = await openai()
      .chat.completions.parse({ ...chat(), response_format })
      .then(undefined, (cause: unknown) => cause);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({
      code: "schema_unsupported",
      param: expect.stringContaining("schema.properties.word."),
    });
  });

  test("is charged once for a request that it repeats under an Idempotency-Key", async () => {
    const headers = { "Idempotency-Key": `chat-${Date.now()}` };
    const body = { ...chat(), seed: 7, temperature: 0.5 };
    const first = await openai().chat.completions.create(body, { headers });
    const second = await openai().chat.completions.create(body, { headers });
    expect(second.id).toBe(first.id);
  });
});

describeResponses(() => system, { dog: picture, dogUri: dataUri, whaleUri });

describe("the AI SDK, with @ai-sdk/openai-compatible", () => {
  const model = () =>
    createOpenAICompatible({
      name: "unmask",
      baseURL: `${system.url}/v1`,
      apiKey: system.key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(system.model);
  const messages = [
    {
      role: "user" as const,
      content: [
        { type: "text" as const, text: question },
        { type: "file" as const, data: picture, mediaType: "image/png" },
      ],
    },
  ];

  test("generates the answer about a picture", async () => {
    const { text, finishReason, usage } = await generateText({
      model: model(),
      messages,
      maxOutputTokens: 16,
    });
    expect([text, finishReason]).toEqual(["A dog.", "stop"]);
    expect(usage.inputTokens).toBeGreaterThan(36);
  });

  test("asks on in a conversation with a system message and a ceiling of 4,096", async () => {
    const { text, finishReason } = await generateText({
      model: model(),
      system: "Answer like a pirate.",
      messages: [
        ...messages,
        { role: "assistant", content: "" },
        { role: "user", content: "What is this?" },
      ],
      maxOutputTokens: 4096,
    });
    expect([text, finishReason]).toEqual(["A dog.", "stop"]);
  });

  test("streams it", async () => {
    const result = streamText({ model: model(), messages, maxOutputTokens: 16 });
    expect((await Array.fromAsync(result.textStream)).join("")).toBe("A dog.");
    expect(await result.finishReason).toBe("stop");
    expect((await result.usage).outputTokens).toBeGreaterThan(0);
  });

  test("generates an object about a picture, by either of its functions, and chooses one of a few", async () => {
    const { object, finishReason } = await generateObject({
      ...{ model: model(), schema: Animal, messages },
    });
    expect(object).toMatchObject({ kind: "dog", seen: { isDog: true } });
    expect(finishReason).toBe("stop");
    const { output } = await generateText({
      ...{ model: model(), output: Output.object({ schema: Animal }), messages },
    });
    expect(output).toEqual(object);
    const result = streamText({
      ...{ model: model(), output: Output.object({ schema: Animal }), messages },
    });
    expect((await Array.fromAsync(result.partialOutputStream)).at(-1)).toEqual(object);
  });
});

testDecisionClients(() => system);

describe("Moondream's client", () => {
  const moondream = () => new vl({ endpoint: `${system.url}/v1`, apiKey: system.key });
  const image = Buffer.from(picture);

  test("queries, at once and streamed, with the key in X-Moondream-Auth", async () => {
    const { answer } = await moondream().query({ image, question });
    expect(answer).toBe("A dog.");
    const streamed = await moondream().query({ image, question, stream: true });
    if (typeof streamed.answer === "string") throw new Error("the answer is not streamed");
    expect((await Array.fromAsync(streamed.answer as AsyncIterable<string>)).join("")).toBe(
      "A dog.",
    );
  });

  test.each(["short", "normal", "long"] as const)("captions, %s", async (length) => {
    const { caption } = await moondream().caption({ image, length });
    expect(caption).toContain("dog");
  });

  test("hears that boxes and points are not to be had", async () => {
    await expect(moondream().detect({ image, object: "dog" })).rejects.toThrow("400");
  });
});

describe("our own client", () => {
  const client = () => createClient({ baseUrl: system.url, apiKey: system.key });

  test("quotes, asks, reads again, lists, and asks about an upload", async () => {
    const { id } = await client().images.upload(picture);
    const ask = { question, images: [{ id }], canvas: 16, cache: "off" as const };
    const quote = await client().quote(ask);
    const answer = await client().ask(ask);
    expect(answer).toMatchObject({ answer: "A dog.", charged_micros: quote.price_micros });
    expect(await client().answers.get(answer.id)).toEqual(answer);
    const replay = await client().answers.replay(answer.id);
    expect(replay.equal).toBe(true);
  });

  test("reads fields at their quote, each told once, and a replay reads the same", async () => {
    const ask = {
      images: [picture],
      fields: {
        animal: { type: "boolean", instructions: "Is it an animal?" },
        kind: { type: "choice", instructions: question, criteria: ["cat", "dog"], none: true },
        name: { type: "text", instructions: question, max_tokens: 6 },
      },
      cache: "off",
    } as const;
    const quote = await client().quote(ask);
    const asked = client().ask(ask);
    const told: string[] = [];
    for await (const update of asked)
      if (update.event === "field.completed") told.push(update.field);
    expect(told.toSorted()).toEqual(["animal", "kind", "name"]);
    expect(await asked.values()).toEqual({ animal: true, kind: "dog", name: "A dog." });
    const answer = await asked;
    expect(JSON.parse(answer.answer)).toEqual(await asked.values());
    expect(answer.charged_micros).toBe(quote.price_micros);
    expect(answer.usage.forward_passes).toBeLessThanOrEqual(quote.forward_passes);
    expect(await client().answers.get(answer.id)).toEqual(answer);
    expect(await client().answers.replay(answer.id)).toMatchObject({
      equal: true,
      difference: null,
    });
  });

  test("scores answers at their quote", async () => {
    const ask = {
      question,
      images: [picture],
      answers: ["A cat.", "A dog."],
      cache: "off",
    } as const;
    const quote = await client().quote(ask);
    const { scores, best, charged_micros } = await client().scores(ask);
    expect([scores.map(({ answer }) => answer), best]).toEqual([ask.answers, "A dog."]);
    expect(scores[1]?.share).toBeGreaterThan(0.5);
    expect(charged_micros).toBe(quote.price_micros);
  });

  test("cancels an answer, which ends with what was charged", async () => {
    const asked = client().ask({ question: "Why?", canvas: 512, cache: "off" });
    for await (const update of asked) if (update.event === "answer.frame") await asked.cancel();
    const { status, usage } = await asked;
    expect([status, usage.steps < 512]).toEqual(["cancelled", true]);
  });

  test("gets a partial answer at its deadline", async () => {
    const answer = await client().ask({ question, canvas: 512, deadline_ms: 300, cache: "off" });
    expect(answer.status).toBe("partial");
    expect(answer.usage.steps).toBeLessThan(512);
  });
});
