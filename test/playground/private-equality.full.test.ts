import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import { findChromium } from "../../infra/local/chromium.ts";
import { startChromium } from "../support/chromium.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { expectEqualAnswers, pngQuestions } from "./private/equality.ts";

const executablePath = findChromium();

let system: LocalSystem;
let browser: Browser;

beforeAll(async () => {
  if (executablePath === undefined) return;
  [system, browser] = await Promise.all([
    startLocalSystem("programs", { onSaid: () => undefined }),
    startChromium(executablePath),
  ]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await system?.[Symbol.asyncDispose]();
});

describe.skipIf(executablePath === undefined)("asked without sending, on wasm", () => {
  test("every question about every PNG of the demo set has the service's tokens", async () => {
    await expectEqualAnswers({ browser, system }, pngQuestions());
  }, 600_000);
});
