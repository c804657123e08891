import { test } from "vitest";
import { expectValidAnswers } from "../../support/random-answers.ts";

test("ten thousand answers of random fields and random logits parse and are what their fields allow", () => {
  expectValidAnswers({ seed: 20_261_128, numRuns: 10_000 });
}, 600_000);
