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

const BUNDLE = "infra/demo-model/bundle/models/unmask-demo";

/** Cards to calculate with: the demo model's as this repository serves it, LLaDA-V's on each provider at the prices that nobody has changed. */
export function calculatorCards(): readonly NamedCard[] {
  const providers = Object.keys(PICOS_PER_GIGA).filter((provider) => provider !== "wasm");
  return [
    { name: "unmask-demo, as npm start serves it", card: demoCard() },
    ...providers.map((provider) => ({
      name: `LLaDA-V on ${provider}, default prices`,
      card: cardOf("LLaDA-V", synthArchitecture("llada-v-8b"), provider),
    })),
  ];
}

function demoCard(): ModelCard {
  const { version } = parseLatest(readFileSync(`${BUNDLE}/latest.json`), BUNDLE);
  const { architecture, abilities = UNTOLD_ABILITIES } = parseManifest(
    readFileSync(`${BUNDLE}/${version}/manifest.json`),
    BUNDLE,
  );
  const card = cardOf("unmask-demo", architecture, "cpu");
  const own: CardOverride = wranglerCards()["unmask-demo"] ?? {};
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
