import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { UNTOLD_ABILITIES } from "#domain/abilities.ts";
import type { Bundle } from "#domain/bundle.ts";
import { readImageHeader, uprightSize } from "#domain/image/header.ts";
import type { ModelCard } from "#domain/quote.ts";
import { planWork } from "#domain/work.ts";
import { fileStore } from "#inference/file-store.ts";
import { cardOf } from "#inference/model-host.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { jsonText } from "#wire/codec/json-text.ts";
import { cardDifferences, modelCardsSchema } from "#wire/function/model-card.ts";
import { options } from "../../support/edge-builders.ts";

/** How the demo model's training code saw a picture and a question. */
interface ReferenceAnswer {
  readonly file: string;
  readonly question: string;
  /** One id stands for the whole picture. */
  readonly prompt_ids: readonly number[];
  readonly image_vectors: number;
  readonly canvas: number;
  readonly steps: number;
}

const { cases } = JSON.parse(
  readFileSync("test/fixtures/demo-model/reference-answers.json", "utf8"),
) as { cases: readonly ReferenceAnswer[] };

test("a card says what a cached answer costs; nothing, unless it does", () => {
  const price_picos = { view: 1, linear: 1, attention: 1 };
  const cards = modelCardsSchema.parse({
    free: { price_picos },
    priced: { price_picos, hit_micros: 3 },
  });
  expect([cards["free"]?.hitPrice, cards["priced"]?.hitPrice]).toEqual([0n, 3n]);
  for (const hit_micros of [-1, 0.5, "3"])
    expect(modelCardsSchema.safeParse({ x: { price_picos, hit_micros } }).success).toBe(false);
});

test("a card says what its model was trained for; what it leaves out is believed", () => {
  const price_picos = { view: 1, linear: 1, attention: 1 };
  const read = (card: object) => modelCardsSchema.safeParse({ x: { price_picos, ...card } });
  expect(read({}).data?.["x"]).toMatchObject({ abilities: UNTOLD_ABILITIES, blockLength: null });
  const canvas = { default: 8, recommended: 16, limit: 32 };
  expect(
    read({ abilities: { canvas, several_turns: false }, block_length: 8 }).data?.["x"],
  ).toMatchObject({
    abilities: {
      canvas: { standard: 8, recommended: 16, limit: 32 },
      ...{ systemMessages: true, severalPictures: true, severalTurns: false },
    },
    blockLength: 8,
  });
  for (const wrong of [{ ...canvas, recommended: 4 }, { ...canvas, limit: 1e6 }, { default: 8 }])
    expect(read({ abilities: { canvas: wrong } }).success).toBe(false);
});

describe("the card by which the edge prices the demo model", () => {
  let card: ModelCard;
  let bundle: Bundle;

  beforeAll(async () => {
    const { vars } = unstable_readConfig({ config: "wrangler.toml" });
    const found = jsonText(modelCardsSchema).parse(vars["MODEL_CARDS"])[String(vars["MODEL"])];
    if (found === undefined) throw new Error("wrangler.toml has no card of the model it serves");
    card = found;
    bundle = (await readManifest(fileStore("infra/demo-model/bundle"), card.id)).bundle;
  });

  test("is the card that the function makes of that manifest, in every member", () => {
    const told = cardOf(bundle, bundle.abilities ?? UNTOLD_ABILITIES, "ab".repeat(32), "cpu");
    expect(cardDifferences(card, told)).toEqual([]);
    expect(cardDifferences(card, { ...told, id: "x", image: null, canvas_default: 1 })).toEqual([
      expect.stringMatching(/^id is "unmask-demo" here and "x" there$/),
      expect.stringMatching(/^image is .* here and null there$/),
      "canvas.default is 32 here and 1 there",
    ]);
    expect(
      cardDifferences(card, { ...told, canvas_recommended: 64, block_length: 8 }),
    ).toHaveLength(2);
    const untaught = { system_messages: true, several_pictures: true, several_turns: false };
    expect(cardDifferences(card, { ...told, ...untaught, canvas_limit: 1 })).toHaveLength(4);
  });

  test("sees pictures as the manifest of the bundle that ships says", () => {
    const { image, vision } = bundle.architecture;
    expect(card.image).toEqual({
      policy: image,
      vision: { imageSize: vision?.imageSize, patchSize: vision?.patchSize },
    });
  });

  test.each(cases)(
    "$file, $question: counts the vectors that there are, no fewer positions, and no more than fit the prompt",
    ({ file, question, canvas, steps, ...reference }) => {
      const header = readImageHeader(readFileSync(path.join("test/fixtures/pictures", file)));
      if (!header.ok) throw new Error(`${file} is ${header.refusal}`);
      const work = planWork(
        {
          pictures: [uprightSize(header.value)],
          messages: 1,
          textBytes: Buffer.byteLength(question),
          options: options({ canvas, steps, blockLength: canvas }),
        },
        card.image,
      );
      expect(work.imageVectors).toBe(reference.image_vectors);
      const pricedPrompt = work.positions - canvas;
      const prompt = reference.prompt_ids.length - 1 + reference.image_vectors;
      expect(pricedPrompt).toBeGreaterThanOrEqual(prompt);
      expect(pricedPrompt).toBeLessThanOrEqual(bundle.architecture.prompt.maxPromptLength);
    },
  );
});
