import type { Failure } from "#domain/failure.ts";
import { WeightsError } from "#weights/weights-error.ts";

/** A loader's fault is named to the edge, which may send the work elsewhere; everything else stays in our log. */
export function failureOf(cause: unknown): Failure {
  return cause instanceof WeightsError
    ? { kind: "weights_failed", code: cause.code }
    : { kind: "internal" };
}
