import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { SseMessage } from "#wire/codec/sse.ts";
import { responseEvents } from "#wire/compatible/responses/response-stream.ts";
import { untoldTerms } from "#wire/compatible/responses/response-terms.ts";
import type { TextUpdate } from "#wire/compatible/stable-text.ts";

const told = { terms: untoldTerms, instructions: null, isStored: true };

function answer(text: string): AnswerBody {
  return {
    ...{ id: "ans_2a", object: "answer", status: "completed", answer: text, confidence: 1 },
    ...{ in_domain: null, domain_score: null, abstained: false, abstention: null },
    ...{ model: "m", model_digest: null, numerics: null, restarts: 0, digest: null, cached: false },
    usage: {
      ...{ image_vectors: 0, cached_image_vectors: 0, prompt_length: 9, canvas: 32, steps: 1 },
      ...{ forward_passes: 1, refreshes: 1, rows: 41 },
    },
    charged_micros: 1,
    ...{ created_at: "2026-01-01T00:00:00.000Z", ended_at: "2026-01-01T00:00:01.000Z" },
    ...{ tokens: [], error: null, warnings: [] },
  };
}

async function eventsOf(pieces: readonly string[], after?: number) {
  async function* updates(): AsyncGenerator<TextUpdate> {
    for (const text of pieces) yield { kind: "text", text };
    yield { kind: "end", answer: answer(pieces.join("")) };
  }
  const head = { answerId: "ans_2a", model: "m", created: 1, told, after };
  const messages: SseMessage[] = await Array.fromAsync(responseEvents(updates(), head));
  return messages.map(({ data }) => JSON.parse(data));
}

const piece = fc.string({ minLength: 1, maxLength: 5, unit: "grapheme" });

describe("the events of a response", () => {
  test("are gone on with behind any of them, however the text comes in pieces then: nothing twice, nothing missing", async () => {
    const cases = fc.tuple(fc.array(piece, { maxLength: 8 }), fc.nat(), fc.nat({ max: 8 }));
    await fc.assert(
      fc.asyncProperty(cases, async ([pieces, pick, size]) => {
        const first = await eventsOf(pieces);
        const cut = first[pick % first.length];
        const heard = first.filter(({ sequence_number: at }) => at <= cut.sequence_number);
        const text = pieces.join("");
        const others = text.match(new RegExp(`[^]{1,${size + 1}}`, "g")) ?? [];
        const rest = await eventsOf(others, cut.sequence_number);
        const deltas = [...heard, ...rest].map(({ delta = "" }) => delta);
        expect(deltas.join("")).toBe(text);
        const types = (events: { type: string }[]) =>
          events.map(({ type }) => type).filter((type) => !type.endsWith(".delta"));
        expect(types([...heard, ...rest])).toEqual(types(first));
        const numbers = [...heard, ...rest].map(({ sequence_number }) => sequence_number);
        expect(numbers).toEqual(numbers.toSorted((left, right) => left - right));
        expect(new Set(numbers).size).toBe(numbers.length);
      }),
      { seed: 16, numRuns: 200 },
    );
  });
});
