import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAdminClient } from "#client/admin.ts";
import { tradeForPass } from "#client/playground-pass.ts";
import { problemResponse } from "#wire/error.ts";
import { findChromium } from "../../infra/local/chromium.ts";
import { startChromium } from "../support/chromium.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { accountTests } from "./account/account-page.ts";
import { testTopUp, topUpTests } from "./account/top-up-page.ts";
import { findings } from "./axe.ts";
import { drop } from "./dropping.ts";
import { looks, type Opened, openPage, still, tabTo } from "./open-page.ts";
import { privateTests } from "./private/private-page.ts";

const executablePath = findChromium();

const question = "Describe the image in detail.";
const answer = "An apple on the left and a guitar on the right, on a white background.";

let system: LocalSystem;
let browser: Browser;

beforeAll(async () => {
  if (executablePath === undefined) return;
  [system, browser] = await Promise.all([
    startLocalSystem("people", {
      env: { TOP_UP: JSON.stringify(testTopUp) },
      onSaid: () => undefined,
    }),
    startChromium(executablePath),
  ]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await system?.[Symbol.asyncDispose]();
});

function open(address: string, options: BrowserContextOptions = {}): Promise<Opened> {
  return openPage(browser, address, options);
}

/** The address with a pass. */
async function freshAddress(key = system.key): Promise<string> {
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: key });
  return `${system.url}/#pass=${token}`;
}

async function askAboutSample(page: Page, words = question): Promise<void> {
  await page.getByRole("button", { name: "Sample: an apple and a guitar" }).click();
  await page.getByLabel("Question", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
}

/** A question that no other test asks: its seed is in the cache's key, and without noise changes nothing. */
async function openQuestion(page: Page, seed: number): Promise<void> {
  await openDraft(page, seed);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
}

async function openDraft(page: Page, seed: number): Promise<void> {
  await page.goto(
    `${system.url}/#q=${encodeURIComponent(question)}&seed=${seed}&sample=apple-and-guitar.png`,
  );
  await page.getByText("sent as it is").waitFor();
  await page.locator(".price strong").waitFor();
}

/** As `openQuestion`, with the page's time stopped behind the first cells that have a text: `page.clock.resume()` lets it go on. */
async function openHalfWay(page: Page, seed: number): Promise<void> {
  await openDraft(page, seed);
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 1_000);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const [text, mask] = [page.locator(".cell.text").first(), page.locator(".cell.mask").first()];
  while (!(await text.isVisible())) await page.clock.runFor(20);
  await mask.waitFor();
}

async function untilAnswered(page: Page): Promise<void> {
  await page.getByText("Digest").waitFor();
}

describe.skipIf(executablePath === undefined)("the playground in a browser", () => {
  test("opens with the pass that npm start prints, answers, and leaves the pass out of the address", async () => {
    const started = performance.now();
    await using opened = await open(system.playground ?? "", still);
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

  test("drop, watch, scrub, copy: the picture is made small, its bytes told before and after, and the steps can be gone through", async () => {
    await using opened = await open(await freshAddress());
    const { page, complaints } = opened;
    await page.getByText("The price is known").waitFor();
    await drop(page, await photograph(3000, 2000), "holiday.jpg", "image/jpeg");
    await page
      .getByText(/^3000 × 2000, [\d.]+ [kM]B → \d+ × \d+, [\d.]+ k?B: what the model sees$/)
      .waitFor();
    await page.getByRole("button", { name: "Remove holiday.jpg" }).click();
    await openHalfWay(page, 4);
    await page.clock.resume();
    await untilAnswered(page);
    const slider = page.getByRole("slider", { name: "Step" });
    const steps = Number(await slider.getAttribute("max"));
    await slider.fill("0");
    expect(await page.locator(".cell.text").count()).toBe(0);
    await slider.fill(String(Math.floor(steps / 2)));
    const half = await page.locator(".cell.text").count();
    expect(half).toBeGreaterThan(0);
    await slider.fill(String(steps));
    expect(await page.locator(".cell.text").count()).toBeGreaterThan(half);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain(`curl ${system.url}/v1/answers`);
    expect(copied).toContain("$UNMASK_KEY");
    expect(copied).not.toMatch(/umk_|eyJ/);
    expect(complaints).toEqual([]);
  });

  test("a stream that is cut goes on behind the last event that was shown, and the answer is whole", async () => {
    await using opened = await open(await freshAddress());
    const { page } = opened;
    await openHalfWay(page, 1);
    await page.getByRole("button", { name: "Cut the stream" }).click();
    await page.clock.resume();
    await page.getByText(/^. Resumed with Last-Event-ID: ans_\S+\.\d+: nothing lost/).waitFor();
    await untilAnswered(page);
    await page.getByText(answer).first().waitFor();
  });

  test("the price is told before, the charge after; asked again it is cached and free; replayed it is the same", async () => {
    await using opened = await open(await freshAddress(), still);
    const { page } = opened;
    await openQuestion(page, 2);
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
    await using opened = await open(await freshAddress(), still);
    const { page } = opened;
    await page.getByText("Advanced").click();
    await page.getByRole("slider", { name: "Deadline" }).fill("0");
    await askAboutSample(page, "What is on the right?");
    await page.getByText(/^partial: the deadline came after \d+ steps?/).waitFor();
  });

  test("a follow-up is asked with what was said before", async () => {
    await using opened = await open(await freshAddress(), still);
    const { page } = opened;
    await askAboutSample(page);
    await untilAnswered(page);
    await page.getByRole("button", { name: "Ask a follow-up" }).click();
    await page.getByRole("list", { name: "What was said before" }).getByText(answer).waitFor();
    await page.getByLabel("Follow-up", { exact: true }).fill("What color is the background?");
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await untilAnswered(page);
    await page.getByRole("tab", { name: "curl" }).click();
    expect(await page.getByRole("tabpanel").innerText()).toContain('"role":"assistant"');
  });

  test("what the model's card recommends is marked, and leaving it is said", async () => {
    await using opened = await open(await freshAddress(), still);
    const { page } = opened;
    await page.getByText("Advanced").click();
    await page.getByText("positions · recommended: 32").waitFor();
    await page.getByLabel("Canvas", { exact: true }).fill("256");
    await page.getByText("positions · recommended: 32, left").waitFor();
    await page.getByText("The model was trained with 128 positions").waitFor();
    await page.getByText("1 changed").waitFor();
  });

  test("a picture comes from the camera too, and by its address", async () => {
    await using opened = await open(await freshAddress(), still);
    const { page } = opened;
    await page.getByRole("button", { name: "Camera" }).click();
    await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0);
    await page.getByRole("button", { name: "Take the picture" }).click();
    await page.getByRole("button", { name: "Remove camera.jpg" }).waitFor();
    await page.getByRole("button", { name: "Address" }).click();
    await page.getByLabel("Address of a picture").fill(`${system.url}/samples/dog.png`);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("fetched by the service").waitFor();
  });

  test("a link opens the page with its question, options and sample, and no answer", async () => {
    await using opened = await open(await freshAddress(), still);
    const { page } = opened;
    await page.goto(`${system.url}/#q=What+is+this%3F&canvas=16&sample=dog.png`);
    await page.getByText("sent as it is").waitFor();
    await page.getByText("dog.png", { exact: true }).waitFor();
    expect(await page.getByLabel("Question", { exact: true }).inputValue()).toBe("What is this?");
    await page.getByText("1 changed").waitFor();
    await page.getByText("all masked").waitFor();
  });

  test("values are named, priced, read and told with how likely each option was; a link brings them back", async () => {
    await using opened = await open(await freshAddress(), { ...still, bypassCSP: true });
    const { page, complaints } = opened;
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
    expect(await findings(page)).toEqual([]);
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
    await page.getByRole("button", { name: "Copy the values" }).click();
    const values = await page.evaluate(() => navigator.clipboard.readText());
    expect(JSON.parse(values)).toEqual({ other: "guitar", left: "apple" });
    expect(await findings(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await findings(page)).toEqual([]);
    const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
    expect(scrollWidth).toBe(clientWidth);
    await page.getByRole("button", { name: "Copy a link" }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    await page.goto(link);
    await page.reload();
    await page.getByText("for 2 passes at most").waitFor();
    expect(
      await page
        .getByLabel("Name", { exact: true })
        .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value)),
    ).toEqual(["other", "left"]);
    await page.getByText("values are read by sending").waitFor();
    expect(complaints).toEqual([]);
  });

  test("everything can be done with the keyboard alone", async () => {
    await using opened = await open(await freshAddress(), still);
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

  test("what is read aloud is the text that stays, in a polite region of its own", async () => {
    await using opened = await open(await freshAddress(), still);
    const { page } = opened;
    await askAboutSample(page);
    await untilAnswered(page);
    const spoken = page.locator("#spoken");
    expect(await spoken.getAttribute("aria-live")).toBe("polite");
    expect(await spoken.textContent()).toBe(answer);
    expect(
      await page
        .locator(".canvas, .reading")
        .locator("xpath=ancestor-or-self::*[@aria-live]")
        .count(),
    ).toBe(0);
  });

  test.each(looks)(
    "axe finds nothing, %s: empty, answered, with a refusal, and without a pass",
    async (_, look) => {
      await using opened = await open(await freshAddress(), { ...still, ...look, bypassCSP: true });
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
    },
  );
});

describe.skipIf(executablePath === undefined)(
  "the playground says what happened and what to do",
  () => {
    test("without a key; a pasted one is traded for a pass and kept nowhere", async () => {
      await using opened = await open(system.url, still);
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

    test("with a wrong key", async () => {
      await using opened = await open(system.url, still);
      await opened.page.getByLabel("Or paste a key").fill("umk_test_wrong");
      await opened.page.getByRole("button", { name: "Trade it for a pass" }).click();
      await opened.page.getByRole("alert").getByText("is not known here").waitFor();
    });

    test("with a key whose account has no credit", async () => {
      const admin = createAdminClient({ baseUrl: system.url, apiKey: system.admin_key });
      await admin.createAccount({ id: "poor", name: "Poor" });
      const { key } = await admin.createKey({ account: "poor", name: "poor", scopes: ["ask"] });
      await using opened = await open(await freshAddress(key), still);
      await askAboutSample(opened.page);
      await opened.page.getByRole("alert").getByText("The account has no credit left").waitFor();
    });

    test("with a photograph of 40 megapixels: it is made small here, and asked about", async () => {
      await using opened = await open(await freshAddress(), still);
      const { page } = opened;
      await page.getByText("The price is known").waitFor();
      await drop(page, await photograph(8000, 5000), "large.jpg", "image/jpeg");
      await page
        .getByText(/^8000 × 5000, .* → \d{2,4} × \d{2,4}, .*: what the model sees$/)
        .waitFor();
      await page.getByLabel("Question", { exact: true }).fill("What is this?");
      await page.getByRole("button", { name: "Ask", exact: true }).click();
      await untilAnswered(page);
    });

    test("with an edge that has no function", async () => {
      await using opened = await open(await freshAddress(), still);
      const { page } = opened;
      await page.getByText("The price is known").waitFor();
      const refusal = { kind: "function_unreachable" } as const;
      const request = { requestId: "req_1", instance: "/v1/answers" };
      const { body, status } = problemResponse(refusal, request);
      const text = await new Response(body).text();
      await page.route("**/v1/answers", (route) => route.fulfill({ status, body: text }));
      await askAboutSample(page);
      await page.getByRole("alert").getByText("No inference function answers").waitFor();
      await page.getByRole("alert").getByText("FUNCTION_URL").waitFor();
      await page.unroute("**/v1/answers");
      await page.getByRole("button", { name: "Ask again" }).click();
      await untilAnswered(page);
    });

    test("with HEIC, which this browser cannot open", async () => {
      await using opened = await open(await freshAddress(), still);
      await drop(opened.page, heic, "IMG_0001.HEIC", "image/heic");
      await opened.page.getByRole("alert").getByText("This browser cannot open HEIC").waitFor();
      await opened.page.getByRole("alert").getByText("Most Compatible").waitFor();
    });

    test("offline in the middle: what arrived stays, and asked again the same question is charged once", async () => {
      await using opened = await open(await freshAddress());
      const { page } = opened;
      await openHalfWay(page, 3);
      await page.context().setOffline(true);
      await page.getByRole("button", { name: "Cut the stream" }).click();
      await page.clock.resume();
      await page.getByRole("alert").getByText("This device is offline").waitFor();
      expect(await page.locator(".cell.text").count()).toBeGreaterThan(0);
      await page.context().setOffline(false);
      await page.getByRole("button", { name: "Ask again" }).click();
      await untilAnswered(page);
    });

    test("when the tab was asleep for longer than its pass", async () => {
      await using opened = await open(await freshAddress(), still);
      const { page } = opened;
      await page.getByText("The price is known").waitFor();
      await page.getByLabel("Question", { exact: true }).fill("Still here?");
      await page.clock.install();
      await page.clock.setSystemTime(Date.now() + 3_700_000);
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      await page.getByRole("alert").getByText("This page's pass is over").waitFor();
      expect(await page.getByLabel("Question", { exact: true }).inputValue()).toBe("Still here?");
    });

    test("in a second tab, which has the pass of the first without being given one", async () => {
      await using opened = await open(await freshAddress(), still);
      await opened.page.getByText("The price is known").waitFor();
      const second = await opened.page.context().newPage();
      await second.goto(system.url);
      await askAboutSample(second);
      await untilAnswered(second);
      await opened.page.evaluate(() => localStorage.clear());
    });
  },
);

// The system and the browser that are running already: starting them takes longer than all of these.
describe.skipIf(executablePath === undefined)("the account in a browser", () => {
  accountTests(() => ({ browser, system }));
  topUpTests(() => ({ browser, system }));
});

describe.skipIf(executablePath === undefined)("the playground without sending", () => {
  privateTests(() => ({ browser, system }));
});

/** A picture with something to see on it, as a camera's file. */
async function photograph(width: number, height: number): Promise<Buffer> {
  return await sharp("test/fixtures/pictures/dog.png")
    .resize(width, height)
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** The beginning of a telephone's file: `ftyp` with the brand `heic`. Source: ISO/IEC 23008-12. */
const heic = Buffer.from("0000001c667479706865696300000000686569636d696631", "hex");
