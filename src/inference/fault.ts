import type { Failure } from "#domain/failure.ts";
import { LogitsError } from "#model/decode/confidence.ts";
import { WeightsError } from "#weights/weights-error.ts";

/** A fault of the loader or of the network's numbers is named to the edge; everything else stays in our log. */
export function failureOf(cause: unknown): Failure {
  if (cause instanceof LogitsError) return { kind: "logits_not_finite" };
  return cause instanceof WeightsError
    ? { kind: "weights_failed", code: cause.code }
    : { kind: "internal" };
}
