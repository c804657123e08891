import { type Abilities, UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { type NumericsText, numericsText } from "#domain/numerics.ts";
import { answerTools } from "#engine/answer-tools.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import type { Claim } from "#engine/turn-order.ts";
import type { Provider } from "#graph/profile.ts";
import type { AnswerTools } from "#model/prepare.ts";
import type { Resize } from "#model/vision/crops.ts";
import { keptFor } from "#model/vision/kept-features.ts";
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
   * @param asker names who asks, as nobody else is named; null: nothing is kept, nor found
   */
  readonly toolsOf: (claim: () => Claim, asker: string | null) => AnswerTools;
  /** Forgets what was kept for whoever's name begins so. */
  readonly forget: (beginning: string) => void;
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
  const { bundle, digest } = load;
  const abilities = bundle.abilities ?? UNTOLD_ABILITIES;
  const tools = answerTools(engine, { ...load, ...options });
  return {
    card: cardOf(bundle, abilities, digest, options.provider),
    abilities,
    numerics: numericsText({ ...engine.arithmetic, model: digest }),
    tools,
    toolsOf: (claim, asker) => {
      const { features, neutral, ...others } = tools;
      const own = { ...others, engine: engine.ofAnswer(claim) };
      if (asker === null) return own;
      return { ...own, features: keptFor(asker, features), neutral: keptFor(asker, neutral) };
    },
    forget: (beginning) => {
      tools.features.forget(beginning);
      tools.neutral.forget(beginning);
    },
  };
}
