import type { Bundle } from "#domain/bundle.ts";
import type { AnswerTools } from "#model/prepare.ts";
import type { Resize } from "#model/vision/crops.ts";
import type { FeatureStore } from "#model/vision/kept-features.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { createFeatureStore } from "./feature-store.ts";
import type { OrtEngine } from "./ort-engine.ts";
import { createTemplateRenderer, createTokenizer } from "./text.ts";

/** What answers are made with beside the engine. */
export interface ToolParts {
  readonly bundle: Bundle;
  /** `tokenizer.json` and the like, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly resize: Resize;
  /** The most that pictures' features take in memory between questions. Absent: none are kept. */
  readonly featureBytes?: number;
}

/** What answers of a bundle are made with; its features are always there, though they may keep nothing. */
export type BundleTools = AnswerTools & { readonly features: FeatureStore };

/** Makes of a bundle and its engine what answers are made with. Throws `WeightsError` for a bundle that cannot be asked in words. */
export function answerTools(engine: OrtEngine, parts: ToolParts): BundleTools {
  const { bundle, files, resize, featureBytes = 0 } = parts;
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
  const features = createFeatureStore(featureBytes);
  return { engine, tokenizer, renderTemplate, resize, trust: bundle, features };
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
