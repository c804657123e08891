import { describe, expect, test } from "vitest";
import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import { parseAnswerForm, parseAnswerJson } from "#wire/api/answers/requests.ts";
import { parseChat } from "#wire/compatible/chat-request.ts";
import { problemOf } from "#wire/error.ts";
import { formParts, jsonBody } from "../support/bodies.ts";
import { untold } from "../support/edge-builders.ts";

const askJson = (body: object) => parseAnswerJson(jsonBody(body), untold);
const askChat = (body: object) => parseChat(jsonBody(body), untold);

function detailOf(read: Result<unknown, Failure>): string {
  if (read.ok) throw new Error("it was taken");
  return problemOf(read.refusal, { requestId: "req_1", instance: "/" }).detail;
}

function urls(count: number): object[] {
  return Array<object>(count).fill({
    type: "image_url",
    image_url: { url: "data:image/png;base64,AAAA" },
  });
}

function chat(...messages: readonly (readonly object[])[]): object {
  return {
    messages: messages.map((parts) => ({
      role: "user",
      content: [{ type: "text", text: "?" }, ...parts],
    })),
  };
}

const large = Buffer.alloc(10 * 1024 * 1024 + 3).toString("base64");

describe("too much of pictures is refused by the limit that is broken, and by its number:", () => {
  test.each([
    ["their count", askJson({ question: "?", images: Array(9).fill({ data: "AAAA" }) })],
    ["the count of one message of a chat", askChat(chat(urls(9)))],
    ["the count of one message, beyond the parts that it may have", askChat(chat(urls(40)))],
    ["the count of a whole chat", askChat(chat(urls(5), urls(5)))],
  ])("%s", (_, read) => {
    expect(detailOf(read)).toMatch(/pictures.*\b8\b/);
  });

  test("the count of a form's files", async () => {
    const form = new FormData();
    form.append("question", "?");
    for (let file = 0; file < 9; file++) form.append("image", new Blob([Uint8Array.of(1)]));
    expect(detailOf(parseAnswerForm(await formParts(form), untold))).toContain(
      "at most 8 pictures",
    );
  });

  test("the bytes of one of a form's files, which it names by its place", async () => {
    const form = new FormData();
    form.append("question", "?");
    form.append("image", new Blob([Uint8Array.of(1)]));
    form.append("image", new Blob([Buffer.from(large, "base64")]));
    expect(detailOf(parseAnswerForm(await formParts(form), untold))).toMatch(
      /^Picture 2 has more than 10 MiB/,
    );
  });

  test("the bytes of one of a later message, which it names by its place", () => {
    const turn = (...images: string[]) => ({
      ...{ role: "user", content: "?", images: images.map((data) => ({ data })) },
    });
    const body = { messages: [turn("AAAA", "AAAA"), turn(large)] };
    expect(detailOf(askJson(body))).toMatch(/^Picture 3 has more than 10 MiB/);
  });

  test.each([
    ["the bytes of one", askJson({ question: "?", image: { data: large } })],
    [
      "the bytes of one in a chat",
      askChat(chat([{ type: "image_url", image_url: { url: `data:image/png;base64,${large}` } }])),
    ],
  ])("%s", (_, read) => {
    expect(detailOf(read)).toBe(
      "Picture 1 has more than 10 MiB. Scale it down, or send it as JPEG.",
    );
  });
});
