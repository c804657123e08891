import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeSse,
  encodeSse,
  MAX_SSE_EVENT_LENGTH,
  type SseMessage,
  sseStream,
} from "#wire/codec/sse.ts";
import { chunked, collect, told } from "../../support/edge-builders.ts";

const utf8 = new TextEncoder();

async function decode(text: string, cuts: readonly number[] = []): Promise<SseMessage[]> {
  return await collect(decodeSse(chunked(utf8.encode(text), cuts)));
}

const messages = fc.array(
  fc.record({
    event: fc.stringMatching(/^[a-z]+\.[a-z]+$/),
    data: fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\r", "")),
    id: fc.stringMatching(/^ans_[0-9]+\.[0-9]+$/),
  }),
  { maxLength: 8 },
);
const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

describe("server-sent events", () => {
  test("are read as they were written, however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(messages, cuts, async (sent, places) => {
        expect(await decode(sent.map(encodeSse).join(""), places)).toEqual(sent);
      }),
    );
  });

  test("are read alike with every cut, also where lines end by hostile mixtures", async () => {
    const fragments = fc.constantFrom(
      ...["\r", "\n", "\r\n", "data: é😀", "data:x", "event: a", "id: 7", ": c", "retry: 9", "\0"],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fragments, { maxLength: 30 }), cuts, async (parts, places) => {
        const text = parts.join("");
        expect(await decode(text, places)).toEqual(await decode(text));
      }),
    );
  });

  test("follow the standard: comments, unknown fields and what the end cuts off are dropped", async () => {
    const text =
      "﻿: hello\nretry: 1000\nid: 1\nevent: a\ndata: one\ndata:  two\nfoo: bar\n\ndata\n\nevent: b\n\ndata: lost\n";
    expect(await decode(text)).toEqual([
      { event: "a", data: "one\n two", id: "1", retry: 1000 },
      { event: "message", data: "", id: "1" },
    ]);
  });

  test.each([
    ["one endless line", `data: ${"x".repeat(MAX_SSE_EVENT_LENGTH + 1)}`],
    ["endless lines of one event", `data: ${"x".repeat(1000)}\n`.repeat(1100)],
  ])("of %s are refused", async (_, text) => {
    await expect(decode(text)).rejects.toThrow("longer than");
  });

  test("with a line end in a name or id are a bug and never leave", () => {
    expect(() => encodeSse({ event: "a\ndata: forged", data: "" })).toThrow(RangeError);
    expect(() => encodeSse({ event: "a", id: "1\r2", data: "" })).toThrow(RangeError);
  });

  test("cancel their source when the reader leaves", async () => {
    let reason: unknown = "not cancelled";
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(utf8.encode("data: again\n\n"));
      },
      cancel(given) {
        reason = given;
      },
    });
    for await (const _ of decodeSse(stream)) break;
    expect(reason).toBeUndefined();
  });
});

describe("a stream of events", () => {
  test("carries what was told, in order", async () => {
    const sent = [1, 2, 3].map((step) => ({ event: "answer.frame", data: `${step}` }));
    const stream = sseStream(told(sent), { cancel: () => {} });
    expect(await collect(decodeSse(stream))).toEqual(sent);
  });

  test("sends a comment while nothing is told, and loses nothing by it", async () => {
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<SseMessage> {
      await told;
      yield { event: "answer.frame", data: "late" };
    }
    const stream = sseStream(slow(), { cancel: () => {}, heartbeatMs: 5 });
    let text = "";
    for await (const chunk of stream) {
      text += new TextDecoder().decode(chunk);
      if (text === ":\n\n:\n\n") tell();
    }
    expect(text).toMatch(/^(:\n\n){2,}event: answer\.frame\ndata: late\n\n$/);
  });

  test("ends its source when the reader goes away, also between two events", async () => {
    const ends: unknown[] = [];
    async function* source(): AsyncGenerator<SseMessage> {
      try {
        yield { event: "a", data: "" };
        yield { event: "b", data: "" };
      } finally {
        ends.push("source ended");
      }
    }
    const stream = sseStream(source(), { cancel: (reason) => ends.push(reason) });
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel("gone");
    expect(ends).toEqual(["gone", "source ended"]);
  });

  test("breaks off when its source does", async () => {
    async function* broken(): AsyncGenerator<SseMessage> {
      yield { event: "a", data: "" };
      throw new Error("worker lost");
    }
    const stream = sseStream(broken(), { cancel: () => {} });
    await expect(collect(decodeSse(stream))).rejects.toThrow("worker lost");
  });
});
