import path from "node:path";
import { checkCase } from "#cli/parity/case.ts";
import { type Measure, option } from "./measure.ts";
import { cudaOf } from "./runtimes.ts";

/** A reference case through the engine: every tensor within its tolerance, every token the reference's. */
export const tokens: Measure = async ({ order, begin, tell, leftMs }) => {
  const root = path.resolve(import.meta.dirname, "../../../test/fixtures/reference");
  const name = option(order, "case");
  begin(name);
  const folder = path.join(root, "cases", name);
  const signal = AbortSignal.timeout(leftMs());
  const { provider } = order;
  const verdicts = checkCase(root, folder, { provider, ...cudaOf(provider) }, signal);
  for await (const { outcome, name: what, detail } of verdicts)
    if (outcome !== "skipped") tell({ case: what, right: outcome === "passed", detail });
};
