import type { FunctionReport } from "../fleet/policy/fleet.ts";
import type { CanarySetting } from "../settings.ts";

/** The version of a model that most of its functions have, canaries last; null where none is known. */
export function usualDigest(
  functions: readonly Pick<FunctionReport, "digest" | "model">[],
  canaries: Readonly<Record<string, CanarySetting>>,
): string | null {
  const known = functions.filter(({ digest }) => digest !== null);
  const weight = ({ digest, model }: (typeof known)[number]): number =>
    Object.hasOwn(canaries, model) && canaries[model]?.digest === digest ? 0 : 1;
  const counts = new Map<string | null, number>();
  for (const report of known)
    counts.set(report.digest, (counts.get(report.digest) ?? 0) + weight(report));
  const [most] = [...counts].sort(([, one], [, other]) => other - one);
  return most?.[0] ?? null;
}
