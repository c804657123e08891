import { beforeAll, describe, expect, test } from "vitest";
import type { Bundle } from "#domain/bundle.ts";
import { inLoadingOrder, planLoad, printPlan } from "#weights/plan.ts";
import { tinyBundle } from "../support/bundles.ts";

let bundle: Bundle;
beforeAll(async () => {
  ({ bundle } = await tinyBundle());
});

const nowhere = (): boolean => false;

describe("the plan of a load", () => {
  test("the head comes before the layers, all else as a forward pass needs it", () => {
    const { stages } = planLoad(bundle, nowhere, Number.POSITIVE_INFINITY);
    expect(stages.map(({ layout }) => layout.name)).toEqual([
      ...["vision", "projector", "embed", "head"],
      ...["layer-00", "layer-01"],
    ]);
  });

  test("fetches every shard of every stage once, in order, side by side", () => {
    const plan = planLoad(bundle, nowhere, Number.POSITIVE_INFINITY);
    for (const [index, { layout, fetches }] of plan.stages.entries()) {
      expect(layout).toBe(inLoadingOrder(bundle.stages)[index]);
      let end = 0;
      for (const fetch of fetches) {
        expect(fetch.offset).toBe(end);
        end += fetch.shard.bytes;
      }
      expect(end).toBe(layout.bytes);
    }
    expect(plan.storeBytes).toBe(bundle.stages.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  test("takes from disk what is there", () => {
    const first = bundle.stages[0]?.shards[0];
    const plan = planLoad(bundle, (shard) => shard === first, Number.POSITIVE_INFINITY);
    expect(plan.stages[0]?.fetches[0]?.from).toBe("disk");
    expect(plan.diskBytes).toBe(first?.bytes);
  });

  test("has as many stages at once as the budget allows, three at most", () => {
    const sizes = inLoadingOrder(bundle.stages).map(({ bytes }) => bytes);
    const largest = Math.max(...sizes);
    const pair = Math.max(...sizes.slice(1).map((bytes, index) => bytes + (sizes[index] ?? 0)));
    expect(planLoad(bundle, nowhere, Number.POSITIVE_INFINITY).stagesAtOnce).toBe(3);
    expect(planLoad(bundle, nowhere, pair).stagesAtOnce).toBe(2);
    expect(planLoad(bundle, nowhere, largest)).toMatchObject({
      stagesAtOnce: 1,
      peakBytes: largest,
    });
    expect(() => planLoad(bundle, nowhere, largest - 1)).toThrow(/budget/);
  });

  test("prints a line a stage and the totals", () => {
    const lines = printPlan(planLoad(bundle, nowhere, Number.POSITIVE_INFINITY)).split("\n");
    expect(lines).toHaveLength(bundle.stages.length + 1);
    expect(lines[0]).toMatch(/^vision +\d+\.\d MB in \d+ shards$/);
    expect(lines[lines.length - 1]).toMatch(
      /from the store, 0\.0 MB from disk, at most .* in 3 stage buffers$/,
    );
  });
});
