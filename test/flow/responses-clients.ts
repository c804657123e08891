import { createOpenAI } from "@ai-sdk/openai";
import { generateText, type ModelMessage, Output, streamText } from "ai";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { LocalSystem } from "../support/local-system.ts";

/** Pictures to ask about, as files and as data URIs. */
export interface ShownPictures {
  readonly dog: Uint8Array;
  readonly dogUri: string;
  readonly whaleUri: string;
}

const question = "What is this?";

const seen = z.object({
  kind: z.enum(["cat", "dog", "whale"]).describe("What is this?"),
  isAnimal: z.boolean().describe("Is this an animal?"),
});

/** What new code of OpenAI's clients asks, of a system that another suite has started. */
export function describeResponses(systemOf: () => LocalSystem, pictures: ShownPictures): void {
  describe("the official openai client's responses", () => describeOpenAi(systemOf, pictures));
  describe("the AI SDK, with @ai-sdk/openai", () => describeAiSdk(systemOf, pictures));
}

function describeOpenAi(systemOf: () => LocalSystem, { dogUri, whaleUri }: ShownPictures): void {
  const openai = (): OpenAI =>
    new OpenAI({ baseURL: `${systemOf().url}/v1`, apiKey: systemOf().key, maxRetries: 0 });
  const shown = (image_url: string): OpenAI.Responses.ResponseInput => [
    {
      role: "user",
      content: [
        { type: "input_text", text: question },
        { type: "input_image", image_url, detail: "auto" },
      ],
    },
  ];
  const asked = () => ({ model: systemOf().model, input: shown(dogUri), max_output_tokens: 16 });

  test("get a true answer about a picture, which is retrieved, listed and deleted by its id", async () => {
    const metadata = { page: "12" };
    const response = await openai().responses.create({ ...asked(), metadata });
    expect([response.output_text, response.status]).toEqual(["A dog.", "completed"]);
    expect(response.usage!.input_tokens).toBeGreaterThan(36);
    const again = await openai().responses.retrieve(response.id);
    expect(again).toEqual(response);
    const items = await Array.fromAsync(await openai().responses.inputItems.list(response.id));
    expect(items).toMatchObject([{ role: "user", content: [{ type: "input_image" }, {}] }]);
    await openai().responses.delete(response.id);
    const gone: unknown = await openai()
      .responses.retrieve(response.id)
      .catch((cause: unknown) => cause);
    expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("go on from a response with what it was shown", async () => {
    const first = await openai().responses.create(asked());
    const again = await openai().responses.create({
      ...{ model: systemOf().model, input: question, previous_response_id: first.id },
    });
    expect([again.output_text, again.previous_response_id]).toEqual(["A dog.", first.id]);
    const other = await openai().responses.create({
      ...{ model: systemOf().model, input: shown(whaleUri), previous_response_id: first.id },
    });
    expect(other.output_text).toBe("A whale.");
    const lost: unknown = await openai()
      .responses.create({ ...asked(), previous_response_id: "resp_2" })
      .catch((cause: unknown) => cause);
    expect(lost).toBeInstanceOf(OpenAI.BadRequestError);
    expect(lost).toMatchObject({
      ...{ code: "previous_response_not_found", param: "previous_response_id" },
    });
  });

  test("stream what they accumulate to the response, and hear it again behind any event", async () => {
    const stream = openai().responses.stream({ ...asked(), store: true });
    let text = "";
    const numbers: number[] = [];
    for await (const event of stream) {
      numbers.push(event.sequence_number);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    const final = await stream.finalResponse();
    expect([text, final.output_text, final.status]).toEqual(["A dog.", "A dog.", "completed"]);
    const starting_after = numbers[3]!;
    const resumed = await openai().responses.retrieve(final.id, { stream: true, starting_after });
    const heard = await Array.fromAsync(resumed);
    expect(heard.map(({ sequence_number }) => sequence_number)).toEqual(
      expect.arrayContaining(numbers.slice(-4)),
    );
    expect(heard[0]?.type).toBe("response.output_text.delta");
  });

  test("come back for what is made in the background, and cancel it", async () => {
    const begun = await openai().responses.create({ ...asked(), background: true });
    expect(["queued", "in_progress", "completed"]).toContain(begun.status);
    const stream = openai().responses.stream({ response_id: begun.id });
    expect((await stream.finalResponse()).output_text).toBe("A dog.");
    const ended = await openai().responses.cancel(begun.id);
    expect(ended).toMatchObject({ status: "completed", background: true });
    const long = await openai().responses.create({
      ...{ ...asked(), background: true },
      ...{ x_unmask: { canvas: 512, cache: "off" }, max_output_tokens: null },
    } as OpenAI.Responses.ResponseCreateParamsNonStreaming);
    expect((await openai().responses.cancel(long.id)).status).toBe("cancelled");
  });

  test("parse a value that a schema describes, and stream it", async () => {
    const format = zodTextFormat(seen, "seen");
    const parsed = await openai().responses.parse({ ...asked(), text: { format } });
    expect(parsed.output_parsed).toEqual({ kind: "dog", isAnimal: expect.any(Boolean) });
    const stream = openai().responses.stream({ ...asked(), text: { format } });
    expect((await stream.finalResponse()).output_parsed).toEqual(parsed.output_parsed);
  });

  test("understand a refusal as their own error, with the field and the reason", async () => {
    const refused: unknown = await openai()
      .responses.create({ ...asked(), tools: [{ type: "web_search" }] })
      .catch((cause: unknown) => cause);
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
    expect(refused).toMatchObject({ param: "tools", code: "invalid_request" });
    expect(String(refused)).toContain("calls no tools");
  });
}

function describeAiSdk(systemOf: () => LocalSystem, { dog }: ShownPictures): void {
  const sent: string[] = [];
  const noting: typeof fetch = (input, init) => {
    sent.push(String(init?.body));
    return fetch(input, init);
  };
  const model = () => {
    const { url, key, model } = systemOf();
    return createOpenAI({ baseURL: `${url}/v1`, apiKey: key, fetch: noting })(model);
  };
  const messages: ModelMessage[] = [
    {
      role: "user",
      content: [
        { type: "text", text: question },
        { type: "file", data: dog, mediaType: "image/png" },
      ],
    },
  ];

  test("generates the answer about a picture, and goes on in the conversation with what it was told", async () => {
    const first = await generateText({ model: model(), messages, maxOutputTokens: 16 });
    expect([first.text, first.finishReason]).toEqual(["A dog.", "stop"]);
    expect(first.usage.inputTokens).toBeGreaterThan(36);
    // It sends the message of before by its id alone.
    const next = await generateText({
      model: model(),
      messages: [...messages, ...first.response.messages, { role: "user", content: question }],
    });
    expect([next.text, next.finishReason]).toEqual(["A dog.", "stop"]);
    expect(sent.at(-1)).toContain("item_reference");
  });

  test("generates a value that a schema describes", async () => {
    const { output } = await generateText({
      ...{ model: model(), messages, output: Output.object({ schema: seen }) },
    });
    expect(output).toEqual({ kind: "dog", isAnimal: expect.any(Boolean) });
  });

  test("streams it", async () => {
    const result = streamText({ model: model(), messages, maxOutputTokens: 16 });
    expect((await Array.fromAsync(result.textStream)).join("")).toBe("A dog.");
    expect(await result.finishReason).toBe("stop");
    expect((await result.usage).outputTokens).toBeGreaterThan(0);
  });
}
