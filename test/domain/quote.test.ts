import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Architecture } from "#domain/architecture.ts";
import type { ImageLayout } from "#domain/image/layout.ts";
import type { AnswerOptions } from "#domain/question.ts";
import { price, priceOfSteps, type UnitPrices } from "#domain/quote.ts";
import { planWork, TEMPLATE_POSITIONS } from "#domain/work.ts";
import { answer } from "#model/answer.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { prepare } from "#model/prepare.ts";
import { fakeArchitecture, fakeEngine, oneHot } from "../support/fake-engine.ts";
import { fakeTemplate, fakeTokenizer } from "../support/fake-tokenizer.ts";
import { referenceTable } from "../support/reference.ts";
import { llavaPolicy, siglip } from "../support/vision.ts";

const prices: UnitPrices = { view: 2_200_000n, linear: 60_000n, attention: 2n };
const rules = { policy: llavaPolicy, vision: siglip };

function options(overrides: Partial<AnswerOptions> = {}): AnswerOptions {
  const { canvas = 32 } = overrides;
  return {
    ...{ detail: "auto", canvas, steps: canvas, blockLength: canvas, mode: "exact" },
    ...{ temperature: 0, seed: 0, stop: [], ...overrides },
  } as AnswerOptions;
}

function quoteOf(width: number, height: number, overrides: Partial<AnswerOptions> = {}) {
  const asked = {
    pictures: [{ width, height }],
    messages: 1,
    textBytes: 5,
    options: options(overrides),
  };
  return price(planWork(asked, rules), prices);
}

function isPadded(layout: ImageLayout): boolean {
  return layout.kind === "single" && layout.fit === "pad";
}

const { rows } = referenceTable<{ rows: { w: number; h: number; tokens: number }[] }>(
  "pure/anyres_sizes.json",
);

describe("a quote", () => {
  test(`counts the image vectors, steps and passes that the function counts, for all ${rows.length} reference sizes`, () => {
    const architecture: Architecture = {
      ...fakeArchitecture,
      vision: siglip,
      image: llavaPolicy,
      prompt: { systemPrompt: "", maxPromptLength: 100_000 },
    };
    const engine = fakeEngine(() => oneHot(architecture.logitsColumns, 0, 20), architecture);
    const tools = {
      engine,
      tokenizer: fakeTokenizer,
      renderTemplate: fakeTemplate,
      resize: resizeBicubic,
    };
    for (const { w: width, h: height, tokens } of rows) {
      const picture = { width, height, pixelsHWC: new Uint8Array() };
      const messages = [{ role: "user" as const, text: "what?" }];
      for (const detail of ["auto", "low"] as const) {
        const question = { messages, pictures: [picture], options: options({ detail, steps: 16 }) };
        const prepared = prepare(question, tools);
        if (!prepared.ok) throw new Error(`${width}x${height} was refused`);
        const quote = quoteOf(width, height, { detail, steps: 16 });
        expect(quote.imageVectors, `${width}x${height} ${detail}`).toBe(
          prepared.value.prompt.imageVectors,
        );
        expect([quote.steps, quote.forwardPasses]).toEqual([prepared.value.plan.steps, 16]);
        expect(quote.imageVectors).toBe(detail === "auto" ? tokens : 730);
      }
    }
  });

  test("of several pictures counts what the function counts: 730 vectors and one view each, at any size and detail", () => {
    const architecture: Architecture = {
      ...fakeArchitecture,
      vision: siglip,
      image: llavaPolicy,
      prompt: { systemPrompt: "", maxPromptLength: 100_000 },
    };
    const tools = {
      engine: fakeEngine(() => oneHot(architecture.logitsColumns, 0, 20), architecture),
      tokenizer: fakeTokenizer,
      renderTemplate: fakeTemplate,
      resize: resizeBicubic,
    };
    const side = fc.integer({ min: 1, max: 20_000 });
    const sizes = fc.array(fc.record({ width: side, height: side }), {
      minLength: 2,
      maxLength: 8,
    });
    const messages = [{ role: "user" as const, text: "which?" }];
    fc.assert(
      fc.property(sizes, fc.constantFrom("auto" as const, "low" as const), (pictures, detail) => {
        const asked = options({ detail });
        const work = planWork({ pictures, messages: 1, textBytes: 6, options: asked }, rules);
        expect([work.imageVectors, work.views]).toEqual([730 * pictures.length, pictures.length]);
        const decoded = pictures.map((size) => ({ ...size, pixelsHWC: new Uint8Array() }));
        const prepared = prepare({ messages, pictures: decoded, options: asked }, tools);
        if (!prepared.ok) throw new Error("the pictures were refused");
        expect(prepared.value.prompt.imageVectors).toBe(work.imageVectors);
        expect(prepared.value.prompt.layouts.every(isPadded)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("has the steps and passes that an answer takes which fills its canvas", async () => {
    const engine = fakeEngine((_, position) =>
      oneHot(fakeArchitecture.logitsColumns, 40 + (position % 9), 20),
    );
    const tools = {
      engine,
      tokenizer: fakeTokenizer,
      renderTemplate: fakeTemplate,
      resize: resizeBicubic,
    };
    const asked = options({ canvas: 8, steps: 4 });
    const question = {
      messages: [{ role: "user" as const, text: "what?" }],
      pictures: [],
      options: asked,
    };
    const events = await Array.fromAsync(answer(question, tools, new AbortController().signal));
    const { steps, forwardPasses } = price(
      planWork({ pictures: [], messages: 1, textBytes: 5, options: asked }, null),
      prices,
    );
    expect(events.at(-1)).toMatchObject({ usage: { steps, forwardPasses, canvas: 8 } });
  });

  test.each([1, 2, 64])(
    "of a conversation of %i messages counts no fewer positions than the function computes, also byte for byte",
    (count) => {
      const messages = Array.from({ length: count }, (_, index) => ({
        role: index % 2 === 0 ? ("user" as const) : ("assistant" as const),
        text: "é",
      }));
      const tools = {
        engine: fakeEngine(() => oneHot(fakeArchitecture.logitsColumns, 0, 20), {
          ...fakeArchitecture,
          prompt: { systemPrompt: "", maxPromptLength: 100_000 },
        }),
        tokenizer: fakeTokenizer,
        renderTemplate: fakeTemplate,
        resize: resizeBicubic,
      };
      const asked = options({ canvas: 8 });
      const prepared = prepare({ messages, pictures: [], options: asked }, tools);
      if (!prepared.ok) throw new Error("the conversation was refused");
      const work = planWork(
        { pictures: [], messages: count, textBytes: 2 * count, options: asked },
        null,
      );
      expect(work.positions).toBeGreaterThanOrEqual(prepared.value.prompt.length + 8);
    },
  );

  test("is the sum of its work in pico-dollars, rounded up", () => {
    const quote = quoteOf(384, 384, { steps: 16 });
    const positions = 1485 + 5 + TEMPLATE_POSITIONS + 32;
    const picos = 2 * 2_200_000 + 16 * positions * (60_000 + positions * 2);
    expect(quote).toEqual({
      price: BigInt(Math.ceil(picos / 1e6)),
      imageVectors: 1485,
      canvas: 32,
      steps: 16,
      forwardPasses: 16,
    });
  });

  test("never falls when there is more to do, and a partial answer costs at most its quote", () => {
    const side = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 0, max: 40 }),
        (width, height, steps, ran) => {
          const asked = {
            pictures: [{ width, height }],
            messages: 1,
            textBytes: 9,
            options: options({ steps }),
          };
          const work = planWork(asked, rules);
          const whole = price(work, prices).price;
          const part = priceOfSteps(work, prices, ran);
          expect(part).toBeLessThanOrEqual(whole);
          expect(priceOfSteps(work, prices, ran + 1)).toBeGreaterThanOrEqual(part);
          expect(priceOfSteps(work, prices, steps)).toBe(whole);
          expect(priceOfSteps(work, prices, 0)).toBe(0n);
        },
      ),
    );
  });
});
