import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findings } from "../axe.ts";
import { looks, openPage, openSection, still } from "../open-page.ts";
import type { Running } from "../running.ts";
import { type Open, openStandIn, partsLookAlright, signedOut } from "./open-account.ts";
import { administratorStandIn, customerStandIn } from "./replies.ts";
import { listOf, problem, type StandIn, standIn } from "./stand-in.ts";

/** Tests of the page `/account` in all of its looks and states: what account-page.ts has not. */
export function accountTestsInWhole(running: () => Running): void {
  const open = openStandIn(running);
  looksAlright(open);
  statesOfLists(open);
  atTheDoor(running, open);
  whatIsDone(open);
}

const ofCustomer = ["Overview", "Ledger", "Keys", "Webhooks", "Answers", "Refusals", "Sessions"];

/** What has a colour of its own in it: dark pages differ in nothing else. */
const ofColours = ["Overview", "Webhooks", "Answers"];

function looksAlright(open: Open): void {
  test.each(Object.entries(looks))(
    "axe finds nothing on any of its parts, and none is wider than the page, %s",
    async (_, look) => {
      const isDark = "colorScheme" in look && look.colorScheme === "dark";
      await partsLookAlright(open, look, isDark ? ofColours : ofCustomer);
    },
  );

  test("axe finds nothing at the door, in a dialog, and on an administrator's parts", async () => {
    await using opened = await open(customerStandIn(), "keys", { bypassCSP: true });
    const { page } = opened;
    await page.getByRole("button", { name: "Make a key" }).click();
    expect(await findings(page)).toEqual([]);
    await page.unrouteAll();
    await standIn(page, administratorStandIn());
    await page.reload();
    for (const name of ["Accounts", "Functions", "Payments"]) {
      await openSection(page, name);
      await page.locator(".section:not([hidden]) [aria-busy=false]").first().waitFor();
      if (name === "Accounts") {
        await page.getByRole("button", { name: "Open Ada's shop" }).click();
        await page.getByRole("heading", { name: "Ada's shop" }).waitFor();
      }
      expect(await findings(page), name).toEqual([]);
      if (name === "Functions")
        expect(await loads(page)).toEqual(["3 of 4 places", "1 question", "96 steps"]);
      if (name === "Payments") await page.getByText("under way").waitFor();
    }
    await page.unrouteAll();
    await standIn(page, { "GET /v1/session": signedOut });
    await page.reload();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await findings(page)).toEqual([]);
  });

  test("the chart's table has the chart's numbers, and the chart is drawn in the colours of its legend", async () => {
    await using opened = await open(customerStandIn(), "overview");
    const { page } = opened;
    await page.getByText("The same as a table").click();
    const table = page.getByRole("table", { name: /^Spend by day and key/ });
    expect(await table.getByRole("row").count()).toBe(32);
    const shown = await page.locator(".legend li").first().innerText();
    const total = await table.getByRole("row").last().getByRole("cell").first().innerText();
    expect(Number(total.slice(1))).toBeGreaterThanOrEqual(Number(/\$([\d.]+)/.exec(shown)?.[1]));
    expect(await colourIsDrawn(page)).toBe(true);
  });
}

/** What functions say of their load, one of them in all: who does not say it is shown without. */
async function loads(page: Page): Promise<readonly string[]> {
  const figures = page.locator("dt", { hasText: /^(At work|Waiting|Still to do)$/ });
  return await figures.locator("xpath=following-sibling::dd").allInnerTexts();
}

/** Whether the colour of the first key stands in the canvas. */
async function colourIsDrawn(page: Page): Promise<boolean> {
  return await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>(".bars-of-days canvas");
    const swatch = document.querySelector(".legend .ink");
    const context = canvas?.getContext("2d");
    if (canvas == null || context == null || swatch === null) return false;
    const wanted = (getComputedStyle(swatch).backgroundColor.match(/\d+/g) ?? []).map(Number);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
      if (wanted.every((channel, index) => data[at + index] === channel)) return true;
    return false;
  });
}

function statesOfLists(open: Open): void {
  test("each part says that there is nothing yet, and what would bring something", async () => {
    const nothing = { ...customerStandIn(), ...emptyLists };
    await using opened = await open(nothing, "overview");
    const { page } = opened;
    await page.getByText("Nothing was spent in these days.").waitFor();
    for (const [name, words] of [
      ["Ledger", "No entries."],
      ["Keys", "No key yet."],
      ["Webhooks", "No endpoint yet."],
      ["Answers", "No answers."],
      ["Refusals", "Nothing was refused in these days."],
    ] as const) {
      await openSection(page, name);
      await page.getByText(words).waitFor();
    }
  });

  test("a part that cannot be had leaves the others; 429 is asked again by itself", async () => {
    let asked = 0;
    const replies = customerStandIn();
    const usage = replies["GET /v1/usage"] ?? {};
    replies["GET /v1/usage"] = (route) => {
      asked += 1;
      return asked > 1
        ? usage
        : problem(route, { status: 429, code: "rate_limited", retryAfter: 1 });
    };
    await using opened = await open(replies, "overview");
    const { page } = opened;
    await page.getByText("This is asked again by itself in 1 s.").waitFor();
    await page.getByText("76 days until zero").waitFor();
    await page.locator(".bars-of-days canvas").waitFor();
    expect(asked).toBe(2);
  });

  test("offline in the middle: what had come stays, the next page is asked for when the network is back", async () => {
    const replies = customerStandIn();
    await using opened = await open(replies, "ledger");
    const { page } = opened;
    await page.getByRole("button", { name: "Show more" }).waitFor();
    const first = replies["GET /v1/ledger"];
    let isAway = true;
    replies["GET /v1/ledger"] = async (route, url) => {
      if (isAway) return await route.abort("internetdisconnected");
      return url.searchParams.has("after") ? listOf([]) : first;
    };
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByRole("alert").getByText("This device is offline").waitFor();
    expect(await page.getByText("paid by card").count()).toBe(1);
    isAway = false;
    await page.context().setOffline(false);
    await page.getByRole("alert").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Show more" }).waitFor({ state: "hidden" });
    expect(await page.getByText("paid by card").count()).toBe(1);
  });

  test("what the session's scopes do not reach says so in its place, and asks nothing", async () => {
    const replies = customerStandIn();
    const session = replies["GET /v1/session"];
    replies["GET /v1/session"] = { ...session, scopes: ["usage"] };
    const asked: string[] = [];
    replies["GET /v1/keys"] = (_, url) => {
      asked.push(url.pathname);
      return listOf([]);
    };
    await using opened = await open(replies, "keys");
    await opened.page.getByText("has not the scope keys").waitFor();
    expect(asked).toEqual([]);
  });
}

const emptyLists: StandIn = Object.fromEntries(
  ["usage", "ledger", "keys", "webhook_endpoints", "webhook_deliveries", "answers", "refusals"].map(
    (name) => [`GET /v1/${name}`, listOf([])],
  ),
);

function atTheDoor(running: () => Running, open: Open): void {
  test("the administrator's key opens accounts, credit and keys, and is kept nowhere", async () => {
    const { browser, system } = running();
    await using opened = await openPage(browser, `${system.url}/account`, still);
    const { page } = opened;
    await page.getByLabel("A key of the account, or a one-time code").fill(system.admin_key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("cell", { name: "This machine", exact: true }).waitFor();
    expect(await page.content()).not.toContain(system.admin_key);
  });

  test("signed out in one tab, the other is at the door too", async () => {
    const replies = customerStandIn();
    await using opened = await open(replies, "overview");
    const { page } = opened;
    await page.getByText("76 days until zero").waitFor();
    const second = await page.context().newPage();
    await standIn(second, replies);
    await second.goto(page.url());
    await second.getByText("76 days until zero").waitFor();
    replies["DELETE /v1/session"] = async (route) => await route.fulfill({ status: 204 });
    replies["GET /v1/session"] = (route) =>
      problem(route, { status: 401, code: "unauthenticated" });
    await second.getByRole("button", { name: "Sign out" }).click();
    await second.getByText("You are signed out").waitFor();
    await page.getByRole("heading", { name: "Sign in", exact: false }).waitFor();
  });

  test("a one-time code in the address is traded, and leaves it; a used one says what to do", async () => {
    const traded: unknown[] = [];
    const replies = customerStandIn();
    const session = replies["GET /v1/session"] as object;
    replies["POST /v1/sessions"] = (route) => {
      traded.push(route.request().postDataJSON());
      return traded.length === 1
        ? session
        : problem(route, { status: 401, code: "unauthenticated" });
    };
    await using opened = await open(replies, "code=umc_once");
    const { page } = opened;
    await page.getByText("76 days until zero").waitFor();
    expect(new URL(page.url()).hash).toBe("");
    expect(traded).toEqual([{ code: "umc_once" }]);
    await using again = await open({ ...replies, "GET /v1/session": signedOut }, "code=umc_once");
    await again.page.getByRole("alert").getByText("This opens no session").waitFor();
  });
}

function whatIsDone(open: Open): void {
  test("a delivery shows what was sent and what came back, and is sent again", async () => {
    const replies = customerStandIn();
    const sent: string[] = [];
    replies["POST /v1/webhook_deliveries/whd_1/redeliver"] = (_, url) => {
      sent.push(url.pathname);
      return { object: "redelivery", count: 1 };
    };
    await using opened = await open(replies, "webhooks");
    const { page } = opened;
    await page
      .getByRole("button", { name: /^More about answer.completed/ })
      .first()
      .click();
    await page.getByText("HTTP 503").waitFor();
    await page.getByText("asks to wait 90 s").waitFor();
    // A receiver's words are text, whatever they say.
    await page.getByText("upstream connect error <img src=x>", { exact: true }).waitFor();
    expect(await page.locator("img[src=x]").count()).toBe(0);
    await page.getByText("timeout: no reply within 5 s").waitFor();
    await page.getByText("Body that is sent").click();
    await page.getByText('"answer": "A dog."').waitFor();
    await page.getByRole("button", { name: "Deliver again" }).click();
    await page.getByText("On its way again").waitFor();
    expect(sent).toHaveLength(1);
  });

  test("a page that a browser brings back as it was left for the checkout watches for the credit", async () => {
    const replies = customerStandIn();
    await using opened = await open(replies, "overview");
    const { page } = opened;
    // Browsers under test keep no pages: this one stays where it is.
    await page.evaluate(() => addEventListener("click", (event) => event.preventDefault()));
    await page.getByRole("link", { name: "Top up" }).click();
    await page.evaluate(() =>
      dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })),
    );
    await page.getByText("Waiting for the payment").waitFor();
  });
}
