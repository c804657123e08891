import type { BrowserContextOptions, Page } from "playwright-core";
import sharp from "sharp";
import { tradeForPass } from "#client/playground-pass.ts";
import type { LocalSystem } from "../support/local-system.ts";
import { type Opened, openPage } from "./open-page.ts";
import type { Running } from "./running.ts";

export const question = "Describe the image in detail.";
export const answer = "An apple on the left and a guitar on the right, on a white background.";

/** Opens the page with a pass, that of the system's own key or of another. */
export async function openWithPass(
  { browser, system }: Running,
  options: BrowserContextOptions = {},
  key = system.key,
): Promise<Opened> {
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: key });
  return await openPage(browser, `${system.url}/#pass=${token}`, options);
}

export async function askAboutSample(page: Page, words = question): Promise<void> {
  await page.getByRole("button", { name: "Sample: an apple and a guitar" }).click();
  await page.getByLabel("Question", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
}

/** A question that no other test asks: its seed is in the cache's key, and without noise changes nothing. */
export async function openQuestion(system: LocalSystem, page: Page, seed: number): Promise<void> {
  await openDraft(system, page, seed);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
}

async function openDraft({ url }: LocalSystem, page: Page, seed: number): Promise<void> {
  await page.goto(
    `${url}/#q=${encodeURIComponent(question)}&seed=${seed}&sample=apple-and-guitar.png`,
  );
  await page.getByText("sent as it is").waitFor();
  await page.locator(".price strong").waitFor();
}

/** As `openQuestion`, with the page's time stopped behind the first cells that have a text: `page.clock.resume()` lets it go on. */
export async function openHalfWay(system: LocalSystem, page: Page, seed: number): Promise<void> {
  await openDraft(system, page, seed);
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 1_000);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const [text, mask] = [page.locator(".cell.text").first(), page.locator(".cell.mask").first()];
  while (!(await text.isVisible())) await page.clock.runFor(20);
  await mask.waitFor();
}

/** Lets a stopped page's time go on until the answer is whole, as fast as it comes: its steps are shown for the eye otherwise. */
export async function playOn(page: Page): Promise<void> {
  const whole = page.getByText("Digest");
  while (!(await whole.isVisible())) await page.clock.runFor(100);
}

export async function untilAnswered(page: Page): Promise<void> {
  await page.getByText("Digest").waitFor();
}

/** A picture with something to see on it, as a camera's file. */
export async function photograph(width: number, height: number): Promise<Buffer> {
  return await sharp("test/fixtures/pictures/dog.png")
    .resize(width, height)
    .jpeg({ quality: 90 })
    .toBuffer();
}
