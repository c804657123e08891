// Walks through the page as a newcomer does, and films it: npm run -s node -- test/playground/recording/walk.ts [FILE]

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { tradeForPass } from "#client/playground-pass.ts";
import { findChromium } from "../../../infra/local/chromium.ts";
import { startChromium } from "../../support/chromium.ts";
import { type LocalSystem, startLocalSystem } from "../../support/local-system.ts";
import { drop } from "../dropping.ts";
import { type Camera, film } from "./film.ts";

const [, , file = ".unmask/walk.webm"] = process.argv;
const PICTURE = "test/fixtures/pictures/apple-and-guitar.png";
const extent = { width: 1280, height: 800 };

/** So long a viewer needs to read what has just appeared. */
const READ_MS = 1_400;

const executablePath = findChromium();
if (executablePath === undefined)
  throw new Error("no Chromium found: set CHROMIUM_PATH, or on Debian: apt-get install chromium");

await using system = await startLocalSystem();
const browser = await startChromium(executablePath);
try {
  const context = await browser.newContext({ viewport: extent, colorScheme: "light" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: system.url });
  const page = await context.newPage();
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: system.key });
  await page.goto(`${system.url}/#pass=${token}`);
  await page.getByText("The price is known").waitFor();
  const camera = await film(browser, page, extent);
  await askAndScrub(page, camera);
  await copy(page, camera);
  await askPrivately(page, camera);
  await dashboard(page, camera, system);
  camera.title("");
  const developed = await camera.develop();
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, developed);
  console.log(`${file}: ${(developed.length / 1e6).toFixed(1)} MB`);
} finally {
  await browser.close();
}

async function askAndScrub(page: Page, camera: Camera): Promise<void> {
  camera.title("Drop a picture: it is made small here, to what the model sees.");
  await rest(page);
  await drop(page, readFileSync(PICTURE), "shelf.png", "image/png");
  await page.getByText("shelf.png").first().waitFor();
  await rest(page);
  camera.title("Ask. The price is told before.");
  await page
    .getByLabel("Question", { exact: true })
    .pressSequentially("Describe the image in detail.", { delay: 25 });
  await page.locator(".price strong").waitFor();
  await rest(page);
  camera.title("Watch: not word after word, the surest positions first.");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByText("Digest").waitFor();
  await rest(page);
  camera.title("Scrub: every step can be gone through afterwards.");
  const slider = page.getByRole("slider", { name: "Step" });
  await bring(slider);
  const steps = Number(await slider.getAttribute("max"));
  for (let step = steps; step >= 0; step -= 1) await slide(page, slider, step);
  for (let step = 0; step <= steps; step += 1) await slide(page, slider, step);
  await rest(page);
}

async function copy(page: Page, camera: Camera): Promise<void> {
  camera.title("Copy exactly this request, in five languages.");
  await bring(page.getByRole("heading", { name: "This request, as" }));
  for (const language of ["TypeScript", "Python", "Swift", "curl"]) {
    await page.getByRole("tab", { name: language }).click();
    await page.waitForTimeout(READ_MS / 2);
  }
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await rest(page);
}

/** Where the page has the switch: the same engine answers in the browser, and the picture does not leave it. */
async function askPrivately(page: Page, camera: Camera): Promise<void> {
  const privately = page.getByLabel(/without sending/i).first();
  if ((await privately.count()) === 0) {
    console.log("the page has no switch to ask without sending: this step is left out");
    return;
  }
  camera.title("Private: the model comes to the picture, and the picture stays here.");
  await bring(privately);
  await privately.check();
  await rest(page);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator(".cell.text").first().waitFor({ timeout: 120_000 });
  await page.locator(".scrubber").waitFor({ timeout: 120_000 });
  await rest(page);
}

async function dashboard(page: Page, camera: Camera, { key }: LocalSystem): Promise<void> {
  camera.title("The dashboard: a key is traded for a short session.");
  await page.getByRole("link", { name: "Account" }).click();
  await page.getByLabel("A key of the account, or a one-time code").fill(key);
  await rest(page);
  await page.getByRole("button", { name: "Sign in" }).click();
  camera.title("Money left, spend by key and day, days until zero.");
  await page.locator(".sum").waitFor();
  await rest(page);
  await rest(page);
  for (const [name, words] of [
    ["Ledger", "Every movement of money, to the micro-dollar."],
    ["Keys", "Keys: what each may do and spend, when it was last used."],
    ["Answers", "Answers, and a replay that shows the same bits."],
  ] as const) {
    camera.title(words);
    await page.getByRole("link", { name, exact: true }).click();
    await rest(page);
  }
  await page
    .getByRole("button", { name: /^More about/ })
    .first()
    .click();
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByText("The same, made afresh").waitFor();
  await rest(page);
  await rest(page);
}

async function rest(page: Page): Promise<void> {
  await page.waitForTimeout(READ_MS);
}

async function bring(place: Locator): Promise<void> {
  await place.evaluate((element) =>
    element.scrollIntoView({ block: "center", behavior: "smooth" }),
  );
  await place.page().waitForTimeout(READ_MS / 2);
}

async function slide(page: Page, slider: Locator, step: number): Promise<void> {
  await slider.fill(String(step));
  await page.waitForTimeout(60);
}
