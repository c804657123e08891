import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodingOf } from "#domain/architecture.ts";
import type { NamedField } from "#domain/fields.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { decodeImages } from "#inference/image-codec.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { openReadCanvas } from "#model/read/canvas.ts";
import { readFields } from "#model/read/read-fields.ts";
import { readSlots } from "#model/read/slots.ts";
import { buildTemplate, type TemplateTools } from "#model/template/build.ts";
import { closedPasses, layOut, type Read, type Slot } from "#model/template/template.ts";
import { embedPrompt } from "#model/text/embed.ts";
import { promptIds } from "#model/text/prompt.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { anyGuess } from "../support/reading-tools.ts";

const forever = new AbortController().signal;

const inLines: NamedField[] = [
  { name: "animal", field: { type: "boolean", instructions: "Is it an animal?" } },
  {
    name: "kind",
    field: {
      ...{ type: "choice", none: true },
      options: ["owl", "penguin", "guinea pig", "fire engine"].map((value) => ({ value })),
    },
  },
  { name: "size", field: { type: "score", levels: [{ value: "small" }, { value: "large" }] } },
  { name: "count", field: { type: "number", minimum: 0, maximum: 12, decimals: 0 } },
];

const inSentences: NamedField[] = [
  {
    name: "kind",
    field: {
      ...{ type: "choice", none: false, instructions: "What is this?" },
      options: ["dog", "owl", "fire engine"].map((value) => ({ value })),
    },
  },
  { name: "dog", field: { type: "boolean", instructions: "Is there a dog?" } },
  {
    name: "other",
    field: {
      ...{ type: "choice", none: true, instructions: "What is this?" },
      options: ["cat", "ice cream"].map((value) => ({ value })),
    },
  },
];

/** What options leave is worth what they do not have: the last. */
function withRest(scores: readonly number[]): number[] {
  const own = scores.slice(0, -1);
  return [...own, Math.log(1 - own.reduce((sum, score) => sum + Math.exp(score), 0))];
}

describe("fields read by the demo model", () => {
  let host: ModelHost;
  let model: DescribedModel;
  let vectors: Tensor;

  beforeAll(async () => {
    host = await hostOfBundle("infra/demo-model/photographs/bundle", "unmask-demo");
    model = await host.described(forever);
    vectors = await pictureVectors();
  });
  afterAll(() => host.dispose());

  /** A picture's middle as the tower sees it: what is compared here hangs on no cut. */
  async function pictureVectors(): Promise<Tensor> {
    const decoded = await decodeImages([readFileSync("test/fixtures/pictures/dog.png")]);
    const { vision } = model.tools.engine.architecture;
    if (!decoded.ok || vision === undefined) throw new Error("there is nothing to see");
    const [{ width, pixelsHWC } = { width: 0, pixelsHWC: new Uint8Array() }] = decoded.value;
    const side = vision.imageSize;
    const views = Float32Array.from({ length: 3 * side * side }, (_, index) => {
      const [plane, at] = [Math.floor(index / (side * side)), index % (side * side)];
      const [x, y] = [at % side, Math.floor(at / side)];
      return ((pixelsHWC[3 * ((y % width) * width + (x % width)) + plane] ?? 0) - 127) / 128;
    });
    const features = await model.tools.engine.encodeImage(
      tensor([1, 3, side, side], views),
      forever,
    );
    return tensor(features.shape.slice(1), features.data);
  }

  function templateTools(style: "lines" | "sentence"): TemplateTools {
    const { engine, tokenizer } = model.tools;
    return {
      style: style === "lines" ? { style } : (model.card.read?.style ?? { style: "lines" }),
      things: model.card.domain?.things ?? [],
      tokenizer,
      ending: [engine.architecture.special.endOfTurn],
      canvasLimit: 512,
    };
  }

  function templateOf(fields: readonly NamedField[], style: "lines" | "sentence") {
    const template = buildTemplate("", fields, templateTools(style));
    if (!template.ok) throw new Error(template.refusal.problem);
    return template.value;
  }

  async function promptOf(question: string): Promise<Tensor> {
    const { engine, tokenizer, renderTemplate } = model.tools;
    const { prompt: rules, special } = engine.architecture;
    const { beginOfText } = special;
    const messages = [{ role: "user", text: question }] as const;
    const ids = promptIds(messages, 1, { rules, beginOfText, tokenizer, renderTemplate });
    return await embedPrompt(engine, ids, [vectors], rules.maxPromptLength, forever);
  }

  /**
   * ln p of each option of each slot by brute force, which needs nothing of what is tested: noise brings one token of each position out,
   * and its logit is told. A pass for each option.
   */
  async function bruteForce(read: Read): Promise<readonly (readonly number[])[]> {
    const { engine } = model.tools;
    const { architecture } = engine;
    const { mask } = architecture.special;
    const found = new Map<Slot, number[]>();
    for (let pass = 0; pass < closedPasses(read); pass++) {
      const { ids, slots } = layOut(read, pass, mask);
      const unread = slots.filter(({ slot }) => pass < slot.groups.length);
      const prompt = await promptOf(read.question);
      const { embeddingsSD, promptLength } = await openReadCanvas(engine, prompt, ids, forever);
      const places = unread.flatMap(({ slot, group, from }) =>
        Array.from({ length: group.length }, (_, offset) => ({
          slot,
          group,
          offset,
          at: from + offset,
        })),
      );
      const most = Math.max(...unread.map(({ group }) => group.options.length));
      for (let option = 0; option < most; option++) {
        const noiseRV = new Float32Array(places.length * architecture.logitsColumns);
        for (const [row, { group, offset }] of places.entries()) {
          const token = group.options[option]?.tokens[offset];
          if (token !== undefined) noiseRV[row * architecture.logitsColumns + token] = 1e6;
        }
        const told = await engine.denoise(
          {
            ...{ embeddingsSD, noiseRV, rows: places.map(({ at }) => promptLength + at) },
            suppressed: [...decodingOf(architecture).suppressed, mask],
          },
          forever,
        );
        for (const [row, { slot, group, offset }] of places.entries()) {
          const { index, tokens = [] } = group.options[option] ?? {};
          if (index === undefined || offset >= tokens.length) continue;
          const scores = found.get(slot) ?? new Array<number>(slot.options).fill(0);
          found.set(slot, scores);
          const top = told.maxLogits[row]! + Math.log1p(told.tails[row]!);
          scores[index] = scores[index]! + told.chosenLogits[row]! - top;
        }
      }
    }
    return [...found].map(([slot, scores]) => (slot.hasRest === true ? withRest(scores) : scores));
  }

  test.each([
    ["lines", inLines],
    ["sentence", inSentences],
  ] as const)("in %s are worth what brute force says, to 1e-5", async (style, fields) => {
    for (const read of templateOf(fields, style).reads) {
      const prompt = await promptOf(read.question);
      const slots = await readSlots(model.tools.engine, read, prompt, forever);
      const expected = await bruteForce(read);
      expect(slots.map(({ scores }) => scores.length)).toEqual(
        expected.map(({ length }) => length),
      );
      for (const [index, { scores }] of slots.entries()) {
        for (const [option, score] of scores.entries())
          expect(Math.abs(score - expected[index]![option]!)).toBeLessThan(1e-5);
      }
    }
  });

  test.each([1, 10, 40])("%i booleans take one pass", async (count) => {
    const fields = Array.from({ length: count }, (_, index): NamedField => {
      return {
        name: `q_${"abcdefghij"[index % 10]}_${"abcd"[Math.floor(index / 10)]}`,
        field: { type: "boolean" },
      };
    });
    const { end } = await read(fields);
    expect(end.forwardPasses).toBe(1);
    expect(end.readings.every((reading) => reading?.kind === "closed")).toBe(true);
  });

  test("are read the same alone and in company", async () => {
    const alone = await read(inLines);
    const [one, other] = await Promise.all([read(inLines), read(inLines)]);
    expect(one).toEqual(alone);
    expect(other).toEqual(alone);
  });

  test("that are written are of their language, within the passes that were said", async () => {
    const fields: NamedField[] = [
      { name: "price", field: { type: "number", minimum: 0, maximum: 99_999, decimals: 2 } },
      { name: "taken", field: { type: "date" } },
      { name: "label", field: { type: "text", maxTokens: 6 } },
    ];
    const { end } = await read(fields, true);
    const [price, taken, label] = end.readings;
    if (price?.kind !== "open" || taken?.kind !== "open" || label?.kind !== "open")
      throw new Error("they are written");
    expect(price.value).toBeGreaterThanOrEqual(0);
    expect(Number.isNaN(Date.parse(String(taken.value)))).toBe(false);
    expect(String(label.value)).not.toMatch(/[\p{Cc}\uFFFD]/u);
    expect(end.forwardPasses).toBe(1 + 4);
  });

  /** `isShown`: every gate is open, whatever the model thinks. */
  async function read(fields: readonly NamedField[], isShown = false) {
    const { engine, tokenizer } = model.tools;
    const tools = {
      ...{ engine, tokenizer, promptOf, filler: engine.architecture.special.endOfTurn },
      finalOf: () => {
        throw new Error("no field has so many options");
      },
      ...(isShown
        ? {
            neutral: async ({ lines }: Read) =>
              lines.flatMap(({ place: slot }) =>
                slot?.kind === "slot" ? [{ slot, scores: [-100, 0] }] : [],
              ),
          }
        : {}),
    };
    const terms = { ...anyGuess, openPasses: 4, refresh: { kind: "every", steps: 4 } } as const;
    const template = templateOf(fields, "lines");
    const events = await Array.fromAsync(readFields(fields, template, tools, terms, forever));
    const end = events.at(-1);
    if (end?.kind !== "read.ended") throw new Error("the reading has no end");
    return { events, end };
  }
});
