import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";

/** What of an answer request says what is asked, and about what: these APIs have members of their own for it. */
const asking: ReadonlySet<string> = new Set([
  "fields",
  "image",
  "images",
  "messages",
  "model",
  "question",
  "stream",
]);

/** Reads the options that another API's body has in `x_unmask`; `parseAnswerValue` checks them. Refuses what is no option. */
export function askedOptions(
  extras: Readonly<Record<string, unknown>> = {},
): Result<Readonly<Record<string, unknown>>, Failure> {
  const problems = Object.keys(extras)
    .filter((name) => asking.has(name))
    .map((name) => ({
      pointer: `/x_unmask/${name}`,
      message: "is no option: what is asked stands beside x_unmask, in this API's own words",
    }));
  return problems.length === 0 ? ok(extras) : refuse({ kind: "invalid_request", problems });
}
