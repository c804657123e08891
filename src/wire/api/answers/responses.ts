import * as z from "zod";
import type { Warning } from "#domain/abilities.ts";
import { type Micros, toNumber } from "#domain/micros.ts";
import type { NumericsText } from "#domain/numerics.ts";
import type { Usage } from "#domain/question.ts";
import { type AbstentionReason, abstentionReasons, type JudgedAnswer } from "#domain/trust.ts";
import { type Problem, problemSchema } from "../../error.ts";
import { type WarningBody, warningBodies, warningsSchema } from "../../warnings.ts";
import { type FieldBody, fieldBodies, fieldBodySchema } from "./fields/field-body.ts";

/** Body of an answer. */
export interface AnswerBody {
  readonly id: string;
  readonly object: "answer";
  readonly status: AnswerStatus;
  /** Of an answer in the making, the canvas so far. */
  readonly answer: string;
  /** Of a request that names fields, each by its name; `answer` is their values as JSON then. Absent of any other. */
  readonly fields?: Readonly<Record<string, FieldBody>>;
  /** How likely it is right, 0 … 1: the geometric mean of the tokens' confidences, calibrated where the model brings that; 0 where it has no answer. */
  readonly confidence: number;
  /** Whether the pictures are of what the model was trained for; null where its maker does not say, there is no picture, or it has not been looked at. */
  readonly in_domain: boolean | null;
  /** How far inside of that world they are, of several the worst: 0 is the border, below it is outside. Null as `in_domain`. */
  readonly domain_score: number | null;
  /** Whether the answer is not to be relied on: `answer` is then the model's guess, or the sentence with which it declines. */
  readonly abstained: boolean;
  /** Why; null where it has not abstained. */
  readonly abstention: AbstentionReason | null;
  readonly model: string;
  /** Which weights answer: hex SHA-256 of the bundle's manifest; null before a function took it. */
  readonly model_digest: string | null;
  /** Class of the arithmetic that it was made with; null before it has begun, and where its function says none. */
  readonly numerics: NumericsText | null;
  /** How often it has begun anew, since no function of the class that began it was left. */
  readonly restarts: number;
  /** Replay digest of a completed answer: equal digests are equal answers to equal questions. */
  readonly digest: string | null;
  readonly cached: boolean;
  readonly usage: UsageBody;
  /** Micro-dollars; 0 until it has ended. */
  readonly charged_micros: number;
  /** RFC 3339, UTC. */
  readonly created_at: string;
  /** When it ended; null before. */
  readonly ended_at: string | null;
  readonly tokens: readonly AnswerTokenBody[];
  /** Why it failed; null for any other. */
  readonly error: Problem | null;
  /** What of the question the model was not trained for, or what was left out of it; empty as a rule. */
  readonly warnings: readonly WarningBody[];
}

/** `queued` no function has it · `running` · `completed` · `partial` told at its deadline · `failed` · `cancelled`. The last four are ends. */
export type AnswerStatus = "queued" | "running" | "completed" | "partial" | "failed" | "cancelled";

export interface UsageBody {
  readonly image_vectors: number;
  /** How many of them were kept from an earlier question about the same picture; they cost the same. */
  readonly cached_image_vectors: number;
  /** Positions before the canvas, image vectors included. */
  readonly prompt_length: number;
  readonly canvas: number;
  /** Steps that ran. */
  readonly steps: number;
  readonly forward_passes: number;
  /** Passes that computed the prompt too; the others computed what is behind it. */
  readonly refreshes: number;
  /** Positions that all passes computed. */
  readonly rows: number;
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
  readonly status: AnswerStatus;
  readonly model: string;
  readonly modelDigest: string | null;
  readonly numerics: NumericsText | null;
  readonly restarts: number;
  readonly digest: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Null before it has ended. */
  readonly endedAt: number | null;
  readonly error: Problem | null;
  readonly warnings: readonly Warning[];
}

/** An answer as far as it is made. */
export interface MadeAnswer extends JudgedAnswer {
  readonly usage: Usage;
}

/** Renders an answer as far as it is made, and what it cost. Only one that is told as an answer can have abstained. */
export function answerBody(made: MadeAnswer, job: AnsweredJob, charged: Micros): AnswerBody {
  const { usage, domainScore } = made;
  const isAnswer = job.status === "completed" || job.status === "partial";
  const abstention = isAnswer ? (made.abstention ?? null) : null;
  return {
    id: job.jobId,
    object: "answer",
    status: job.status,
    answer: made.answer,
    ...(made.fields === undefined ? {} : { fields: fieldBodies(made.fields) }),
    confidence: made.confidence,
    in_domain: domainScore === undefined ? null : domainScore >= 0,
    domain_score: domainScore ?? null,
    abstained: abstention !== null,
    abstention,
    model: job.model,
    model_digest: job.modelDigest,
    numerics: job.numerics,
    restarts: job.restarts,
    digest: job.digest,
    cached: false,
    usage: {
      image_vectors: usage.imageVectors,
      cached_image_vectors: usage.cachedImageVectors ?? 0,
      prompt_length: usage.promptLength,
      canvas: usage.canvas,
      steps: usage.steps,
      forward_passes: usage.forwardPasses,
      refreshes: usage.refreshes,
      rows: usage.rows,
    },
    charged_micros: toNumber(charged),
    created_at: new Date(job.createdAt).toISOString(),
    ended_at: job.endedAt === null ? null : new Date(job.endedAt).toISOString(),
    tokens: made.tokens.map(({ text, confidence, step }) => ({ text, confidence, step })),
    error: job.error,
    warnings: warningBodies(job.warnings),
  };
}

const exampleAnswer: AnswerBody = {
  id: "ans_0Kb3nV7cQ2xY9mTgA4hZw",
  object: "answer",
  status: "completed",
  answer: "A dog.",
  confidence: 0.87,
  in_domain: true,
  domain_score: 3.2,
  abstained: false,
  abstention: null,
  model: "unmask-demo",
  model_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  numerics:
    "cpu/onnxruntime-node-1.30.0/x64-avx512+vnni/alone/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  restarts: 0,
  digest: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  cached: false,
  usage: {
    image_vectors: 730,
    cached_image_vectors: 0,
    prompt_length: 760,
    canvas: 32,
    steps: 32,
    forward_passes: 32,
    refreshes: 8,
    rows: 7104,
  },
  charged_micros: 1728,
  created_at: "2026-01-02T03:04:05.000Z",
  ended_at: "2026-01-02T03:04:06.000Z",
  tokens: [
    { text: "A", confidence: 0.8, step: 2 },
    { text: " dog", confidence: 0.9, step: 1 },
    { text: ".", confidence: 0.92, step: 3 },
  ],
  error: null,
  warnings: [],
};

const count = z.int().nonnegative();
const probability = z.number().min(0).max(1);

const members = {
  id: z.string(),
  object: z.literal("answer"),
  status: z.enum(["queued", "running", "completed", "partial", "failed", "cancelled"]),
  answer: z.string().meta({
    description: "Its text. Of a request that names fields: their values as JSON, in their order.",
  }),
  fields: z.record(z.string(), fieldBodySchema).exactOptional().meta({
    description:
      "Of a request that names fields: what each was read as, by its name. Before the answer has ended those that are not known yet are unfinished. Absent of any other.",
  }),
  confidence: probability.meta({
    description:
      "How likely the answer is right: the geometric mean of the tokens' confidences, calibrated where the model brings a calibration; 0 where the pictures are out of the model's world, or the model says that it does not know. The tokens keep the confidences that the model gave them.",
  }),
  in_domain: z.boolean().nullable().meta({
    description:
      "Whether the pictures are of what the model was trained for, whatever is asked about them. Null where its maker does not say, there is no picture, or it has not been looked at yet.",
  }),
  domain_score: z.number().nullable().meta({
    description:
      "How far inside of that world the pictures are, of several the worst: 0 is the border, below it is outside. It has no unit, and scores of different models do not compare.",
  }),
  abstained: z.boolean().meta({
    description:
      "Whether the answer is not to be relied on: answer is then the model's guess, or the sentence with which it declines. Always false before it has ended.",
  }),
  abstention: z.enum(abstentionReasons).nullable().meta({
    description:
      "Why: out_of_domain, the pictures are not of the model's world; unsure, the model says that it does not know; low_confidence, it is not sure enough.",
  }),
  model: z.string(),
  model_digest: z
    .string()
    .nullable()
    .meta({ description: "SHA-256 of the manifest of the weights." }),
  numerics: z.string().nullable().meta({
    description:
      "Class of the arithmetic that made it: provider/runtime/kernels/rows/model digest. Answers of one class can be held to each other; those of two may differ in their last bits, and so in a token. Null before it has begun, and where its function says none.",
  }),
  restarts: count.meta({
    description: "How often it has begun anew, because no function of its class was left.",
  }),
  digest: z.string().nullable().meta({
    description:
      "Replay digest: SHA-256 of all that determined the answer and of its tokens. Null before it is completed.",
  }),
  cached: z.boolean(),
  usage: z.strictObject({
    image_vectors: count,
    cached_image_vectors: count.meta({
      description:
        "Of them, those that were kept from an earlier question about the same picture. They cost the same.",
    }),
    prompt_length: count,
    canvas: count,
    steps: count,
    forward_passes: count,
    refreshes: count.meta({ description: "Passes that computed the prompt too." }),
    rows: count.meta({ description: "Positions that all passes computed." }),
  }),
  charged_micros: count,
  created_at: z.iso.datetime(),
  ended_at: z.iso.datetime().nullable(),
  tokens: z.array(z.strictObject({ text: z.string(), confidence: probability, step: count })),
  error: problemSchema.nullable().meta({ description: "Why it failed." }),
  warnings: warningsSchema,
};

/** The schema of each member, for bodies that have some of them. */
export const answerFields: { readonly [Name in keyof AnswerBody]-?: z.ZodType } = members;

/** Schema of the body, for the API's description and for tests that hold replies to it. */
export const answerSchema: z.ZodType<AnswerBody> = z
  .strictObject(members)
  .meta({ id: "Answer", example: exampleAnswer });
