import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerModes, modeTerms } from "#domain/modes.ts";
import type { Message, Question } from "#domain/question.ts";
import { decodeGenerate, encodeGenerate } from "#wire/function/generate.ts";
import { options, question } from "../../support/edge-builders.ts";

const speech = fc.record({
  role: fc.constantFrom("system" as const, "user" as const, "assistant" as const),
  text: fc.string({ unit: "grapheme" }),
});
const showing = fc.record({
  role: fc.constant("user" as const),
  text: fc.string({ unit: "grapheme" }),
  pictures: fc.integer({ min: 1, max: 2 }),
});
const conversations: fc.Arbitrary<readonly Message[]> = fc.array(fc.oneof(speech, showing), {
  minLength: 1,
  maxLength: 4,
});
const file = fc.uint8Array({ maxLength: 40 });

/** As many pictures as the messages name; where they name none, the user's first may bring any. */
function filesFor(messages: readonly Message[]): fc.Arbitrary<Uint8Array[]> {
  const named = messages.reduce((sum, { pictures = 0 }) => sum + pictures, 0);
  const isFree = named === 0 && messages.some(({ role }) => role === "user");
  return fc.array(file, { minLength: named, maxLength: isFree ? 3 : named });
}

const questions: fc.Arbitrary<Question> = conversations.chain((messages) =>
  fc.record({
    messages: fc.constant(messages),
    images: filesFor(messages),
    options: fc
      .record({
        seed: fc.nat(),
        mode: fc.constantFrom(...answerModes),
        refresh: fc.integer({ min: 1, max: 32 }),
        temperature: fc.double({ min: 0, max: 2, noNaN: true }),
        suffix: fc.string(),
      })
      .map(({ mode, refresh, ...some }) =>
        options({
          ...{ ...some, temperature: some.temperature + 0 },
          ...modeTerms(mode, refresh),
        }),
      ),
  }),
);

describe("a question on its way to the function", () => {
  test("arrives as it was sent", () => {
    fc.assert(
      fc.property(questions, (sent) => {
        expect(decodeGenerate(encodeGenerate(sent))).toEqual({ ok: true, value: sent });
      }),
    );
  });

  test("of before there were modes is one in exact: a kept question of 0.1.0, with its mode or without one", () => {
    const exact = question({ options: options({ mode: "exact" }) });
    const { options: asked, ...rest } = JSON.parse(new TextDecoder().decode(encodeGenerate(exact)));
    expect(asked.mode).toBe("exact");
    expect(Object.keys(asked)).not.toContain("refresh");
    const { mode: _, ...without } = asked;
    for (const kept of [asked, without]) {
      const bytes = new TextEncoder().encode(JSON.stringify({ ...rest, options: kept }));
      expect(decodeGenerate(bytes)).toEqual({ ok: true, value: exact });
    }
  });

  test("is the same bytes whatever the order in which its members were set", () => {
    const { suffix, stop, ...rest } = options({ suffix: "}", stop: ["\n"] });
    const reordered = question({ options: { ...(suffix && { suffix }), stop, ...rest } });
    const straight = question({ options: options({ suffix: "}", stop: ["\n"] }) });
    expect(encodeGenerate(reordered)).toEqual(encodeGenerate(straight));
  });

  test.each([
    ["an option that this side does not know", { ...body().options, cached: true }],
    ["a canvas beyond the limit", { ...body().options, canvas: 513 }],
  ])("is refused with %s", (_, changed) => {
    expect(decodeGenerate(bytesOf({ ...body(), options: changed }))).toMatchObject({
      ok: false,
      refusal: { kind: "invalid_request" },
    });
  });

  test("is refused with a picture that is no base64, by its place", () => {
    expect(decodeGenerate(bytesOf({ ...body(), images: ["AAAA", "?"] }))).toEqual({
      ok: false,
      refusal: {
        kind: "invalid_request",
        problems: [{ pointer: "/images/1", message: "is not base64" }],
      },
    });
  });

  test.each([
    ["more pictures than are there", [{ role: "user", text: "?", pictures: 2 }]],
    [
      "fewer pictures than are there",
      [
        { role: "user", text: "?", pictures: 1 },
        { role: "user", text: "?" },
      ],
    ],
    ["pictures that an answer shows", [{ role: "assistant", text: "!", pictures: 1 }]],
    ["pictures that nobody shows", [{ role: "system", text: "?" }]],
  ])("is refused with messages that bring %s", (title, messages) => {
    const images = title.startsWith("fewer") ? ["AAAA", "AAAA"] : ["AAAA"];
    expect(decodeGenerate(bytesOf({ ...body(), images, messages }))).toMatchObject({
      refusal: { kind: "invalid_request", problems: [{ pointer: "/messages" }] },
    });
  });

  test("of a version before this one, whose messages named no pictures, is read as it was meant", () => {
    const old = { ...body(), images: ["AAAA"], messages: [{ role: "user", text: "?" }] };
    expect(decodeGenerate(bytesOf(old))).toMatchObject({
      value: { messages: [{ role: "user", text: "?" }], images: [new Uint8Array(3)] },
    });
  });

  test("is refused unread when it is larger than any question can be", () => {
    expect(decodeGenerate(new Uint8Array(24 * 1024 * 1024))).toMatchObject({
      refusal: { kind: "body_too_large" },
    });
  });
});

function body(): { images: string[]; options: object } {
  return JSON.parse(new TextDecoder().decode(encodeGenerate(question())));
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
