import type { BrowserContextOptions } from "playwright-core";
import { expect } from "vitest";
import { findings } from "../axe.ts";
import { type Opened, openPage, openSection, still } from "../open-page.ts";
import type { Running } from "../running.ts";
import { customerStandIn } from "./replies.ts";
import { problem, type StandIn, standIn } from "./stand-in.ts";

/** Opens the account's page at a section, over replies of ours. */
export type Open = (
  replies: StandIn,
  section: string,
  options?: BrowserContextOptions,
) => Promise<Opened>;

export function openStandIn(running: () => Running): Open {
  return (replies, section, options = {}) => {
    const { browser, system } = running();
    return openPage(browser, `${system.url}/account#${section}`, { ...still, ...options }, (page) =>
      standIn(page, replies),
    );
  };
}

export const signedOut: StandIn[string] = (route) =>
  problem(route, { status: 401, code: "unauthenticated" });

/** Goes through parts of a customer's page: axe finds nothing on any, and none is wider than the window. */
export async function partsLookAlright(
  open: Open,
  look: BrowserContextOptions,
  parts: readonly string[],
): Promise<void> {
  await using opened = await open(customerStandIn(), "", { ...look, bypassCSP: true });
  const { page, complaints } = opened;
  for (const name of parts) {
    await openSection(page, name);
    await page.locator(".section:not([hidden]) [aria-busy=false]").first().waitFor();
    if (name === "Answers" || name === "Webhooks")
      await page
        .getByRole("button", { name: /^More about/ })
        .locator("visible=true")
        .first()
        .click();
    expect(await findings(page), name).toEqual([]);
    const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
    expect(scrollWidth, name).toBe(clientWidth);
  }
  expect(complaints).toEqual([]);
}
