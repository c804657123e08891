import { readFileSync } from "node:fs";
import { UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { type Architecture, decodingOf, viewRules } from "#domain/architecture.ts";
import { ZERO } from "#domain/micros.ts";
import { STANDARD_MODE, UNTOLD_REFRESH } from "#domain/modes.ts";
import type { ModelCard } from "#domain/quote.ts";
import { defaultPrices, PICOS_PER_GIGA, unitWork } from "#domain/unit-prices.ts";
import type { NamedCard } from "#playground/docs/price.ts";
import { parseLatest, parseManifest } from "#weights/manifest.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { jsonText } from "#wire/codec/json-text.ts";
import { type CardOverride, modelCardsSchema } from "#wire/function/model-card.ts";

/** Bundles of this repository: what the calculator calls each, its model's name and where it lies. */
const bundles: readonly { readonly name: string; readonly id: string; readonly folder: string }[] =
  [
    {
      name: "unmask-demo, as npm start serves it",
      id: "unmask-demo",
      folder: "infra/demo-model/photographs/bundle",
    },
    {
      name: "unmask-demo of before (2.3): drawings alone",
      id: "unmask-demo",
      folder: "infra/demo-model/bundle",
    },
  ];

/** Cards to calculate with: the demo models' as this repository serves them, LLaDA-V's on each provider at the prices that nobody has changed. */
export function calculatorCards(): readonly NamedCard[] {
  const providers = Object.keys(PICOS_PER_GIGA).filter((provider) => provider !== "wasm");
  return [
    ...bundles.map(({ name, id, folder }) => ({ name, card: bundledCard(id, folder) })),
    ...providers.map((provider) => ({
      name: `LLaDA-V on ${provider}, default prices`,
      card: cardOf("LLaDA-V", synthArchitecture("llada-v-8b"), provider),
    })),
  ];
}

function bundledCard(id: string, folder: string): ModelCard {
  const model = `${folder}/models/${id}`;
  const { version } = parseLatest(readFileSync(`${model}/latest.json`), model);
  const manifest = readFileSync(`${model}/${version}/manifest.json`);
  const { architecture, abilities = UNTOLD_ABILITIES } = parseManifest(manifest, model);
  const card = cardOf(id, architecture, "cpu");
  const own: CardOverride = wranglerCards()[id] ?? {};
  return { ...card, ...own, abilities: { ...abilities, ...own.abilities } };
}

function cardOf(id: string, architecture: Architecture, provider: string): ModelCard {
  const { image, vision } = architecture;
  return {
    id,
    image:
      image === undefined || vision === undefined
        ? null
        : { policy: image, vision: viewRules(vision) },
    abilities: UNTOLD_ABILITIES,
    blockLength: decodingOf(architecture).blockLength ?? null,
    mode: STANDARD_MODE,
    refresh: UNTOLD_REFRESH,
    prices: defaultPrices(unitWork(architecture), provider),
    hitPrice: ZERO,
  };
}

/** What wrangler.toml says of models. */
function wranglerCards(): Readonly<Record<string, CardOverride>> {
  const text = /^MODEL_CARDS = '(.*)'$/m.exec(readFileSync("wrangler.toml", "utf8"))?.[1];
  return text === undefined ? {} : jsonText(modelCardsSchema).parse(text);
}
