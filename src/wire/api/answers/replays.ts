import * as z from "zod";
import type { NumericsText } from "#domain/numerics.ts";
import type { FieldBody } from "./fields/field-body.ts";
import type { AnswerBody, AnswerTokenBody } from "./responses.ts";

/** Body of `POST /v1/answers/{id}/replay`: the same question asked again, past the cache, beside the first answer. */
export interface ReplayBody {
  readonly object: "replay";
  /** The answer that was there. */
  readonly answer_id: string;
  /** The answer that was made now; it can be fetched like any other. */
  readonly replayed_id: string;
  /**
   * `equal`: both have the same replay digest: same weights, question, options, and every token, where and when it was committed.
   * `different`: they have not, though both were made with the same arithmetic. `not_comparable`: they have not, and the arithmetic
   * was another, or is not known; that says nothing against either.
   */
  readonly verdict: ReplayVerdict;
  /** The verdict as yes or no; null where there is neither. */
  readonly equal: boolean | null;
  readonly digest: string;
  readonly replayed_digest: string;
  /** Which weights made each. Different ones may answer differently. */
  readonly model_digest: string | null;
  readonly replayed_model_digest: string | null;
  /** Class of the arithmetic that made each; null where it is not known. */
  readonly numerics: NumericsText | null;
  readonly replayed_numerics: NumericsText | null;
  /** The first token, or the first field, that differs; null where all are the same, or are not to be compared. */
  readonly difference: ReplayDifference | null;
  /** Micro-dollars that the replay cost. */
  readonly charged_micros: number;
}

export type ReplayVerdict = "equal" | "different" | "not_comparable";

export interface ReplayDifference {
  /** Index in `tokens` of either answer, or of the field among the fields, from 0. */
  readonly index: number;
  /** Its name, where fields were read: there are no tokens then. */
  readonly field?: string;
  /** Null where the answer had ended. */
  readonly token: AnswerTokenBody | null;
  readonly replayed_token: AnswerTokenBody | null;
}

/** A completed answer. */
export interface DigestedAnswer extends AnswerBody {
  readonly digest: string;
}

/** Says whether an answer has come to its end and can be compared. */
export function isDigested(body: AnswerBody): body is DigestedAnswer {
  return body.status === "completed" && body.digest !== null;
}

/** Compares an answer with its replay. */
export function replayBody(answer: DigestedAnswer, replayed: DigestedAnswer): ReplayBody {
  const verdict = verdictOn(answer, replayed);
  return {
    object: "replay",
    answer_id: answer.id,
    replayed_id: replayed.id,
    verdict,
    equal: verdict === "not_comparable" ? null : verdict === "equal",
    digest: answer.digest,
    replayed_digest: replayed.digest,
    model_digest: answer.model_digest,
    replayed_model_digest: replayed.model_digest,
    numerics: answer.numerics,
    replayed_numerics: replayed.numerics,
    difference: verdict === "different" ? differenceOf(answer, replayed) : null,
    charged_micros: replayed.charged_micros,
  };
}

function verdictOn(answer: DigestedAnswer, replayed: DigestedAnswer): ReplayVerdict {
  if (answer.digest === replayed.digest) return "equal";
  const areOfOneClass = answer.numerics !== null && answer.numerics === replayed.numerics;
  return areOfOneClass ? "different" : "not_comparable";
}

function differenceOf(answer: AnswerBody, replayed: AnswerBody): ReplayDifference | null {
  return answer.fields === undefined
    ? firstDifference(answer.tokens, replayed.tokens)
    : firstField(answer.fields, replayed.fields ?? {});
}

/** The first that has another value, or another guess. */
function firstField(
  fields: NonNullable<AnswerBody["fields"]>,
  replayed: NonNullable<AnswerBody["fields"]>,
): ReplayDifference | null {
  const others = new Map(Object.entries(replayed));
  const chosen = (body: FieldBody | undefined): string =>
    JSON.stringify([body?.value, body !== undefined && "guess" in body ? body.guess : null]);
  for (const [index, [field, body]] of Object.entries(fields).entries())
    if (chosen(body) !== chosen(others.get(field)))
      return { index, field, token: null, replayed_token: null };
  return null;
}

/** Confidences are no part of the digest: they may differ in their last bits where every choice was the same. */
function firstDifference(
  tokens: readonly AnswerTokenBody[],
  replayed: readonly AnswerTokenBody[],
): ReplayDifference | null {
  for (let index = 0; index < Math.max(tokens.length, replayed.length); index += 1) {
    const [one, other] = [tokens[index], replayed[index]];
    if (one?.text !== other?.text || one?.step !== other?.step)
      return { index, token: one ?? null, replayed_token: other ?? null };
  }
  return null;
}

const exampleReplay: ReplayBody = {
  object: "replay",
  answer_id: "ans_0Kb3nV7cQ2xY9mTgA4hZw",
  replayed_id: "ans_1Zk8sD2vN5pR7wLcJ6fQx",
  verdict: "equal",
  equal: true,
  digest: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  replayed_digest: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  model_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  replayed_model_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  numerics:
    "cpu/onnxruntime-node-1.30.0/x64-avx512+vnni/alone/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  replayed_numerics:
    "cpu/onnxruntime-node-1.30.0/x64-avx512+vnni/alone/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  difference: null,
  charged_micros: 1728,
};

const token = z
  .strictObject({ text: z.string(), confidence: z.number().min(0).max(1), step: z.int().min(0) })
  .nullable();

/** Schema of the body, for the API's description and for those who read it. */
export const replaySchema: z.ZodType<ReplayBody> = z
  .strictObject({
    object: z.literal("replay"),
    answer_id: z.string(),
    replayed_id: z.string(),
    verdict: z.enum(["equal", "different", "not_comparable"]).meta({
      description:
        "equal: both have the same replay digest. different: they have not, though both were made with the same arithmetic. not_comparable: they have not, and the arithmetic was another, or is not known.",
    }),
    equal: z.boolean().nullable().meta({
      description: "The verdict as yes or no; null where it is not_comparable.",
    }),
    digest: z.string(),
    replayed_digest: z.string(),
    model_digest: z.string().nullable(),
    replayed_model_digest: z.string().nullable(),
    numerics: z.string().nullable(),
    replayed_numerics: z.string().nullable(),
    difference: z
      .strictObject({
        index: z.int().nonnegative(),
        field: z.string().exactOptional().meta({
          description: "Its name, where fields were read: there are no tokens then.",
        }),
        token,
        replayed_token: token,
      })
      .nullable()
      .meta({ description: "The first token, or the first field, that differs." }),
    charged_micros: z.int().nonnegative(),
  })
  .meta({ id: "Replay", example: exampleReplay });
