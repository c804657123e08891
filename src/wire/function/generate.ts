import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { type AnswerMode, answerModes, type CommitTerms } from "#domain/modes.ts";
import { type AnswerOptions, canBring, type Message, type Question } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { parseJson } from "../body/parse-json.ts";
import { base64ByteLength, decodeBase64, encodeBase64 } from "../codec/base64.ts";
import { problemsOf } from "../field-problems.ts";
import {
  MAX_BODY_BYTES,
  MAX_CANVAS,
  MAX_IMAGE_BYTES,
  MAX_IMAGES,
  MAX_MESSAGES,
  MAX_SEED,
  MAX_STOP_LENGTH,
  MAX_STOPS,
  MAX_SUFFIX_LENGTH,
  MAX_TEMPERATURE,
  MAX_TEXT_BYTES,
} from "../limits.ts";

/**
 * The hop from edge to function: `POST /v1/generate` with `Authorization: Bearer <ticket>` and the body below. The
 * reply is `text/event-stream` (`events.ts`) with `MODEL_DIGEST_HEADER`, or a refusal (`refusal.ts`).
 */
export const GENERATE_PATH = "/v1/generate";

/**
 * Request header: milliseconds from its arrival after which the function stops and tells `answer.partial`. Not in the
 * body, whose bytes are the question's identity.
 */
export const DEADLINE_HEADER = "unmask-deadline-ms";

/**
 * Request header: how many other tokens the frames are to tell of each place that is written; none without it. Not in the body
 * either: the answer is the same. A function of before tells none.
 */
export const ALTERNATIVES_HEADER = "unmask-alternatives";

/** Reply header that names the weights which answer: the lower-case hex SHA-256 of the bundle's manifest. */
export const MODEL_DIGEST_HEADER = "unmask-model-digest";

/**
 * Writes a question as canonical JSON: members in one order, no spaces, absent stays absent. Equal questions are equal
 * bytes, which the ticket's digest and later the cache rest on.
 */
export function encodeGenerate({ messages, images, options }: Question): Uint8Array<ArrayBuffer> {
  const body: GenerateBody = {
    messages: messages.map(({ role, text, pictures = 0 }) => ({
      role,
      text,
      ...(pictures === 0 ? {} : { pictures }),
    })),
    images: images.map(encodeBase64),
    options: optionsBody(options),
  };
  return new TextEncoder().encode(JSON.stringify(body));
}

/** Writes options as every version of the hop has them. */
export function optionsBody(options: AnswerOptions): OptionsBody {
  return {
    detail: options.detail,
    canvas: options.canvas,
    steps: options.steps,
    block_length: options.blockLength,
    mode: options.mode,
    // What `exact` has no choice of is left out: it is written as it was before there was another mode.
    ...(options.mode === "exact"
      ? {}
      : { refresh: options.refresh, commit: commitBody(options.commit) }),
    temperature: options.temperature,
    seed: options.seed,
    stop: [...options.stop],
    ...(options.suffix === undefined ? {} : { suffix: options.suffix }),
  };
}

/**
 * Reads what `encodeGenerate` wrote. The edge has checked it all before, so a refusal (`invalid_request`,
 * `body_too_large`) means that the two sides are of different versions, or that someone else holds a key.
 */
export function decodeGenerate(bytes: Uint8Array): Result<Question, Failure> {
  if (bytes.length > MAX_GENERATE_BYTES)
    return refuse({ kind: "body_too_large", limitBytes: MAX_GENERATE_BYTES });
  const body = parseJson(bytes);
  if (!body.ok) return body;
  const parsed = generateSchema.safeParse(body.value);
  if (!parsed.success)
    return refuse({ kind: "invalid_request", problems: problemsOf(parsed.error) });

  const images = parsed.data.images.map(decodeBase64);
  const broken = images.indexOf(undefined);
  if (broken !== -1) {
    const problem = { pointer: `/images/${broken}`, message: "is not base64" };
    return refuse({ kind: "invalid_request", problems: [problem] });
  }
  const { messages } = parsed.data;
  if (!canBring(messages, images.length)) {
    const message = `the messages do not bring the ${images.length} pictures that are there`;
    return refuse({ kind: "invalid_request", problems: [{ pointer: "/messages", message }] });
  }
  return ok({
    messages,
    images: images.filter((image) => image !== undefined),
    options: parsed.data.options,
  });
}

/** A public body of files may be a third larger here, where they are base64; the text beside them is at most escaped. */
export const MAX_GENERATE_BYTES: number = Math.ceil((MAX_BODY_BYTES * 4) / 3) + 1024 * 1024;

const positive = z.int().min(1).max(MAX_CANVAS);

// Sums of entropies and gaps of logits are small numbers of nats; three thirds have gaps, or none.
const nats = z.number().min(0).max(1000);
const commitSchema = z.discriminatedUnion("rule", [
  z.strictObject({ rule: z.literal("schedule") }),
  z.strictObject({ rule: z.literal("entropy"), bound: nats, gaps: z.array(nats).max(8) }),
]);

/** How a step's commitments are written on the hop. */
export type CommitBody =
  | { readonly rule: "schedule" }
  | { readonly rule: "entropy"; readonly bound: number; readonly gaps: number[] };

/** An answer's options on the hop. */
export interface OptionsBody
  extends Omit<AnswerOptions, "blockLength" | "mode" | "refresh" | "commit" | "stop"> {
  readonly block_length: number;
  readonly mode?: AnswerMode;
  readonly refresh?: number;
  readonly commit?: CommitBody;
  readonly stop: string[];
}

const optionsShape = z.strictObject({
  detail: z.enum(["low", "auto"]),
  canvas: positive,
  steps: positive,
  block_length: positive,
  // What was asked before there were modes was answered in `exact`.
  mode: z.enum(answerModes).default("exact"),
  refresh: positive.default(1),
  commit: commitSchema.default({ rule: "schedule" }),
  temperature: z.number().min(0).max(MAX_TEMPERATURE),
  seed: z.int().min(0).max(MAX_SEED),
  stop: z.array(z.string().min(1).max(MAX_STOP_LENGTH)).max(MAX_STOPS),
  suffix: z.string().max(MAX_SUFFIX_LENGTH).exactOptional(),
});

/** Schema of options as `optionsBody` writes them. */
export const optionsSchema: z.ZodType<AnswerOptions> = optionsShape.transform(
  ({ block_length, ...options }) => ({ ...options, blockLength: block_length }),
);

/** Schema of a question's messages. */
export const messagesSchema: z.ZodType<Message[]> = z
  .array(
    z.strictObject({
      role: z.enum(["system", "user", "assistant"]),
      text: z.string().max(MAX_TEXT_BYTES),
      pictures: z.int().min(1).max(MAX_IMAGES).exactOptional(),
    }),
  )
  .min(1)
  .max(MAX_MESSAGES);

const generateSchema = z.strictObject({
  messages: messagesSchema,
  images: z
    .array(z.string().refine((text) => base64ByteLength(text) <= MAX_IMAGE_BYTES))
    .max(MAX_IMAGES),
  options: optionsSchema,
});

interface GenerateBody extends Omit<z.input<typeof generateSchema>, "options"> {
  readonly options: OptionsBody;
}

function commitBody(commit: CommitTerms): CommitBody {
  return commit.rule === "schedule" ? commit : { ...commit, gaps: [...commit.gaps] };
}

/**
 * Where a function is told to forget what it keeps in memory of an account's pictures: the ticket names the account, the body is
 * an empty object. 204; a function of before has no such path, and keeps nothing beyond its process either.
 */
export const FORGET_PATH = "/v1/forget";

/** An empty object: whoever sends more means something else. */
export const MAX_FORGET_BYTES = 16;
