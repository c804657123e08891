import { z } from "zod";
import type { AnswerCompleted } from "#domain/event.ts";
import { type Micros, toNumber } from "#domain/micros.ts";
import { MAX_IMAGE_BYTES, MAX_IMAGES, MAX_TEXT_BYTES } from "./limits.ts";
import {
  type FunctionStatus,
  functionStatusSchema,
  type ImagePolicyBody,
  imagePolicySchema,
  type ModelCard,
} from "./status.ts";

/** Body of an answer. */
export interface AnswerBody {
  readonly id: string;
  readonly object: "answer";
  readonly status: "completed";
  readonly answer: string;
  /** Geometric mean of the tokens' confidences, 0 … 1. */
  readonly confidence: number;
  readonly model: string;
  /** Which weights answered: hex SHA-256 of the bundle's manifest. */
  readonly model_digest: string;
  readonly cached: false;
  readonly usage: UsageBody;
  /** Micro-dollars. */
  readonly charged_micros: number;
  /** RFC 3339, UTC. */
  readonly created_at: string;
  readonly tokens: readonly AnswerTokenBody[];
}

export interface UsageBody {
  readonly image_vectors: number;
  readonly canvas: number;
  /** Steps that ran. */
  readonly steps: number;
  readonly forward_passes: number;
}

export interface AnswerTokenBody {
  readonly text: string;
  readonly confidence: number;
  /** Step that committed it, from 1. */
  readonly step: number;
}

/** What the edge knows of an answer besides what the function tells. */
export interface AnsweredJob {
  readonly jobId: string;
  readonly model: string;
  readonly modelDigest: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Renders a completed answer and what it cost. */
export function answerBody(
  completed: AnswerCompleted,
  job: AnsweredJob,
  charged: Micros,
): AnswerBody {
  const { usage } = completed;
  return {
    id: job.jobId,
    object: "answer",
    status: "completed",
    answer: completed.answer,
    confidence: completed.confidence,
    model: job.model,
    model_digest: job.modelDigest,
    cached: false,
    usage: {
      image_vectors: usage.imageVectors,
      canvas: usage.canvas,
      steps: usage.steps,
      forward_passes: usage.forwardPasses,
    },
    charged_micros: toNumber(charged),
    created_at: new Date(job.createdAt).toISOString(),
    tokens: completed.tokens.map(({ text, confidence, step }) => ({ text, confidence, step })),
  };
}

/** A model that can be asked. */
export interface ModelBody {
  readonly id: string;
  readonly object: "model";
  readonly digest: string;
  readonly format: string;
  readonly provider: string;
  /** How pictures become vectors; null for a model that reads text only. */
  readonly image: ImagePolicyBody | null;
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
}

/** Renders the models that are served. */
export function modelListBody(cards: readonly ModelCard[]): ModelListBody {
  return { object: "list", data: cards.map(modelBody) };
}

function modelBody(card: ModelCard): ModelBody {
  const { id, digest, format, provider, image } = card;
  return {
    id,
    object: "model",
    digest,
    format,
    provider,
    image,
    limits: {
      prompt_length: card.max_prompt_length,
      canvas: card.canvas_limit,
      images: image === null ? 0 : MAX_IMAGES,
      image_bytes: MAX_IMAGE_BYTES,
      text_bytes: MAX_TEXT_BYTES,
    },
  };
}

/** Body of `GET /health`: the edge is up if it answers at all; the function's own state beside it. */
export interface HealthBody {
  readonly status: "ok";
  readonly function: FunctionStatus | { readonly state: "unreachable" };
}

const exampleAnswer: AnswerBody = {
  id: "ans_0Kb3nV7cQ2xY9mTgA4hZw",
  object: "answer",
  status: "completed",
  answer: "A dog.",
  confidence: 0.87,
  model: "unmask-demo",
  model_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  cached: false,
  usage: { image_vectors: 730, canvas: 32, steps: 32, forward_passes: 32 },
  charged_micros: 1728,
  created_at: "2026-01-02T03:04:05.000Z",
  tokens: [
    { text: "A", confidence: 0.8, step: 2 },
    { text: " dog", confidence: 0.9, step: 1 },
    { text: ".", confidence: 0.92, step: 3 },
  ],
};

const count = z.int().nonnegative();
const probability = z.number().min(0).max(1);

/** Schemas of the bodies above, for the API's description and for tests that hold replies to it. */
export const answerSchema: z.ZodType<AnswerBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("answer"),
    status: z.literal("completed"),
    answer: z.string(),
    confidence: probability.meta({ description: "Geometric mean of the tokens' confidences." }),
    model: z.string(),
    model_digest: z.string().meta({ description: "SHA-256 of the manifest of the weights." }),
    cached: z.literal(false),
    usage: z.strictObject({
      image_vectors: count,
      canvas: count,
      steps: count,
      forward_passes: count,
    }),
    charged_micros: count,
    created_at: z.iso.datetime(),
    tokens: z.array(z.strictObject({ text: z.string(), confidence: probability, step: count })),
  })
  .meta({ id: "Answer", example: exampleAnswer });

export const modelListSchema: z.ZodType<ModelListBody> = z
  .strictObject({
    object: z.literal("list"),
    data: z.array(
      z
        .strictObject({
          id: z.string(),
          object: z.literal("model"),
          digest: z.string(),
          format: z.string(),
          provider: z.string(),
          image: imagePolicySchema.nullable(),
          limits: z.strictObject({
            prompt_length: count,
            canvas: count,
            images: count,
            image_bytes: count,
            text_bytes: count,
          }),
        })
        .meta({ id: "Model" }),
    ),
  })
  .meta({ id: "ModelList" });

export const healthSchema: z.ZodType<HealthBody> = z
  .strictObject({
    status: z.literal("ok"),
    function: z.union([functionStatusSchema, z.strictObject({ state: z.literal("unreachable") })]),
  })
  .meta({ id: "Health" });
