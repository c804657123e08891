import type { ClosedFieldBody, FieldBody } from "../../api/answers/fields/field-body.ts";
import type { AnswerBody } from "../../api/answers/responses.ts";
import { fieldName } from "./question-fields.ts";

/** A question's field as it was read, or why there is nothing to tell of it. */
export type ToldQuestion =
  | { readonly kind: "read"; readonly field: ClosedFieldBody }
  /** Not sure enough, or the picture is none that the model knows anything of. */
  | { readonly kind: "declined"; readonly field: ClosedFieldBody }
  /** A deadline came first. */
  | { readonly kind: "unfinished" };

/** Finds what an answer tells of each of its questions, in their order. Throws where it does not tell of one. */
export function toldQuestions(answer: AnswerBody, questions: number): ToldQuestion[] {
  const isForeign = answer.abstention === "out_of_domain";
  return Array.from({ length: questions }, (_, index) => {
    const field = answer.fields?.[fieldName(index)];
    if (field === undefined) throw new Error(`answer ${answer.id} tells nothing of a question`);
    if ("unfinished" in field) return { kind: "unfinished" };
    if (!isClosed(field)) throw new Error(`answer ${answer.id} has a question that was written`);
    return { kind: isForeign || field.value === null ? "declined" : "read", field };
  });
}

function isClosed(field: FieldBody): field is ClosedFieldBody {
  return "guess" in field;
}

/** Mean of levels' indices by their probabilities, which sum to 1. */
export function meanLevel(levels: readonly { readonly probability: number }[]): number {
  return levels.reduce((sum, { probability }, index) => sum + index * probability, 0);
}

/** 1 − H / ln K of K probabilities that sum to 1: 1 where one has it all, 0 where each has the same. */
export function confidenceOf(options: readonly { readonly probability: number }[]): number {
  const entropy = options.reduce(
    (sum, { probability: p }) => (p > 0 ? sum - p * Math.log(p) : sum),
    0,
  );
  return Math.min(1, Math.max(0, 1 - entropy / Math.log(options.length)));
}
