import * as z from "zod";
import { recommendedSize } from "#domain/image/recommended-size.ts";
import { type AnswerMode, answerModes } from "#domain/modes.ts";
import type { NumericsText } from "#domain/numerics.ts";
import type { ModelCard } from "#domain/quote.ts";
import {
  type ConfidenceBody,
  confidenceSchema,
  type DomainBody,
  domainSchema,
  type ImagePolicyBody,
  imagePolicySchema,
  type ModelCard as ToldCard,
} from "../function/status.ts";
import { MAX_IMAGE_BYTES, MAX_IMAGES, MAX_TEXT_BYTES } from "../limits.ts";
import { type ReadBody, type ToldReading, toldReadingSchema } from "../read-style.ts";

/** How pictures become vectors, and how large they are worth sending. */
export interface ModelImageBody extends ImagePolicyBody {
  /** Width × height; null where the installation is not told how the model sees. */
  readonly recommended_max_pixels: number | null;
  /** The longer side, in pixels; null as before. */
  readonly recommended_max_side: number | null;
}

/** A model that can be asked. */
export interface ModelBody {
  readonly id: string;
  readonly object: "model";
  /** Unix seconds, for clients of OpenAI, which expect it: when a bundle was made is not known, so it is 0. */
  readonly created: number;
  /** For the same clients. */
  readonly owned_by: string;
  readonly digest: string;
  readonly format: string;
  readonly provider: string;
  /** Class of the arithmetic that answers have now; null where the function does not say it yet. */
  readonly numerics: NumericsText | null;
  /** Null for a model that reads text only. */
  readonly image: ModelImageBody | null;
  /** Positions of a canvas where a request names none; the most that the model was trained for; the most that is taken. */
  readonly canvas: {
    readonly default: number;
    readonly recommended: number;
    readonly limit: number;
  };
  /** Positions per block where a request names none; null is the whole canvas. */
  readonly block_length: number | null;
  /** How requests may be answered. */
  readonly modes: readonly AnswerMode[];
  /** How a request is answered that names none. */
  readonly mode: AnswerMode;
  /** Steps from one computing of the prompt to the next in mode cached: where a request names none, and the most that is taken. */
  readonly refresh: { readonly default: number; readonly limit: number };
  /** What the model was trained with. System messages are dropped where it was not; the rest is taken with a warning. */
  readonly abilities: {
    readonly system_messages: boolean;
    readonly several_pictures: boolean;
    readonly several_turns: boolean;
  };
  /** What pictures it is for, and what it knows the names of; null where its maker does not say. */
  readonly domain: DomainBody | null;
  readonly confidence: ConfidenceBody;
  /** How values are read off pictures (`fields`); null where its function reads none. */
  readonly read: ToldReading | null;
  /** Whether its weights can be had, to be run elsewhere: `GET /v1/models/{id}/bundle`. */
  readonly downloadable: boolean;
  /** Pico-dollars (10⁻¹² $) of a view through the vision tower, of a position of a pass, and of a position of a pass looking at a position. */
  readonly price_picos: {
    readonly view: number;
    readonly linear: number;
    readonly attention: number;
  };
  readonly limits: {
    /** Positions of a prompt, image vectors included. */
    readonly prompt_length: number;
    readonly canvas: number;
    readonly images: number;
    readonly image_bytes: number;
    readonly text_bytes: number;
  };
}

export interface ModelListBody {
  readonly object: "list";
  readonly data: readonly ModelBody[];
  /** The same as Jev's clients read them; OpenAI's pass it over. */
  readonly models: readonly NamedModelBody[];
}

/** A model as Jev's clients list it. Source: the types of @typesafe-ai/sdk 0.6.0. */
export interface NamedModelBody {
  readonly name: string;
  /** What pictures it is for; "" where its maker does not say. */
  readonly description: string;
  /** Always "": no maker says it. */
  readonly release_date: string;
}

/** Renders the models that are served. */
export function modelListBody(models: readonly ModelBody[]): ModelListBody {
  const named = models.map(({ id, domain }) => ({
    ...{ name: id, description: domain?.description ?? "", release_date: "" },
  }));
  return { object: "list", data: models, models: named };
}

/** What an installation says of a model beside its card. */
export interface ServedTerms {
  readonly numerics: NumericsText | null;
  readonly isDownloadable: boolean;
}

/** Renders a model that is served: what its function tells of it, and the card by which it is asked and priced here. */
export function modelBody(
  told: ToldCard,
  own: ModelCard,
  { numerics, isDownloadable }: ServedTerms,
): ModelBody {
  const { id, digest, format, provider, image } = told;
  const { canvas, systemMessages, severalPictures, severalTurns } = own.abilities;
  return {
    id,
    object: "model",
    created: 0,
    owned_by: "unmask",
    digest,
    format,
    provider,
    numerics,
    image: image === null ? null : { ...image, ...recommended(own) },
    canvas: { default: canvas.standard, recommended: canvas.recommended, limit: canvas.limit },
    block_length: own.blockLength,
    modes: answerModes,
    mode: own.mode,
    refresh: { default: own.refresh.standard, limit: own.refresh.limit },
    abilities: {
      system_messages: systemMessages,
      several_pictures: severalPictures,
      several_turns: severalTurns,
    },
    domain: told.domain ?? null,
    confidence: told.confidence ?? { calibrated: false, abstains_below: null },
    read: told.read === undefined ? null : toldReading(told.read),
    downloadable: isDownloadable,
    price_picos: {
      view: Number(own.prices.view),
      linear: Number(own.prices.linear),
      attention: Number(own.prices.attention),
    },
    limits: {
      prompt_length: told.max_prompt_length,
      canvas: canvas.limit,
      images: image === null ? 0 : MAX_IMAGES,
      image_bytes: MAX_IMAGE_BYTES,
      text_bytes: MAX_TEXT_BYTES,
    },
  };
}

function toldReading({ style: { style }, fitted, places }: ReadBody): ToldReading {
  const grid = places === undefined ? null : { columns: places.columns, rows: places.rows };
  return { style, fitted, places: grid };
}

function recommended({
  image,
}: ModelCard): Pick<ModelImageBody, "recommended_max_pixels" | "recommended_max_side"> {
  const size = image === null ? undefined : recommendedSize(image);
  return {
    recommended_max_pixels: size?.pixels ?? null,
    recommended_max_side: size?.side ?? null,
  };
}

const count = z.int().nonnegative();
const mode = z.enum(answerModes);

const modelImageSchema: z.ZodType<ModelImageBody> = z.intersection(
  imagePolicySchema,
  z.object({
    recommended_max_pixels: count.nullable().meta({
      description:
        "Width × height of the largest canvas that the model looks at. Scale larger pictures down to it: what is beyond is never seen.",
    }),
    recommended_max_side: count.nullable().meta({ description: "The longer side of it." }),
  }),
);

export const modelSchema: z.ZodType<ModelBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("model"),
    created: count,
    owned_by: z.string(),
    digest: z.string(),
    format: z.string(),
    provider: z.string(),
    numerics: z.string().nullable().meta({
      description:
        "Class of the arithmetic that answers have now: a replay by another one cannot be compared. Null while the weights are on their way.",
    }),
    image: modelImageSchema
      .nullable()
      .meta({ description: "Null for a model that reads text only." }),
    canvas: z.strictObject({ default: count, recommended: count, limit: count }).meta({
      description:
        "Positions of a canvas where a request names none; the most that the model was trained for; the most that is taken.",
    }),
    block_length: count.nullable().meta({
      description: "Positions per block where a request names none; null is the whole canvas.",
    }),
    modes: z.array(mode).meta({ description: "How requests may be answered." }),
    mode: mode.meta({ description: "How a request is answered that names none." }),
    refresh: z.strictObject({ default: count, limit: count }).meta({
      description:
        "Steps from one computing of the prompt to the next in mode cached: where a request names none; the most that is taken.",
    }),
    abilities: z
      .strictObject({
        system_messages: z.boolean(),
        several_pictures: z.boolean(),
        several_turns: z.boolean(),
      })
      .meta({
        description:
          "What the model was trained with. System messages are dropped where it was not, and the rest is taken with a warning.",
      }),
    domain: domainSchema.nullable().meta({
      description:
        "What pictures it is for, in a sentence; what it knows the names of, where that is listed; whether answers say in_domain. Null where its maker does not say.",
    }),
    confidence: confidenceSchema.meta({
      description:
        "Whether confidences were fitted to how often answers are right, and the one below which an answer counts as none.",
    }),
    read: toldReadingSchema.nullable().meta({
      description:
        "How values are read off pictures, where a request has fields; null where its function reads none.",
    }),
    downloadable: z.boolean().meta({
      description:
        "Whether its weights can be had, to be run elsewhere: GET /v1/models/{id}/bundle.",
    }),
    price_picos: z.strictObject({ view: count, linear: count, attention: count }).meta({
      description:
        "Pico-dollars (10⁻¹² $) of a view through the vision tower, of a position of a pass, and of a position of a pass looking at a position.",
    }),
    limits: z.strictObject({
      prompt_length: count,
      canvas: count,
      images: count,
      image_bytes: count,
      text_bytes: count,
    }),
  })
  .meta({ id: "Model" });

export const modelListSchema: z.ZodType<ModelListBody> = z
  .strictObject({
    object: z.literal("list"),
    data: z.array(modelSchema),
    models: z
      .array(
        z.strictObject({ name: z.string(), description: z.string(), release_date: z.string() }),
      )
      .meta({
        description:
          "The same as Jev's clients read them; release_date is always empty, since no maker says it.",
      }),
  })
  .meta({ id: "ModelList" });
