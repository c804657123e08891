import type { Comparison } from "./comparison.ts";

/** What has been found out about one run, one case's tensors or one table. */
export interface Verdict {
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was checked: `p01_square56_grad run 0 baseline cpu`. */
  readonly name: string;
  /** How close, why not, or why not tried. */
  readonly detail: string;
}

/**
 * Makes comparisons and judges them. An error on the way is a failure like any other, unless the user gave up; so is having
 * found nothing to compare, because a check that cannot fail says nothing.
 */
export async function judge(
  name: string,
  comparison: Comparison,
  signal: AbortSignal,
  compare: (comparison: Comparison) => void | Promise<void>,
): Promise<Verdict> {
  try {
    await compare(comparison);
  } catch (error) {
    signal.throwIfAborted();
    return failure(name, error);
  }
  const [first, ...more] = comparison.failures;
  if (comparison.count() === 0) {
    return { outcome: "failed", name, detail: "nothing in it could be compared" };
  }
  if (first === undefined) return { outcome: "passed", name, detail: comparison.summary() };
  const rest = more.length === 0 ? "" : ` (and ${more.length} more)`;
  return { outcome: "failed", name, detail: `${first}${rest}` };
}

/** The verdict on something that broke off: its error with the causes, outermost first. */
export function failure(name: string, error: unknown): Verdict {
  return { outcome: "failed", name, detail: describe(error) };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
