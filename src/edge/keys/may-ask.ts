import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { KeyRecord } from "./key-store.ts";

/** Says whether a key may ask a model, or refuses with `model_forbidden`. */
export function mayAsk({ models }: KeyRecord, model: string): Result<void, Failure> {
  if (models === null || models.includes(model)) return ok(undefined);
  return refuse({ kind: "model_forbidden", model, allowed: models });
}
