import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Architecture } from "#domain/architecture.ts";
import type { ImageLayout } from "#domain/image/layout.ts";
import { answerModes, modeTerms } from "#domain/modes.ts";
import type { AnswerOptions } from "#domain/question.ts";
import { price, priceOfSteps, type UnitPrices } from "#domain/quote.ts";
import { planWork, TEMPLATE_POSITIONS } from "#domain/work.ts";
import { answer } from "#model/answer.ts";
import { mulberry32 } from "#model/decode/noise.ts";
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
    ...{ detail: "auto", canvas, steps: canvas, blockLength: canvas },
    ...{ temperature: 0, seed: 0, stop: [] },
    ...modeTerms("exact", 1),
    ...overrides,
  };
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
      refreshes: 16,
      rows: 16 * positions,
    });
  });

  test.each([
    { terms: modeTerms("cached", 4), refreshes: 4 },
    { terms: modeTerms("cached", 16), refreshes: 1 },
    { terms: modeTerms("cached", 1), refreshes: 16 },
    { terms: modeTerms("fast", 4), refreshes: 3 },
  ])(
    "of $terms.mode, every $terms.refresh, has $refreshes passes over everything and the others over canvas and suffix",
    ({ terms, refreshes }) => {
      const quote = quoteOf(384, 384, { steps: 16, ...terms, suffix: "né" });
      const positions = 1485 + 5 + TEMPLATE_POSITIONS + 32;
      const rows = refreshes * positions + (16 - refreshes) * (32 + 3);
      expect(quote).toMatchObject({ forwardPasses: 16, refreshes, rows });
      const picos = 2 * 2_200_000 + rows * (60_000 + positions * 2);
      expect(quote.price).toBe(BigInt(Math.ceil(picos / 1e6)));
    },
  );

  test("is dearer the more often the prompt is computed, and never dearer than exact", () => {
    const exact = quoteOf(800, 600, { steps: 16 }).price;
    const byRefresh = [1, 2, 4, 8, 16].map(
      (refresh) => quoteOf(800, 600, { steps: 16, ...modeTerms("cached", refresh) }).price,
    );
    expect(byRefresh[0]).toBe(exact);
    for (const [index, cost] of byRefresh.slice(1).entries())
      expect(cost).toBeLessThan(byRefresh[index]!);
    expect(quoteOf(800, 600, { steps: 16, ...modeTerms("fast", 4) }).price).toBeLessThan(exact);
  });

  test("covers every pass that decoding runs, refresh by refresh, in every mode", async () => {
    const setup = fc
      .record({
        mode: fc.constantFrom(...answerModes),
        refresh: fc.integer({ min: 1, max: 9 }),
        blocks: fc.integer({ min: 1, max: 3 }),
        perBlock: fc.integer({ min: 1, max: 12 }),
        stepsPerBlock: fc.integer({ min: 1, max: 12 }),
        temperature: fc.constantFrom(0, 1),
        suffix: fc.constantFrom("", "!", "né €"),
        seed: fc.nat(),
        sharpness: fc.constantFrom(0.5, 4, 20),
      })
      .map(({ mode, refresh, blocks, perBlock, stepsPerBlock, suffix, ...rest }) => ({
        ...rest,
        asked: options({
          ...modeTerms(mode, refresh),
          canvas: blocks * perBlock,
          blockLength: perBlock,
          steps: blocks * Math.min(perBlock, stepsPerBlock),
          temperature: rest.temperature,
          ...(suffix === "" ? {} : { suffix }),
        }),
      }));
    await fc.assert(
      fc.asyncProperty(setup, async ({ asked, seed, sharpness }) => {
        const engine = fakeEngine((sequence, position, refreshed) => {
          const hash = [...sequence, ...refreshed].reduce(
            (sum, id) => Math.imul(sum ^ (id + 2), 0x01000193),
            seed | 0,
          );
          const uniform = mulberry32(hash ^ (position * 7919));
          return Float64Array.from(
            { length: fakeArchitecture.logitsColumns },
            () => uniform.next() * sharpness,
          );
        });
        const tools = {
          engine,
          tokenizer: fakeTokenizer,
          renderTemplate: fakeTemplate,
          resize: resizeBicubic,
        };
        const messages = [{ role: "user" as const, text: "what?" }];
        const suffixBytes = new TextEncoder().encode(asked.suffix ?? "").length;
        const work = planWork(
          { pictures: [], messages: 1, textBytes: 5 + suffixBytes, options: asked },
          null,
        );
        const quote = price(work, prices);
        const events = await Array.fromAsync(
          answer({ messages, pictures: [], options: asked }, tools, new AbortController().signal),
        );
        const frames = events.filter((event) => event.kind === "answer.frame");
        expect(frames.length).toBeLessThanOrEqual(asked.steps);
        let [ran, planned, refreshes, plannedRefreshes] = [0, 0, 0, 0];
        for (const [step, frame] of frames.entries()) {
          ran += frame.rows!;
          refreshes += frame.refreshed === true ? 1 : 0;
          planned += work.passRows[step]!;
          plannedRefreshes += work.passRows[step] === work.positions ? 1 : 0;
          expect(ran).toBeLessThanOrEqual(planned);
          expect(refreshes).toBeLessThanOrEqual(plannedRefreshes);
        }
        expect(quote.refreshes).toBeGreaterThanOrEqual(refreshes);
        expect(quote.rows).toBeGreaterThanOrEqual(ran);
        expect(priceOfSteps(work, prices, frames.length)).toBeLessThanOrEqual(quote.price);
        const usage = events.flatMap((event) => ("usage" in event ? [event.usage] : [])).at(0);
        if (usage !== undefined) expect(usage).toMatchObject({ refreshes, rows: ran });
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test("never falls when there is more to do, and a partial answer costs at most its quote", () => {
    const side = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 0, max: 40 }),
        fc.constantFrom(...answerModes),
        (width, height, steps, ran, mode) => {
          const asked = {
            pictures: [{ width, height }],
            messages: 1,
            textBytes: 9,
            options: options({ steps, ...modeTerms(mode, 4) }),
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
