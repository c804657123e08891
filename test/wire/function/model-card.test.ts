import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { viewRules } from "#domain/architecture.ts";
import type { Bundle } from "#domain/bundle.ts";
import { readImageHeader, uprightSize } from "#domain/image/header.ts";
import { MAX_MICROS, micros } from "#domain/micros.ts";
import { STANDARD_MODE, UNTOLD_REFRESH } from "#domain/modes.ts";
import type { ModelCard } from "#domain/quote.ts";
import { defaultPrices } from "#domain/unit-prices.ts";
import { planWork } from "#domain/work.ts";
import { fileStore } from "#inference/file-store.ts";
import { cardOf } from "#inference/model-card.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { cardAlone, cardDigest, mergedCard, modelCardsSchema } from "#wire/function/model-card.ts";
import { modelCardSchema, type ModelCard as ToldCard } from "#wire/function/status.ts";
import {
  MAX_ATTENTION_WORK,
  MAX_CANVAS,
  MAX_LINEAR_WORK,
  MAX_PROMPT_LENGTH,
  MAX_VIEW_WORK,
} from "#wire/limits.ts";
import { options } from "../../support/edge-builders.ts";
import { wranglerCards } from "../../support/wrangler-cards.ts";

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

const told: ToldCard = {
  id: "demo",
  digest: "ab".repeat(32),
  image: { aspect: "anyres", grid_pinpoints: [[96, 48]], max_tiles: 4 },
  ...{ canvas_default: 8, canvas_recommended: 16, canvas_limit: 32, block_length: 8 },
  ...{ system_messages: true, several_pictures: false, several_turns: true },
  ...{ max_prompt_length: 2048, provider: "cuda", format: "q4" },
  vision: { view_pixels: 48, patch_pixels: 8 },
  work: { view: 1e9, linear: 2e9, attention: 1 },
};

const override = (body: object) => modelCardsSchema.parse({ demo: body })["demo"];

describe("the card of a model that a function tells", () => {
  test("is all its word: pictures, canvases, abilities, and the provider's prices", () => {
    expect(mergedCard(told)).toEqual({
      id: "demo",
      image: {
        policy: { aspect: "anyres", gridPinpoints: [[96, 48]], maxTiles: 4 },
        vision: { imageSize: 48, patchSize: 8 },
      },
      abilities: {
        canvas: { standard: 8, recommended: 16, limit: 32 },
        ...{ systemMessages: true, severalPictures: false, severalTurns: true },
      },
      blockLength: 8,
      mode: STANDARD_MODE,
      refresh: UNTOLD_REFRESH,
      prices: defaultPrices({ view: 1e9, linear: 2e9, attention: 1 }, "cuda"),
      hitPrice: 0n,
    });
    expect(mergedCard({ ...told, image: null, vision: null })?.image).toBeNull();
  });

  test("of a model whose views are no patches counts its vectors as told, and offers no tiles", () => {
    const image = { aspect: "stretch", grid_pinpoints: [], max_tiles: 1 } as const;
    const body = { ...told, image, vision: { view_pixels: 224, view_vectors: 50 } };
    const card = mergedCard(modelCardSchema.parse(JSON.parse(JSON.stringify(body))));
    if (card === undefined) throw new Error("no card");
    const asked = { pictures: [{ width: 640, height: 480 }], messages: 1, textBytes: 10 };
    const work = planWork({ ...asked, options: options({ canvas: 8, steps: 8 }) }, card.image);
    expect(work).toMatchObject({ views: 1, imageVectors: 51 });
  });

  test("says how values are read where the function does, and one of before reads none", () => {
    const style = { style: "sentence", yes: "Yes.", no: "No.", numbers: ["None", "One"] } as const;
    const body = { ...told, read: { style, fitted: ["boolean", "choice"] } };
    const read = modelCardSchema.parse(JSON.parse(JSON.stringify(body)));
    expect(read.read).toEqual(body.read);
    expect(mergedCard(read)?.read).toEqual(style);
    expect("read" in (mergedCard(told) ?? {})).toBe(false);
    for (const wrong of [
      { style: { style: "json" }, fitted: [] },
      { style: { ...style, yes: "Yes.\u001b[2J" }, fitted: [] },
      { style: { ...style, no: "x".repeat(513) }, fitted: [] },
      { style, fitted: ["colour"] },
    ])
      expect(modelCardSchema.safeParse({ ...told, read: wrong }).success).toBe(false);
  });

  test("says by which cells it tells where something is, where its function does", () => {
    const places = {
      columns: 2,
      rows: 1,
      cells: ["left", "right"],
      question: "Where is {object}?",
    };
    const read = { style: { style: "lines" }, fitted: [], places };
    const card = modelCardSchema.parse({ ...told, read });
    expect(mergedCard(card)?.places).toEqual(places);
    expect("places" in (mergedCard(told) ?? {})).toBe(false);
    for (const wrong of [{ rows: 2 }, { question: "Where?" }, { columns: 0 }])
      expect(
        modelCardSchema.safeParse({ ...told, read: { ...read, places: { ...places, ...wrong } } })
          .success,
      ).toBe(false);
  });

  test("has of the settings what they say, field by field, and the rest as told", () => {
    const own = override({
      abilities: { several_turns: false },
      ...{ mode: "exact", hit_micros: 3, block_length: null },
      refresh: { default: 2, limit: 8 },
    });
    expect(mergedCard(told, own)).toEqual({
      ...mergedCard(told),
      ...{ mode: "exact", hitPrice: 3n, blockLength: null, refresh: { standard: 2, limit: 8 } },
      abilities: { ...mergedCard(told)?.abilities, severalTurns: false },
    });
    const price_picos = { view: 1, linear: 2, attention: 3 };
    expect(mergedCard(told, override({ price_picos }))?.prices).toEqual({
      ...{ view: 1n, linear: 2n, attention: 3n },
    });
  });

  test("sees pictures as the function does, whatever the settings say: it is the one that looks", () => {
    const image = { ...{ aspect: "pad", grid_pinpoints: [], max_tiles: 1 } };
    const own = override({ image: { ...image, view_pixels: 96, patch_pixels: 16 } });
    expect(mergedCard(told, own)?.image).toEqual(mergedCard(told)?.image);
  });

  test("is not there where a function of before tells neither sizes nor work, unless the settings do", () => {
    const { vision: _, work: __, ...before } = told;
    expect(mergedCard(before)).toBeUndefined();
    const image = { aspect: "pad", grid_pinpoints: [], max_tiles: 1 };
    const body = { image: { ...image, view_pixels: 96, patch_pixels: 16 } };
    const price_picos = { view: 1, linear: 1, attention: 1 };
    expect(mergedCard(before, override({ price_picos }))).toBeUndefined();
    expect(mergedCard(before, override({ ...body, price_picos }))).toBeDefined();
  });

  test("of a function that cannot be heard is what the settings say, where they say it whole", () => {
    const price_picos = { view: 1, linear: 1, attention: 1 };
    const text = override({ image: null, price_picos });
    if (text === undefined) throw new Error("no card");
    expect(cardAlone("demo", text)).toMatchObject({ id: "demo", abilities: UNTOLD_ABILITIES });
    expect(cardAlone("demo", override({ price_picos }) ?? {})).toBeUndefined();
    expect(cardAlone("demo", override({ image: null }) ?? {})).toBeUndefined();
  });

  test.each([
    { hit_micros: -1 },
    { hit_micros: 0.5 },
    { abilities: { canvas: { default: 8, recommended: 4, limit: 32 } } },
    { abilities: { canvas: { default: 8, recommended: 16, limit: 1e6 } } },
    { abilities: { canvas: { default: 8 } } },
    { refresh: { default: 9, limit: 8 } },
    { image: { ...told.image, view_pixels: 224, view_vectors: 50 } },
    { price_picos: { view: 1, linear: 1 } },
    { colour: "red" },
  ])("is not made of settings that are wrong: %j", (body) => {
    expect(modelCardsSchema.safeParse({ demo: body }).success).toBe(false);
  });
});

test.each([
  ["cuts a picture into tiles of no canvas", { image: { ...told.image, grid_pinpoints: [] } }],
  ["has views of no vectors", { vision: { view_pixels: 16, view_vectors: 0 } }],
  ["has patches larger than the view", { vision: { view_pixels: 16, patch_pixels: 17 } }],
  ["cuts tiles for a tower of one view", { vision: { view_pixels: 224, view_vectors: 50 } }],
])("a card that %s is none: no picture could be priced by it", (_, fault) => {
  expect(modelCardSchema.safeParse(told).success).toBe(true);
  expect(modelCardSchema.safeParse({ ...told, ...fault }).success).toBe(false);
});

test.each([
  ["a pinpoint of no width", { image: { ...told.image, grid_pinpoints: [[0, 96]] } }],
  ["a pinpoint of 16,385 pixels", { image: { ...told.image, grid_pinpoints: [[96, 16_385]] } }],
  ["257 pinpoints", { image: { ...told.image, grid_pinpoints: Array(257).fill([96, 96]) } }],
  ["257 tiles", { image: { ...told.image, max_tiles: 257 } }],
  ["no tile", { image: { ...told.image, max_tiles: 0 } }],
  ["views of over 65,536 patches", { vision: { view_pixels: 257, patch_pixels: 1 } }],
  ["prompts of over 2^20 positions", { max_prompt_length: 2 ** 20 + 1 }],
  ["views of over 2^45 multiply-adds", { work: { ...told.work, view: 2 ** 45 + 1 } }],
  ["positions of over 2^42 multiply-adds", { work: { ...told.work, linear: 2 ** 42 + 1 } }],
  ["looks of over 2^28 multiply-adds", { work: { ...told.work, attention: 2 ** 28 + 1 } }],
  ["positions that cost nothing", { work: { ...told.work, linear: 0 } }],
  ["looks that cost nothing", { work: { ...told.work, attention: 0 } }],
])("a card with %s is none: its function is wrong, or another's", (_, fault) => {
  expect(modelCardSchema.safeParse({ ...told, ...fault }).success).toBe(false);
});

test("a card may be as dear, as finely cut and as long as its limits say, and no sum of it is beyond what can be counted", () => {
  const largest = {
    ...{ max_prompt_length: MAX_PROMPT_LENGTH, canvas_limit: MAX_CANVAS, provider: "of tomorrow" },
    work: { view: MAX_VIEW_WORK, linear: MAX_LINEAR_WORK, attention: MAX_ATTENTION_WORK },
  };
  const card = mergedCard(modelCardSchema.parse({ ...told, ...largest }));
  if (card === undefined) throw new Error("no card");
  // Every step over a prompt of LLaDA-V's length, each position looking at all.
  const [steps, positions] = [BigInt(MAX_CANVAS), BigInt(8_192 + MAX_CANVAS)];
  const { view, linear, attention } = card.prices;
  const picos = 8n * 256n * view + steps * positions * (linear + positions * attention);
  expect(picos / 1_000_000n).toBeLessThan(MAX_MICROS);
});

test.each([
  ["above its limit", { canvas_default: 65, canvas_recommended: 65, canvas_limit: 64 }],
  ["above what is recommended", { canvas_default: 65, canvas_recommended: 64, canvas_limit: 128 }],
])(
  "a card whose canvas by default is %s is none: what nobody chose would be refused",
  (_, canvas) => {
    const parsed = modelCardSchema.safeParse({ ...told, ...canvas });
    expect(parsed.error?.issues).toMatchObject([{ path: ["canvas_default"] }]);
  },
);

test("a function of before with a canvas shorter than what is believed of one is asked within it", () => {
  const { canvas_default, canvas_recommended, ...before } = told;
  const limit = UNTOLD_ABILITIES.canvas.standard - 1;
  expect(modelCardSchema.parse({ ...before, canvas_limit: limit })).toMatchObject({
    ...{ canvas_default: limit, canvas_recommended: limit, canvas_limit: limit },
  });
});

test.each([
  ["a line's end", "demo\n"],
  ["an escape", "demo\u001b[2J"],
  ["a direction", "demo\u202e"],
  ["half a character", "demo\ud800"],
])("a name with %s is none: it would be written into logs, headers and terminals", (_, text) => {
  for (const member of ["id", "digest", "provider", "format"])
    expect(modelCardSchema.safeParse({ ...told, [member]: text }).success).toBe(false);
  const domain = { description: text, things: null, scored: false };
  expect(modelCardSchema.safeParse({ ...told, domain }).success).toBe(false);
  expect(modelCardSchema.safeParse({ ...told, id: "Größe 8B – 図 🖼" }).success).toBe(true);
});

test("a card's name is of everything that it says, and of nothing else", async () => {
  const card = mergedCard(told);
  if (card === undefined) throw new Error("no card");
  const name = await cardDigest(card);
  expect(name).toMatch(/^[0-9a-f]{16}$/);
  const turned = Object.fromEntries(Object.entries(card).toReversed()) as unknown as ModelCard;
  expect(await cardDigest(turned)).toBe(name);
  const changed: ModelCard[] = [
    { ...card, id: "other" },
    { ...card, image: null },
    { ...card, mode: "exact" },
    { ...card, prices: { ...card.prices, attention: card.prices.attention + 1n } },
    { ...card, hitPrice: micros(1) },
    { ...card, abilities: { ...card.abilities, severalTurns: false } },
    { ...card, read: { style: "lines" } },
  ];
  const names = await Promise.all(changed.map(cardDigest));
  expect(new Set([name, ...names]).size).toBe(changed.length + 1);
});

describe("the card by which the edge prices the demo model", () => {
  let card: ModelCard;
  let bundle: Bundle;

  beforeAll(async () => {
    bundle = (await readManifest(fileStore("infra/demo-model/bundle"), "unmask-demo")).bundle;
    const abilities = bundle.abilities ?? UNTOLD_ABILITIES;
    const word = cardOf(bundle, abilities, "ab".repeat(32), "cpu");
    const found = mergedCard(modelCardSchema.parse(word), wranglerCards()["unmask-demo"]);
    if (found === undefined) throw new Error("the function tells too little of its model");
    card = found;
  });

  test("costs what wrangler.toml says, and is else the bundle's own", () => {
    expect(card).toMatchObject({
      prices: { view: 2_000_000n, linear: 20_000n, attention: 10n },
      abilities: bundle.abilities,
    });
  });

  test("reads values in the sentences that the bundle that ships was trained to write", () => {
    expect(card.read).toEqual(bundle.read?.style);
    expect(card.read).toEqual({
      ...{ style: "sentence", yes: "Yes.", no: "No." },
      numbers: ["None", "One", "Two", "Three", "Four"],
    });
  });

  test("sees pictures as the manifest of the bundle that ships says", () => {
    const { image, vision } = bundle.architecture;
    expect(card.image).toEqual({
      policy: image,
      vision: vision && viewRules(vision),
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
