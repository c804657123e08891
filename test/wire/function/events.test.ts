import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnswerCompleted, AnswerEvent } from "#domain/event.ts";
import { encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { AnswerStreamError, readAnswerEvents } from "#wire/function/events.ts";
import {
  chunked,
  collect,
  failures,
  numerics,
  story,
  storyWithAlternatives,
} from "../../support/edge-builders.ts";

function bytesOf(events: readonly AnswerEvent[]): Uint8Array {
  const text = events.map((event) => encodeSse(eventMessage(event, "ans_1"))).join(":\n\n");
  return new TextEncoder().encode(text);
}

describe("the events of an answer", () => {
  test("arrive as they were told, however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3000), { maxLength: 20 }), async (cuts) => {
        expect(await collect(readAnswerEvents(chunked(bytesOf(story), cuts)))).toEqual(story);
      }),
      { numRuns: 50 },
    );
  });

  test("say how much of the pictures was kept; a function of before says nothing, and then nothing was", async () => {
    const told = story.map((event): AnswerEvent => {
      if (event.kind === "answer.started") return { ...event, cachedImageVectors: 700 };
      if (event.kind !== "answer.completed") return event;
      return { ...event, usage: { ...event.usage, cachedImageVectors: 700 } };
    });
    expect(await collect(readAnswerEvents(chunked(bytesOf(told))))).toEqual(told);
    const [started] = await collect(readAnswerEvents(chunked(bytesOf(story))));
    expect(started).not.toHaveProperty("cachedImageVectors");
  });

  test("say the class of their arithmetic; a function of before says none, and serves all the same", async () => {
    const [started] = await collect(readAnswerEvents(chunked(bytesOf(story))));
    expect(started).toMatchObject({ numerics });
    const before = story.map((event): AnswerEvent => {
      if (event.kind !== "answer.started") return event;
      const { numerics: _, ...rest } = event;
      return rest;
    });
    expect(await collect(readAnswerEvents(chunked(bytesOf(before))))).toEqual(before);
  });

  test("say how pictures are of the model's world and what the answer is judged by; a function of before says nothing of that", async () => {
    const trust = {
      calibration: { temperature: 1.5, shift: -0.5, domain: { weight: 0.75, limit: 8 } },
      abstention: { sentences: ["I am not sure."], below: 0.5 },
    };
    const judged = { domainScore: -0.25, abstention: "out_of_domain", confidence: 0 } as const;
    const [started, first, second, completed] = story;
    const told = [
      { ...started, trust },
      { ...first, domainScore: -0.25 },
      second,
      { ...completed, ...judged },
    ] as readonly AnswerEvent[];
    expect(await collect(readAnswerEvents(chunked(bytesOf(told))))).toEqual(told);
    const { digest: _, decoder: __, ...rest } = { ...completed } as AnswerCompleted;
    const partial = [{ ...rest, ...judged, kind: "answer.partial" as const }];
    expect(await collect(readAnswerEvents(chunked(bytesOf(partial))))).toEqual(partial);
  });

  test("tell other tokens of a place, three at most and never an empty list", async () => {
    for (const count of [1, 3]) {
      const told = storyWithAlternatives(count);
      expect(await collect(readAnswerEvents(chunked(bytesOf(told))))).toEqual(told);
    }
    const [started, frame] = storyWithAlternatives(3);
    if (started === undefined || frame?.kind !== "answer.frame") throw new Error("no frame");
    for (const odd of [
      [],
      [...(frame.revealed[0]?.alternatives ?? []), { token: 1, text: "x", confidence: 0 }],
      [{ token: 1, text: "x", confidence: 1.5 }],
    ]) {
      const told = {
        ...frame,
        revealed: frame.revealed.map((one) => ({ ...one, alternatives: odd })),
      };
      await expect(collect(readAnswerEvents(chunked(bytesOf([started, told]))))).rejects.toThrow(
        AnswerStreamError,
      );
    }
  });

  test("are numbered so that a client can say what it saw last", () => {
    expect(story.map((event) => eventMessage(event, "ans_1").id)).toEqual([
      "ans_1.0",
      "ans_1.1",
      "ans_1.2",
      "ans_1.3",
    ]);
  });

  test("carry every refusal without losing a detail", async () => {
    for (const failure of Object.values(failures)) {
      const told: AnswerEvent[] = [{ kind: "answer.failed", failure }];
      expect(await collect(readAnswerEvents(chunked(bytesOf(told))))).toEqual(told);
    }
  });

  test("end at the end: what comes after is not read", async () => {
    const events = await collect(readAnswerEvents(chunked(bytesOf([...story, ...story]))));
    expect(events).toEqual(story);
  });

  const [started, first, second, completed] = story;
  const outOfOrder: [string, (AnswerEvent | undefined)[]][] = [
    ["without a start", [first, second, completed]],
    ["with two starts", [started, started]],
    ["with a step told twice", [started, first, first]],
    ["with steps going back", [started, second, first]],
    ["cut off in the middle", [started, first]],
    ["of nothing", []],
  ];
  test.each(outOfOrder)("%s are refused", async (_, events) => {
    const told = events.filter((event) => event !== undefined);
    await expect(collect(readAnswerEvents(chunked(bytesOf(told))))).rejects.toThrow();
  });

  test.each([
    ["an unknown name", "event: answer.maybe\ndata: {}\n\n"],
    ["no JSON", "event: answer.started\ndata: {\n\n"],
    [
      "a negative count",
      'event: answer.started\ndata: {"image_vectors":-1,"prompt_length":1,"canvas":4,"steps":2}\n\n',
    ],
    [
      "a probability that is none",
      'event: answer.started\ndata: {"image_vectors":1,"prompt_length":1,"canvas":4,"steps":2}\n\nevent: answer.frame\ndata: {"step":1,"stable_until":0,"revealed":[{"position":0,"token":1,"text":"a","confidence":null,"step":1}]}\n\n',
    ],
  ])("with %s are refused", async (_, text) => {
    const stream = chunked(new TextEncoder().encode(text));
    await expect(collect(readAnswerEvents(stream))).rejects.toThrow("answer.");
  });
});
