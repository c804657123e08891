import { type Failure, fieldsKinds } from "#domain/failure.ts";
import type { Problem } from "../error.ts";
import { problemSentence } from "../error-detail.ts";

/** Says where in a body of another API stands what lies at a JSON Pointer of ours, which it was read as. */
export type SentPlaces = (pointer: string) => string;

/** Says a refusal of our own body in the places of the one that was sent. */
export function failureIn(failure: Failure, placeOf: SentPlaces): Failure {
  return "problems" in failure
    ? { ...failure, problems: placed(failure.problems, placeOf) }
    : failure;
}

/** The same of a refusal that was written down: a function's, which knows the question alone, and not how it came. */
export function problemIn(problem: Problem, placeOf: SentPlaces): Problem {
  if (!fieldsKinds.some((kind) => kind === problem.code)) return problem;
  const errors = placed(problem.errors, placeOf);
  return { ...problem, errors, detail: problemSentence(errors) };
}

function placed(problems: Problem["errors"], placeOf: SentPlaces): Problem["errors"] {
  return problems.map(({ pointer, message }) => ({ pointer: placeOf(pointer), message }));
}
