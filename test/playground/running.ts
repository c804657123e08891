import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { findChromium } from "../../infra/local/chromium.ts";
import { startChromium } from "../support/chromium.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { testTopUp } from "./account/top-up-page.ts";

const executablePath = findChromium();

/** Whether this machine has no browser: what needs one is skipped by name. */
export const hasNoBrowser = executablePath === undefined;

/** What runs while a file of tests does. */
export interface Running {
  readonly browser: Browser;
  readonly system: LocalSystem;
}

/** Starts a system, as for people, and a browser for the file that calls this. They are there while its tests run. */
export function useRunning(): () => Running {
  let running: Running | undefined;
  beforeAll(async () => {
    if (executablePath === undefined) return;
    const [system, browser] = await Promise.all([
      startLocalSystem("people", {
        env: { TOP_UP: JSON.stringify(testTopUp) },
        onSaid: () => undefined,
      }),
      startChromium(executablePath),
    ]);
    running = { system, browser };
  }, 120_000);
  afterAll(async () => {
    await running?.browser.close();
    await running?.system[Symbol.asyncDispose]();
  });
  return () => {
    if (running === undefined) throw new Error("system and browser are there while tests run");
    return running;
  };
}
