import type { NumericsText } from "#domain/numerics.ts";
import { type FunctionCall, readProgress } from "../function/client.ts";
import type { FunctionReport } from "./policy/fleet.ts";

/** A function tells its class from memory; one that takes longer is away, and an answer with a deadline waits for the others. */
const PATIENCE_MS = 1_000;

/**
 * Asks functions for their class of arithmetic that say nothing by themselves, all at once, where a class is preferred and there is
 * more than one function to choose from.
 */
export async function heardClasses(
  functions: readonly FunctionReport[],
  numerics: NumericsText | null,
  call: Omit<FunctionCall, "functionUrl">,
): Promise<readonly FunctionReport[]> {
  const isKnown = functions.every((report) => report.numerics !== null || report.region !== "");
  if (numerics === null || functions.length < 2 || isKnown) return functions;
  return await Promise.all(
    functions.map(async (report) =>
      report.numerics === null && report.region === ""
        ? { ...report, numerics: await classOf({ ...call, functionUrl: report.url }) }
        : report,
    ),
  );
}

/** Null for one that says none, is away, or is to be replaced. Rejects only with the reason of the call's own signal. */
async function classOf(call: FunctionCall): Promise<NumericsText | null> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const signal = AbortSignal.any([call.signal, patience]);
    const status = await readProgress({ ...call, signal });
    return status.ok && !status.value.replace ? (status.value.numerics ?? null) : null;
  } catch (cause) {
    call.signal.throwIfAborted();
    if (!patience.aborted) throw cause;
    return null;
  }
}
