import type { Failure } from "#domain/failure.ts";
import { LogitsError } from "#model/decode/confidence.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { runtimeFaultOf } from "./runtime/runtime-fault.ts";

/** A fault of the loader, of the runtime while it is loaded, or of the network's numbers is named to the edge; everything else stays in our log. */
export function failureOf(cause: unknown): Failure {
  if (cause instanceof LogitsError) return { kind: "logits_not_finite" };
  const code = loadFaultOf(cause);
  return code === undefined ? { kind: "internal" } : { kind: "weights_failed", code };
}

/** Why a model cannot be served; undefined where that is nothing with a name. */
export function loadFaultOf(cause: unknown): string | undefined {
  return cause instanceof WeightsError ? cause.code : runtimeFaultOf(cause);
}

/** What befell an answer that was being made. `isAlone`: no other was being made beside it. */
export function midwayFailureOf(cause: unknown, isAlone: boolean): Failure {
  if (cause instanceof LogitsError || cause instanceof WeightsError) return failureOf(cause);
  const fault = runtimeFaultOf(cause);
  switch (fault) {
    case undefined:
      return { kind: "internal" };
    case "out_of_memory":
      return { kind: isAlone ? "device_too_small" : "device_out_of_memory" };
    default:
      // A device that was there when the weights were loaded, and is not now, is lost whatever the runtime says of it.
      return { kind: "device_lost" };
  }
}
