import type { Bundle } from "#domain/bundle.ts";
import { readCardOf } from "#domain/read-style.ts";
import type { AnswerTools } from "#model/prepare.ts";
import type { Resize } from "#model/vision/crops.ts";
import type { FeatureStore, KeptStore } from "#model/vision/kept-features.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { createFeatureStore, createKeptStore } from "./feature-store.ts";
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

/** What answers of a bundle are made with; its stores are always there, though they may keep nothing. */
export type BundleTools = AnswerTools & {
  readonly features: FeatureStore;
  readonly neutral: NeutralStore;
};

type NeutralStore = KeptStore<readonly (readonly number[])[]>;

/**
 * Threat: templates without number, each of which is kept. 64 fields of some ten options are 5 KB of numbers under a key of some 20 KB:
 * room for a few hundred templates, and an account has a handful.
 */
const MAX_NEUTRAL_BYTES = 8 * 2 ** 20;

const UTF16_BYTES = 2;
const FLOAT_BYTES = 8;

function neutralSize(scores: readonly (readonly number[])[], key: string): number {
  return UTF16_BYTES * key.length + FLOAT_BYTES * scores.flat().length;
}

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
  const neutral = createKeptStore(MAX_NEUTRAL_BYTES, neutralSize);
  const read = readCardOf(bundle);
  return { engine, tokenizer, renderTemplate, resize, trust: bundle, read, features, neutral };
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
