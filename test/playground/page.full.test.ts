import { describe, expect, test } from "vitest";
import { createAdminClient } from "#client/admin.ts";
import { problemResponse } from "#wire/error.ts";
import { accountTestsInWhole } from "./account/account-states.ts";
import {
  answer,
  askAboutSample,
  openHalfWay,
  openWithPass,
  photograph,
  untilAnswered,
} from "./asking.ts";
import { findings } from "./axe.ts";
import { drop } from "./dropping.ts";
import { looks, openPage, still } from "./open-page.ts";
import { privateTestsInWhole } from "./private/private-page.ts";
import { hasNoBrowser, useRunning } from "./running.ts";
import { axeFindsNothing, readTwoValues } from "./walks.ts";

// What of the pages is not in page.test.ts, which `npm test` runs.

const running = useRunning();

describe.skipIf(hasNoBrowser)("the playground in a browser, in whole", () => {
  test("drop, watch, scrub, copy: the picture is made small, its bytes told before and after, and the steps can be gone through", async () => {
    const { system } = running();
    await using opened = await openWithPass(running());
    const { page, complaints } = opened;
    await page.getByText("The price is known").waitFor();
    await drop(page, await photograph(3000, 2000), "holiday.jpg", "image/jpeg");
    await page
      .getByText(/^3000 × 2000, [\d.]+ [kM]B → \d+ × \d+, [\d.]+ k?B: what the model sees$/)
      .waitFor();
    await page.getByRole("button", { name: "Remove holiday.jpg" }).click();
    await openHalfWay(running().system, page, 4);
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

  test("a follow-up is asked with what was said before", async () => {
    await using opened = await openWithPass(running(), still);
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
    await using opened = await openWithPass(running(), still);
    const { page } = opened;
    await page.getByText("Advanced").click();
    await page.getByText("positions · recommended: 32").waitFor();
    await page.getByLabel("Canvas", { exact: true }).fill("256");
    await page.getByText("positions · recommended: 32, left").waitFor();
    await page.getByText("The model was trained with 128 positions").waitFor();
    await page.getByText("1 changed").waitFor();
  });

  test("a picture comes from the camera too, and by its address", async () => {
    const { system } = running();
    await using opened = await openWithPass(running(), still);
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
    const { system } = running();
    await using opened = await openWithPass(running(), still);
    const { page } = opened;
    await page.goto(`${system.url}/#q=What+is+this%3F&canvas=16&sample=dog.png`);
    await page.getByText("sent as it is").waitFor();
    await page.getByText("dog.png", { exact: true }).waitFor();
    expect(await page.getByLabel("Question", { exact: true }).inputValue()).toBe("What is this?");
    await page.getByText("1 changed").waitFor();
    await page.getByText("all masked").waitFor();
  });

  test("axe finds nothing where values are named and told, in either look; a link brings them back", async () => {
    await using opened = await openWithPass(running(), { ...still, bypassCSP: true });
    const { page, complaints } = opened;
    await readTwoValues(page, async () => expect(await findings(page)).toEqual([]));
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

  test("what is folded away holds nothing back: a probability of any digits is asked, and what the service refuses is said beside the price", async () => {
    const { system } = running();
    await using opened = await openWithPass(running(), { ...still, bypassCSP: true });
    const { page } = opened;
    const apple = {
      type: "boolean",
      instructions: "Is there an apple?",
      criteria: { true: "any" },
    };
    const fields = JSON.stringify({ apple });
    const sample = "apple-and-guitar.png";
    const link = new URLSearchParams({ q: "", sample, fields, abstainBelow: "3" });
    await page.goto(`${system.url}/#${link}`);
    await page.getByText("Abstain below: must be at most 1").waitFor();
    await page.getByText("Advanced").click();
    await page.getByLabel("Abstain below").fill("0.9999");
    await page.getByText("for one pass").waitFor();
    expect(await page.getByLabel("Yes means").inputValue()).toBe("any");
    expect(await findings(page)).toEqual([]);
    await page.getByText("Advanced").click();
    await page.getByRole("button", { name: "Read", exact: true }).click();
    await page.getByText("Abstained: “yes” was less likely than asked for.").first().waitFor();
  });

  test("what is read aloud is the text that stays, in a polite region of its own", async () => {
    await using opened = await openWithPass(running(), still);
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

  test.each(Object.entries(looks).filter(([name]) => name !== "light"))(
    "axe finds nothing, %s: empty, answered, with a refusal, and without a pass",
    async (_, look) => {
      await axeFindsNothing(running(), look);
    },
  );
});

describe.skipIf(hasNoBrowser)("the playground says what happened and what to do", () => {
  test("with a wrong key", async () => {
    const { browser, system } = running();
    await using opened = await openPage(browser, system.url, still);
    await opened.page.getByLabel("Or paste a key").fill("umk_test_wrong");
    await opened.page.getByRole("button", { name: "Trade it for a pass" }).click();
    await opened.page.getByRole("alert").getByText("is not known here").waitFor();
  });

  test("with a key whose account has no credit", async () => {
    const { system } = running();
    const admin = createAdminClient({ baseUrl: system.url, apiKey: system.admin_key });
    await admin.createAccount({ id: "poor", name: "Poor" });
    const { key } = await admin.createKey({ account: "poor", name: "poor", scopes: ["ask"] });
    await using opened = await openWithPass(running(), still, key);
    await askAboutSample(opened.page);
    await opened.page.getByRole("alert").getByText("The account has no credit left").waitFor();
  });

  test("with a photograph of 40 megapixels: it is made small here, and asked about", async () => {
    await using opened = await openWithPass(running(), still);
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
    await using opened = await openWithPass(running(), still);
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
    await using opened = await openWithPass(running(), still);
    await drop(opened.page, heic, "IMG_0001.HEIC", "image/heic");
    await opened.page.getByRole("alert").getByText("This browser cannot open HEIC").waitFor();
    await opened.page.getByRole("alert").getByText("Most Compatible").waitFor();
  });

  test("offline in the middle: what arrived stays, and asked again the same question is charged once", async () => {
    await using opened = await openWithPass(running());
    const { page } = opened;
    await openHalfWay(running().system, page, 3);
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
    await using opened = await openWithPass(running(), still);
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
    const { system } = running();
    await using opened = await openWithPass(running(), still);
    await opened.page.getByText("The price is known").waitFor();
    const second = await opened.page.context().newPage();
    await second.goto(system.url);
    await askAboutSample(second);
    await untilAnswered(second);
    await opened.page.evaluate(() => localStorage.clear());
  });
});

describe.skipIf(hasNoBrowser)("the account in a browser, in whole", () => {
  accountTestsInWhole(running);
});

describe.skipIf(hasNoBrowser)("the playground without sending, in whole", () => {
  privateTestsInWhole(running);
});

/** The beginning of a telephone's file: `ftyp` with the brand `heic`. Source: ISO/IEC 23008-12. */
const heic = Buffer.from("0000001c667479706865696300000000686569636d696631", "hex");
