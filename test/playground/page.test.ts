import { describe, expect, test } from "vitest";
import { accountTests } from "./account/account-page.ts";
import { topUpTests } from "./account/top-up-page.ts";
import {
  answer,
  askAboutSample,
  openHalfWay,
  openQuestion,
  openWithPass,
  photograph,
  playOn,
  question,
  untilAnswered,
} from "./asking.ts";
import { drop } from "./dropping.ts";
import { looks, openPage, still, tabTo } from "./open-page.ts";
import { privateTests } from "./private/private-page.ts";
import { hasNoBrowser, useRunning } from "./running.ts";
import { axeFindsNothing, readTwoValues } from "./walks.ts";

// Each promise of the page once. All of its states, looks and troubles: page.full.test.ts.

const running = useRunning();

describe.skipIf(hasNoBrowser)("the playground in a browser", () => {
  test("opens with the pass that npm start prints, answers, and leaves the pass out of the address", async () => {
    const { browser, system } = running();
    const started = performance.now();
    await using opened = await openPage(browser, system.playground ?? "", still);
    const { page, complaints } = opened;
    await askAboutSample(page);
    await page.getByText(answer).first().waitFor();
    console.log(
      `first answer in the page: ${Math.round(performance.now() - started)} ms after it was opened`,
    );
    await untilAnswered(page);
    expect(page.url()).toBe(`${system.url}/`);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(system.key);
    expect(complaints).toEqual([]);
  });

  test("a picture that is dropped is made small, its bytes told before and after; what is copied has no key", async () => {
    const { system } = running();
    await using opened = await openWithPass(running(), still);
    const { page, complaints } = opened;
    await page.getByText("The price is known").waitFor();
    await drop(page, await photograph(1500, 1000), "holiday.jpg", "image/jpeg");
    await page
      .getByText(/^1500 × 1000, [\d.]+ [kM]B → \d+ × \d+, [\d.]+ k?B: what the model sees$/)
      .waitFor();
    await page.getByLabel("Question", { exact: true }).fill(question);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain(`curl ${system.url}/v1/answers`);
    expect(copied).toContain("$UNMASK_KEY");
    expect(copied).not.toMatch(/umk_|eyJ/);
    expect(complaints).toEqual([]);
  });

  test("a stream that is cut goes on behind the last event that was shown, and the answer is whole", async () => {
    await using opened = await openWithPass(running());
    const { page } = opened;
    await openHalfWay(running().system, page, 1);
    await page.getByRole("button", { name: "Cut the stream" }).click();
    await playOn(page);
    await page.getByText(/^. Resumed with Last-Event-ID: ans_\S+\.\d+: nothing lost/).waitFor();
    await page.getByText(answer).first().waitFor();
  });

  test("the price is told before, the charge after; asked again it is cached and free; replayed it is the same", async () => {
    await using opened = await openWithPass(running(), still);
    const { page } = opened;
    await openQuestion(running().system, page, 2);
    await untilAnswered(page);
    await page.getByText("as quoted").waitFor();
    await page.getByText("made for you").waitFor();
    const step = await page.getByRole("slider", { name: "Step" }).getAttribute("max");
    const wrote = new RegExp(`^Step ${step} wrote “.+” \\(\\S+ % sure; else .+ \\S+ %`);
    await page.getByText(wrote).waitFor();
    await page.locator(".cell.text").nth(1).hover();
    const told =
      /^Position 2 of 32: “ apple”, token \d+, written in step \d+ of \d+, \S+ % sure; else .+ \S+ %/;
    await page.locator(".told").getByText(told).waitFor();
    await page.locator(".cell.text").nth(2).focus();
    await page
      .locator(".told")
      .getByText(/^Position 3 of 32: “ on”, .+; else /)
      .waitFor();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("The same, made afresh").waitFor();
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.getByText("from the cache").waitFor();
    await page.getByText(/^free instead of/).waitFor();
  });

  test("a deadline gives the canvas as it stands", async () => {
    await using opened = await openWithPass(running(), still);
    const { page } = opened;
    await page.getByText("Advanced").click();
    await page.getByRole("slider", { name: "Deadline" }).fill("0");
    await askAboutSample(page, "What is on the right?");
    await page.getByText(/^partial: the deadline came after \d+ steps?/).waitFor();
  });

  test("values are named, priced, read and told with how likely each option was", async () => {
    await using opened = await openWithPass(running(), still);
    const { page, complaints } = opened;
    await readTwoValues(page);
    await page.getByRole("button", { name: "Copy the values" }).click();
    const values = await page.evaluate(() => navigator.clipboard.readText());
    expect(JSON.parse(values)).toEqual({ other: "guitar", left: "apple" });
    expect(complaints).toEqual([]);
  });

  test("everything can be done with the keyboard alone", async () => {
    await using opened = await openWithPass(running(), still);
    const { page } = opened;
    await page.getByText("The price is known").waitFor();
    await tabTo(page, "Sample: an apple and a guitar");
    await page.keyboard.press("Enter");
    await page.getByText("sent as it is").waitFor();
    await tabTo(page, "Question");
    await page.keyboard.type(question);
    await page.keyboard.press("Enter");
    await untilAnswered(page);
    await tabTo(page, /^Position 1 of 32/);
    await page.keyboard.press("ArrowRight");
    await page
      .locator(".told")
      .getByText(/^Position 2 of 32: “ apple”, (?:token \d+, )?written in step \d+ of \d+/)
      .waitFor();
    await tabTo(page, "Step");
    await page.keyboard.press("Home");
    expect(await page.locator(".cell.text").count()).toBe(0);
    await tabTo(page, "curl");
    await page.keyboard.press("ArrowRight");
    expect(await page.getByRole("tabpanel").innerText()).toContain('from "unmask"');
  });

  test("axe finds nothing: empty, answered, with a refusal, and without a pass", async () => {
    await axeFindsNothing(running(), looks.light);
  });

  test("without a key; a pasted one is traded for a pass and kept nowhere", async () => {
    const { browser, system } = running();
    await using opened = await openPage(browser, system.url, still);
    const { page } = opened;
    await page.getByText("This page needs a pass").waitFor();
    await page.getByText("npm run -s unmask -- open").waitFor();
    await page.getByLabel("Or paste a key").fill(system.key);
    await page.getByRole("button", { name: "Trade it for a pass" }).click();
    await page.getByText("This page needs a pass").waitFor({ state: "hidden" });
    const kept = await page.evaluate(() =>
      JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie }),
    );
    expect(kept).not.toContain(system.key);
    expect(await page.content()).not.toContain(system.key);
    await askAboutSample(page);
    await untilAnswered(page);
  });
});

// The system and the browser that are running already: starting them takes longer than all of these.
describe.skipIf(hasNoBrowser)("the account in a browser", () => {
  accountTests(running);
  topUpTests(running);
});

describe.skipIf(hasNoBrowser)("the playground without sending", () => {
  privateTests(running);
});
