// What the package `unmask/ai-sdk` exports: Unmask as a provider of the AI SDK's decisions and extractions.

import { NoSuchModelError } from "ai";
import { decisionModel } from "./decision-model.ts";
import { extractionModel } from "./extraction-model.ts";
import type { DecisionModel, ExtractionModel, ProviderSettings } from "./sdk.ts";

export type { FieldExtras, ProviderSettings, UnmaskOptions } from "./sdk.ts";

/** Unmask for `experimental_decide` and `experimental_extract`, as it stands or in a registry. */
export interface UnmaskProvider {
  readonly specificationVersion: "v4";
  /** `model`: a name of `GET /v1/models`; the usual one when absent. */
  decisionModel(model?: string): DecisionModel;
  extractionModel(model?: string): ExtractionModel;
  /** None: for text use `@ai-sdk/openai-compatible`. Throws NoSuchModelError, as the next two. */
  languageModel(model: string): never;
  embeddingModel(model: string): never;
  imageModel(model: string): never;
}

/** Makes the provider. It keeps no connection and no state. */
export function createUnmask(settings: ProviderSettings): UnmaskProvider {
  const none =
    (modelType: "languageModel" | "embeddingModel" | "imageModel") =>
    (modelId: string): never => {
      throw new NoSuchModelError({ modelId, modelType });
    };
  return {
    specificationVersion: "v4",
    decisionModel: (model) => decisionModel(settings, model),
    extractionModel: (model) => extractionModel(settings, model),
    languageModel: none("languageModel"),
    embeddingModel: none("embeddingModel"),
    imageModel: none("imageModel"),
  };
}
