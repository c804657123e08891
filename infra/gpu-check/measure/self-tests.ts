import type { BundleFormat, StageLayout } from "#domain/bundle.ts";
import { createSelfTest, settleProfile } from "#engine/self-test/self-test.ts";
import { opProfiles } from "#graph/profile.ts";
import { errorChain } from "#inference/log.ts";
import { draftStages } from "#weights/layout.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { type Measure, option, rounded } from "./measure.ts";
import { openRuntime } from "./runtimes.ts";

/** The engine's own test at its start, of the kinds of linears that a bundle of one format has. */
export const selfTest: Measure = async ({ order, begin, tell }) => {
  const format = option(order, "format") as BundleFormat;
  const runtime = await openRuntime(order.provider);
  const profile = await settleProfile(runtime, order.provider);
  const test = createSelfTest(runtime, order.provider, profile);
  for (const layout of stagesToTest(format)) {
    begin(`${layout.name} in ${format}`);
    const startedMs = performance.now();
    const row = { format, stage: layout.name, int8: profile.int8Weights };
    try {
      await test.check(layout);
      tell({
        ...row,
        right: true,
        rowsIndependent: test.rowsAreIndependent,
        seconds: rounded((performance.now() - startedMs) / 1000),
      });
    } catch (error) {
      tell({ ...row, right: false, why: errorChain(error) });
    }
  }
};

/** A vision tower and a decoder layer; blocks as this provider multiplies them. */
function stagesToTest(format: BundleFormat): readonly StageLayout[] {
  const block = opProfiles.cpu.q4Blocks[0];
  const drafts = draftStages(
    synthArchitecture("tiny"),
    format,
    format === "q4" ? block : undefined,
  );
  return drafts
    .filter(({ name }) => name === "vision" || name === "layer-00")
    .map((draft) => ({ ...draft, shards: [] }));
}
