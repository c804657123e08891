// Walks through the page as a newcomer does, and films it: npm run -s node -- test/playground/recording/walk.ts [FILE]

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { tradeForPass } from "#client/playground-pass.ts";
import { requireChromium } from "../../../infra/local/chromium.ts";
import { startChromium } from "../../support/chromium.ts";
import { type LocalSystem, startLocalSystem } from "../../support/local-system.ts";
import { drop } from "../dropping.ts";
import { type Camera, film } from "./film.ts";

const [, , file = ".unmask/walk.webm"] = process.argv;
const PICTURE = "test/fixtures/pictures/apple-and-guitar.png";
const extent = { width: 1280, height: 800 };

/** So long a viewer needs to read what has just appeared. */
const READ_MS = 1_400;

/** The model is fetched, and computes on what processor the page's machine has left. */
const LOADING = { timeout: 120_000 };

/** So many steps are shown each way: where a film is made, each may take a second. */
const SCRUB_STOPS = 9;

const executablePath = requireChromium();
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
  const stride = Math.ceil(steps / SCRUB_STOPS);
  for (let step = steps; step > 0; step -= stride) await slide(page, slider, step);
  for (let step = 0; step < steps; step += stride) await slide(page, slider, step);
  await slide(page, slider, steps);
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

/** The same engine answers in the browser, and the picture does not leave it. */
async function askPrivately(page: Page, camera: Camera): Promise<void> {
  const privately = page.getByLabel("Ask without sending");
  camera.title("Private: the model comes to the picture, and the picture stays here.");
  await bring(privately);
  await privately.check();
  await page.getByText("The picture and the question stay here").waitFor(LOADING);
  await rest(page);
  camera.title("Private: the same answer, for nothing, and nothing was sent.");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const source = page.getByText("made on this device; nothing was sent");
  await source.waitFor(LOADING);
  await rest(page);
  await bring(source);
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
  await page.getByText("The same as a table").waitFor();
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
  const verdict = page.getByText("The same, made afresh");
  await verdict.waitFor();
  await bring(verdict);
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
