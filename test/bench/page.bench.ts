import type { Browser } from "playwright-core";
import { tradeForPass } from "#client/playground-pass.ts";
import { requireChromium } from "../../infra/local/chromium.ts";
import { startChromium } from "../support/chromium.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { median } from "./median.ts";

/** How long a person waits, in milliseconds from the opening of the address: medians. */
export interface PageTimes {
  readonly turns: number;
  /** Until a question can be typed. */
  readonly readyMs: number;
  /** Until the first written cell is on the canvas. */
  readonly firstCellMs: number;
  /** Until the whole answer is shown. */
  readonly answerMs: number;
  readonly slowestAnswerMs: number;
}

/** Each visit asks something else, so that none is answered from the cache: samples by their names, and questions that newcomers ask. */
const samples = [
  "an apple and a guitar",
  "a dog and a bus",
  "a cat, photographed",
  "a cup of coffee, photographed",
];
const questions = [
  "What is this?",
  "Describe the image in detail.",
  "What is on the left?",
  "What color is the background?",
  "How many things are there?",
];

/** One more warms what the processes themselves keep, and is not counted. */
export const MAX_VISITS: number = samples.length * questions.length - 1;

/** Opens the playground of a running system as newcomers do, each with nothing in the browser's cache, and asks about a sample with clicks. */
export async function measurePage(turns: number): Promise<PageTimes> {
  const executablePath = requireChromium();
  await using system = await startLocalSystem();
  const browser = await startChromium(executablePath);
  try {
    const visits = [];
    for (let turn = 0; turn <= turns; turn += 1) visits.push(await visit(browser, system, turn));
    const counted = visits.slice(1);
    return {
      turns,
      readyMs: median(counted.map(({ readyMs }) => readyMs)),
      firstCellMs: median(counted.map(({ firstCellMs }) => firstCellMs)),
      answerMs: median(counted.map(({ answerMs }) => answerMs)),
      slowestAnswerMs: Math.max(...counted.map(({ answerMs }) => answerMs)),
    };
  } finally {
    await browser.close();
  }
}

type Visit = Pick<PageTimes, "readyMs" | "firstCellMs" | "answerMs">;

async function visit(browser: Browser, system: LocalSystem, turn: number): Promise<Visit> {
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: system.key });
  const context = await browser.newContext({ reducedMotion: "reduce" });
  try {
    const page = await context.newPage();
    const started = performance.now();
    const since = (): number => performance.now() - started;
    await page.goto(`${system.url}/#pass=${token}`);
    const question = page.getByLabel("Question", { exact: true });
    await question.waitFor();
    const readyMs = since();
    await page.getByRole("button", { name: `Sample: ${samples[turn % samples.length]}` }).click();
    await question.fill(questions[Math.floor(turn / samples.length)] ?? "");
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.locator(".cell.text").first().waitFor();
    const firstCellMs = since();
    await page.getByText("Digest").waitFor();
    return { readyMs, firstCellMs, answerMs: since() };
  } finally {
    await context.close();
  }
}
