// Remakes the pictures of the playground and the dashboard that the documents show: npm run -s node -- test/playground/screenshots.ts

import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import sharp from "sharp";
import { tradeForPass } from "#client/playground-pass.ts";
import { requireChromium } from "../../infra/local/chromium.ts";
import { startChromium } from "../support/chromium.ts";
import { startLocalSystem } from "../support/local-system.ts";
import { administratorStandIn, customerStandIn } from "./account/replies.ts";
import { type StandIn, standIn } from "./account/stand-in.ts";

const FOLDER = "infra/docs/pictures";
const viewport = { width: 1280, height: 800 };

const executablePath = requireChromium();
await using system = await startLocalSystem();
const browser = await startChromium(executablePath);
try {
  await shoot(browser, "playground-empty", { colorScheme: "light" }, async () => {});
  await shoot(browser, "playground-half-way", { colorScheme: "light" }, async (page) => {
    await openDraft(page, 1);
    // The page's time stands still while it is taken: an answer is made in a second.
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 1_000);
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    while (!(await page.locator(".cell.text").nth(8).isVisible())) await page.clock.runFor(20);
  });
  await shoot(browser, "playground-finished", { colorScheme: "dark" }, async (page) => {
    await openDraft(page, 2);
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.getByText("Digest").waitFor();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("The same, made afresh").waitFor();
    await page.locator(".cell").nth(7).hover();
  });
  await shootAccount(browser, "account-overview", customerStandIn(), async (page) => {
    await page.locator(".bars-of-days canvas").waitFor();
  });
  await shootAccount(browser, "account-administrator", administratorStandIn(), async (page) => {
    await page.getByRole("button", { name: "Open Ada's shop" }).click();
    await page.getByText("paid by card").waitFor();
  });
} finally {
  await browser.close();
}

/** Opens the account as it is after a month of sales, which no system has that was just started, and writes that down. */
async function shootAccount(
  browser: Browser,
  name: string,
  replies: StandIn,
  bring: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport, deviceScaleFactor: 1.5 });
  const page = await context.newPage();
  await standIn(page, replies);
  await page.goto(`${system.url}/account`);
  await bring(page);
  await save(await page.screenshot({ animations: "disabled" }), name);
  await context.close();
}

/** Opens the page, brings it where it is to be seen, and writes that down. */
async function shoot(
  browser: Browser,
  name: string,
  look: BrowserContextOptions,
  bring: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    viewport,
    deviceScaleFactor: 1.5,
    ...look,
  });
  const page = await context.newPage();
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: system.key });
  await page.goto(`${system.url}/#pass=${token}`);
  await page.getByText("The price is known").waitFor();
  await bring(page);
  await save(await page.screenshot({ fullPage: true, animations: "disabled" }), name);
  await context.close();
}

/** A third of the bytes, and nothing that the eye misses. */
async function save(picture: Buffer, name: string): Promise<void> {
  await sharp(picture).png({ palette: true, effort: 10 }).toFile(`${FOLDER}/${name}.png`);
}

/** Opens a question that the cache has no answer to: each picture has a seed of its own, which without noise changes nothing else. */
async function openDraft(page: Page, seed: number): Promise<void> {
  const question = encodeURIComponent("Describe the image in detail.");
  await page.goto(`${system.url}/#q=${question}&seed=${seed}&sample=apple-and-guitar.png`);
  await page.getByText("sent as it is").waitFor();
  await page.locator(".price strong").waitFor();
}
