import type { BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { askAboutSample, openWithPass, untilAnswered } from "./asking.ts";
import { findings } from "./axe.ts";
import { drop } from "./dropping.ts";
import { still } from "./open-page.ts";
import type { Running } from "./running.ts";

/** Names two values, has them read, and holds what is told of them. */
export async function readTwoValues(
  page: Page,
  beforeReading: () => Promise<void> = async () => undefined,
): Promise<void> {
  await page.getByText("The price is known").waitFor();
  await page.getByRole("radio", { name: "Values" }).check();
  await page.getByRole("button", { name: "What stands where" }).click();
  await page.getByText("for 2 passes at most").waitFor();
  await page.getByLabel("Name", { exact: true }).last().fill("left");
  await page.getByText("Another value has this name.").waitFor();
  await page.getByLabel("Name", { exact: true }).last().fill("other");
  await page.getByLabel("Asked", { exact: true }).last().fill("");
  await page.getByText("this model is asked in whole questions").waitFor();
  await page.getByLabel("Asked", { exact: true }).last().fill("What is on the right?");
  await page.getByRole("button", { name: "Move other up" }).press("Enter");
  await page.getByText("other is now 1 of 2.").waitFor();
  await page.locator(".price strong").waitFor();
  await beforeReading();
  await page.getByRole("button", { name: "Read", exact: true }).click();
  await page.getByText("as quoted").waitFor();
  const read = page.getByRole("list", { name: "Values read" });
  expect(await read.locator("h2").allTextContents()).toEqual(["other", "left"]);
  expect(await read.locator(".told-value").allTextContents()).toEqual(["guitar", "apple"]);
  expect(await read.locator(".shares > li").count()).toBe(8);
  expect(await read.locator(".shares > li.chosen .option").allTextContents()).toEqual([
    expect.stringContaining("guitar"),
    expect.stringContaining("apple"),
  ]);
  expect(await page.locator("#spoken-values").innerText()).toContain("left: apple");
}

/** Looks at the page in its states. */
export async function axeFindsNothing(
  running: Running,
  look: BrowserContextOptions,
): Promise<void> {
  await using opened = await openWithPass(running, { ...still, ...look, bypassCSP: true });
  const { page } = opened;
  await page.getByText("The price is known").waitFor();
  await page.getByText("Advanced").click();
  expect(await findings(page)).toEqual([]);
  await askAboutSample(page);
  await untilAnswered(page);
  expect(await findings(page)).toEqual([]);
  const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
  expect(scrollWidth).toBe(clientWidth);
  await drop(page, Buffer.from("not a picture"), "notes.txt", "text/plain");
  await page.getByRole("alert").waitFor();
  expect(await findings(page)).toEqual([]);
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await page.getByText("This page needs a pass").waitFor();
  expect(await findings(page)).toEqual([]);
}
