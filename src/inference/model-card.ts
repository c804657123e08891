import type { Abilities } from "#domain/abilities.ts";
import { type Architecture, decodingOf, type ViewRules, viewRules } from "#domain/architecture.ts";
import type { Bundle } from "#domain/bundle.ts";
import { fieldTypes } from "#domain/fields.ts";
import { type ReadCard, readCardOf } from "#domain/read-style.ts";
import type { Domain } from "#domain/trust.ts";
import { unitWork } from "#domain/unit-prices.ts";
import type { DomainBody, ImagePolicyBody, ModelCard, VisionBody } from "#wire/function/status.ts";
import { MAX_CANVAS } from "#wire/limits.ts";
import type { ReadBody } from "#wire/read-style.ts";

/** What a bundle's model can be asked, as the function tells it. */
export function cardOf(
  bundle: Bundle,
  { canvas, systemMessages, severalPictures, severalTurns }: Abilities,
  digest: string,
  provider: string,
): ModelCard {
  const { image, vision, prompt } = bundle.architecture;
  return {
    id: bundle.name,
    digest,
    image: image === undefined ? null : imagePolicyBody(image),
    max_prompt_length: prompt.maxPromptLength,
    canvas_limit: Math.min(canvas.limit, MAX_CANVAS),
    canvas_default: Math.min(canvas.standard, MAX_CANVAS),
    canvas_recommended: Math.min(canvas.recommended, MAX_CANVAS),
    block_length: decodingOf(bundle.architecture).blockLength ?? null,
    system_messages: systemMessages,
    several_pictures: severalPictures,
    several_turns: severalTurns,
    provider,
    format: bundle.format,
    vision: vision === undefined ? null : visionBody(viewRules(vision)),
    domain: domainBody(bundle.domain),
    confidence: {
      calibrated: bundle.calibration !== undefined,
      abstains_below: bundle.abstention?.below ?? null,
    },
    read: readBody(readCardOf(bundle)),
    work: unitWork(bundle.architecture),
  };
}

function readBody({ style, temperatures = {}, places }: ReadCard): ReadBody {
  return {
    style,
    fitted: fieldTypes.filter((type) => temperatures[type] !== undefined),
    ...(places === undefined ? {} : { places }),
  };
}

function domainBody(domain: Domain | undefined): DomainBody | null {
  if (domain === undefined) return null;
  const { description, things = null, score } = domain;
  return { description, things, scored: score !== undefined };
}

function visionBody(rules: ViewRules): VisionBody {
  return "vectors" in rules
    ? { view_pixels: rules.imageSize, view_vectors: rules.vectors }
    : { view_pixels: rules.imageSize, patch_pixels: rules.patchSize };
}

function imagePolicyBody(image: NonNullable<Architecture["image"]>): ImagePolicyBody {
  const { aspect, gridPinpoints, maxTiles } = image;
  return { aspect, grid_pinpoints: gridPinpoints, max_tiles: maxTiles };
}
