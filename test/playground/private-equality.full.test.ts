import { describe, test } from "vitest";
import { expectEqualAnswers, pngQuestions } from "./private/equality.ts";
import { hasNoBrowser, useRunning } from "./running.ts";

const running = useRunning();

describe.skipIf(hasNoBrowser)("asked without sending, on wasm", () => {
  test("every question about every PNG of the demo set has the service's tokens", async () => {
    await expectEqualAnswers(running(), pngQuestions());
  }, 600_000);
});
