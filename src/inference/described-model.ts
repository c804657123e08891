import { type Abilities, UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { type NumericsText, numericsText } from "#domain/numerics.ts";
import { createFeatureStore } from "#engine/feature-store.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import { createTemplateRenderer, createTokenizer } from "#engine/text.ts";
import type { Claim } from "#engine/turn-order.ts";
import type { Provider } from "#graph/profile.ts";
import type { AnswerTools } from "#model/prepare.ts";
import type { Resize } from "#model/vision/crops.ts";
import { keptFor } from "#model/vision/kept-features.ts";
import { WeightsError } from "#weights/weights-error.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { cardOf } from "./model-card.ts";
import type { ModelLoad } from "./model-loader.ts";

/** A model whose manifest and language files are here: what it can be asked, and what answers are made with. */
export interface DescribedModel {
  readonly card: ModelCard;
  readonly abilities: Abilities;
  /** Class of the arithmetic that its answers have. */
  readonly numerics: NumericsText;
  readonly tools: AnswerTools;
  /**
   * The tools as one answer sees them: the engine in its turn (`OrtEngine.ofAnswer`), and of the features what is kept for who asks.
   * @param asker names who asks, as nobody else is named
   */
  readonly toolsOf: (claim: () => Claim, asker: string) => AnswerTools;
}

/** What of a host's options a model is described by. */
export interface DescriptionOptions {
  readonly provider: Provider;
  /** The most that pictures' features take in memory between questions. Absent: none are kept. */
  readonly featureBytes?: number;
  readonly resize: Resize;
}

/** Makes of a bundle and its engine what answers are made with. Throws `WeightsError` for a bundle that cannot be asked in words. */
export function describeModel(
  load: ModelLoad,
  engine: OrtEngine,
  options: DescriptionOptions,
): DescribedModel {
  const { bundle, digest, files } = load;
  const { prompt, special } = bundle.architecture;
  const tokenizer = createTokenizer(
    text(files, "tokenizer.json"),
    text(files, "tokenizer_config.json"),
  );
  if (prompt.chatTemplate === undefined) {
    throw new WeightsError("manifest_invalid", `bundle ${bundle.name} has no chat template`);
  }
  const renderTemplate = createTemplateRenderer(
    prompt.chatTemplate,
    tokenizer.decode([special.beginOfText], true),
  );
  const abilities = bundle.abilities ?? UNTOLD_ABILITIES;
  const tools = {
    engine,
    tokenizer,
    renderTemplate,
    resize: options.resize,
    trust: bundle,
    features: createFeatureStore(options.featureBytes ?? 0),
  };
  return {
    card: cardOf(bundle, abilities, digest, options.provider),
    abilities,
    numerics: numericsText({ ...engine.arithmetic, model: digest }),
    tools,
    toolsOf: (claim, asker) => ({
      ...tools,
      engine: engine.ofAnswer(claim),
      features: keptFor(asker, tools.features),
    }),
  };
}

/** A bundle that takes ids only can be checked by `parity` but not asked in words. */
function text(files: ReadonlyMap<string, Uint8Array>, name: string): string {
  const bytes = files.get(name);
  if (bytes === undefined) {
    throw new WeightsError("manifest_invalid", `the bundle has no ${name}: it takes ids, not text`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WeightsError("manifest_invalid", `the bundle's ${name} is no UTF-8`, { cause });
  }
}
