import { describe, expect, test } from "vitest";
import { expectWithinPlans, planTokenizers, readStyles } from "../../support/read-plans.ts";

describe.each(readStyles)(
  "what two thousand random requests in $style are planned to take",
  (style) => {
    test.each(planTokenizers)(
      "is never less than they take, with the tokens of %s",
      (_, tokenizer) => {
        const read = expectWithinPlans(style, tokenizer, { seed: 20_261_128, numRuns: 2_000 });
        expect(read).toBeGreaterThan(1_000);
      },
      600_000,
    );
  },
);
