import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { expect, test } from "vitest";
import { createClient } from "#client/client.ts";
import { tradeForPass } from "#client/playground-pass.ts";
import type { LocalSystem } from "../../support/local-system.ts";
import { openPage, still } from "../open-page.ts";

/** What runs while a file of tests does. */
export interface Running {
  readonly browser: Browser;
  readonly system: LocalSystem;
}

const PICTURES = path.resolve(import.meta.dirname, "../../fixtures/pictures");

/** Requests of a page and of its worker, as far as they bring a body or ask the API. */
function watch(page: Page): readonly string[] {
  const seen: string[] = [];
  page.context().on("request", (request) => {
    const { pathname } = new URL(request.url());
    const isApi = pathname.startsWith("/v1/");
    if (isApi || request.method() !== "GET") seen.push(`${request.method()} ${pathname}`);
  });
  return seen;
}

/** A page with a pass, on which asking without sending can be switched on. */
async function openPrivately({ browser, system }: Running) {
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: system.key });
  const opened = await openPage(browser, `${system.url}/#pass=${token}`, still);
  await opened.page.getByLabel("Ask without sending").waitFor();
  return opened;
}

async function switchOn(page: Page): Promise<void> {
  await page.getByLabel("Ask without sending").click();
  await page.getByText("The picture and the question stay here").waitFor();
}

/** Puts a question and waits for the replay digest of its answer, which covers pixels, options and tokens. */
async function digestHere(page: Page, file: string, question: string): Promise<string> {
  await page
    .locator('input[type="file"]')
    .first()
    .setInputFiles(path.join(PICTURES, file));
  await page.getByText("sent as it is").waitFor();
  await page.getByLabel("Question", { exact: true }).fill(question);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const digest = await page.locator("dd code").getAttribute("title");
  await page.getByRole("button", { name: "New question" }).click();
  await page.getByRole("button", { name: `Remove ${file}` }).click();
  return digest ?? "";
}

async function digestThere(
  { url, key }: LocalSystem,
  file: string,
  question: string,
): Promise<string> {
  const image = new Blob([readFileSync(path.join(PICTURES, file))], { type: "image/png" });
  const client = createClient({ baseUrl: url, apiKey: key });
  return (await client.ask({ question, images: [image] })).digest ?? "";
}

/** One question of each kind about each picture that is a PNG. */
export function pngQuestions(): readonly { readonly file: string; readonly question: string }[] {
  const all = JSON.parse(readFileSync(path.join(PICTURES, "answers.json"), "utf8")) as readonly {
    readonly file: string;
    readonly question: string;
  }[];
  return all.filter(({ file }) => file.endsWith(".png"));
}

/** Answers questions on the device, offline, and holds them to the service's. */
export async function expectEqual(
  running: Running,
  questions: ReturnType<typeof pngQuestions>,
): Promise<void> {
  await using opened = await openPrivately(running);
  const { page, complaints } = opened;
  await switchOn(page);
  await page.context().setOffline(true);
  const seen = watch(page);
  const here: string[] = [];
  for (const { file, question } of questions) here.push(await digestHere(page, file, question));
  expect(seen).toEqual([]);
  const there = await Promise.all(
    questions.map(({ file, question }) => digestThere(running.system, file, question)),
  );
  expect(here).toEqual(there);
  expect(complaints).toEqual([]);
}

/** Tests of asking without sending, in a page of the system that runs. */
export function privateTests(running: () => Running): void {
  test("asks without sending: the model comes once, and offline its answers are the service's, token by token, for nothing", async () => {
    const questions = [
      { file: "dog.png", question: "What is this?" },
      { file: "apple-and-guitar.png", question: "Describe the image in detail." },
      { file: "umbrella-tall.png", question: "How many objects are there?" },
    ];
    await expectEqual(running(), questions);
  });
}
