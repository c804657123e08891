import type { Failure } from "#domain/failure.ts";
import type { NumericsText } from "#domain/numerics.ts";
import { type Result, refuse } from "#domain/result.ts";
import { type FunctionCall, readProgress } from "./client.ts";

/** Base addresses, and which of them are of the class that is preferred: those first, all in the order in which they were. */
export interface RankedFunctions {
  readonly urls: readonly string[];
  readonly preferred: ReadonlySet<string>;
}

/** A function tells its class from memory; one that takes longer is away, and an answer with a deadline waits for the others. */
const PATIENCE_MS = 1_000;

/** Asks functions for their class of arithmetic, all at once. With one function there is nothing to ask. */
export async function rankFunctions(
  urls: readonly string[],
  numerics: NumericsText | null,
  call: Omit<FunctionCall, "functionUrl">,
): Promise<RankedFunctions> {
  if (numerics === null || urls.length < 2) return { urls, preferred: new Set() };
  const isOfClass = await Promise.all(
    urls.map(async (functionUrl) => await says(numerics, { ...call, functionUrl })),
  );
  const preferred = new Set(urls.filter((_, index) => isOfClass[index]));
  return { urls: [...preferred, ...urls.filter((url) => !preferred.has(url))], preferred };
}

/** Whether a function is of a class, and to stay. Rejects only with the reason of the call's own signal. */
async function says(numerics: NumericsText, call: FunctionCall): Promise<boolean> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const signal = AbortSignal.any([call.signal, patience]);
    const status = await readProgress({ ...call, signal });
    return status.ok && !status.value.replace && status.value.numerics === numerics;
  } catch (cause) {
    call.signal.throwIfAborted();
    if (!patience.aborted) throw cause;
    return false;
  }
}

/** Refusals of a function that is not there for anybody: another one may be. */
const absences: ReadonlySet<Failure["kind"]> = new Set<Failure["kind"]>([
  "function_unreachable",
  "function_outdated",
  "draining",
  "weights_loading",
  "weights_failed",
  // It has been given another model since the edge heard which.
  "unknown_model",
]);

/**
 * Asks one function after another until one takes the work. A full one of the class that is preferred is waited for: it is
 * there, and another class would have the answer begin anew. Where none takes it the last refusal stands, or that of a full
 * one, which says when there is a place.
 */
export async function askInOrder<Value>(
  { urls, preferred }: RankedFunctions,
  ask: (functionUrl: string) => Promise<Result<Value, Failure>>,
): Promise<Result<Value, Failure>> {
  let refusal: Failure = { kind: "function_unreachable" };
  for (const url of urls) {
    const asked = await ask(url);
    if (asked.ok) return asked;
    const { kind } = asked.refusal;
    const isFull = kind === "overloaded";
    if (!isFull && !absences.has(kind)) return asked;
    if (isFull && preferred.has(url)) return asked;
    if (refusal.kind !== "overloaded") refusal = asked.refusal;
  }
  return refuse(refusal);
}
