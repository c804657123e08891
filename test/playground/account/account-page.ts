import { openAsBlob, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createClient } from "#client/client.ts";
import { looks, openPage, openSection, still, tabTo } from "../open-page.ts";
import type { Running } from "../running.ts";
import { type Open, openStandIn, partsLookAlright, signedOut } from "./open-account.ts";
import { administratorStandIn, customerStandIn } from "./replies.ts";
import { problem } from "./stand-in.ts";

/**
 * Tests of the page `/account`, over a stand-in of the service where a real one is seldom in such a state. All of its looks and states:
 * account-states.ts.
 */
export function accountTests(running: () => Running): void {
  const open = openStandIn(running);
  overTheRealSystem(running);
  test("axe finds nothing on it, and no part is wider than the page", async () => {
    await partsLookAlright(open, looks.light, ["Overview", "Answers"]);
  });
  sessionsEnd(open);
  whatIsDone(open);
}

function overTheRealSystem(running: () => Running): void {
  test("the address that npm start prints signs in once; what was asked is charged, replayed to the same bits, and signed out is signed out", async () => {
    const { browser, system } = running();
    const unmask = createClient({ baseUrl: system.url, apiKey: system.key });
    const { id } = await unmask.ask({
      question: "What is this?",
      images: [await openAsBlob("test/fixtures/pictures/dog.png")],
      cache: "off",
    });
    await using opened = await openPage(browser, system.dashboard ?? "", still);
    const { page, complaints } = opened;
    await page.getByRole("heading", { name: "This machine" }).waitFor();
    expect(new URL(page.url()).hash).toBe("");
    await page.getByText(/^\$9\.\d\d$/).waitFor();
    await openSection(page, "Ledger");
    await page.getByLabel("Kind").selectOption("Credit");
    await page.getByText("granted by the administrator").waitFor();
    const saving = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download CSV" }).click();
    expect(readFileSync(await (await saving).path(), "utf8")).toMatch(/^seq,created_at,kind/);
    // Lists of answers are a second or two behind.
    const isListed = async (): Promise<boolean> =>
      (await Array.fromAsync(unmask.answers.list())).some((answer) => answer.id === id);
    await expect.poll(isListed, { timeout: 20_000 }).toBe(true);
    await openSection(page, "Answers");
    const asked = page.getByRole("row").filter({ has: page.getByTitle(id) });
    await asked.getByRole("button", { name: /^More about/ }).click();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("The same, made afresh").waitFor();
    const kept = await page.evaluate(() =>
      JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie }),
    );
    expect(kept).not.toMatch(/umk_|umc_|ses_/);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out").waitFor();
    await page.getByLabel("A key of the account, or a one-time code").fill("umk_test_wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("This opens no session").waitFor();
    await page.getByLabel("A key of the account, or a one-time code").fill(system.key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Answers" }).waitFor();
    expect(await page.content()).not.toContain(system.key);
    expect(complaints).toEqual([]);
  });
}

function sessionsEnd(open: Open): void {
  test("a session that ends in the middle says so and keeps what was typed; signed in again it is sent", async () => {
    const replies = customerStandIn();
    let isOver = true;
    replies["POST /v1/keys"] = (route) =>
      isOver
        ? problem(route, { status: 401, code: "session_ended" })
        : { ...madeKey, name: route.request().postDataJSON().name };
    replies["POST /v1/sessions"] = () => {
      isOver = false;
      return replies["GET /v1/session"] as object;
    };
    await using opened = await open(replies, "keys");
    const { page } = opened;
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByLabel("Name").fill("kiosk");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("heading", { name: "Your session is over" }).waitFor();
    await page.getByLabel("A key of the account, or a one-time code").fill("umk_live_x");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Sign in again" }).waitFor({ state: "hidden" });
    expect(await page.getByLabel("Name").inputValue()).toBe("kiosk");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByText("The key “kiosk”").waitFor();
  });
}

const madeKey = {
  ...{ id: "K3yOfAda00000009", object: "key", account: "adas-shop", environment: "live" },
  ...{ scopes: ["ask"], models: null, origins: null, expires_at: null, revoked_at: null },
  ...{ created_at: new Date().toISOString(), previous_secret_expires_at: null, last_used_at: null },
  ...{ limits: { spend_per_day_micros: null, spend_per_month_micros: null } },
  key: "umk_live_K3yOfAda00000009_secret_check",
};

function whatIsDone(open: Open): void {
  test("with the keyboard alone: sign in, go to the keys, make one, revoke another", async () => {
    const replies = customerStandIn();
    const session = replies["GET /v1/session"] as object;
    replies["GET /v1/session"] = signedOut;
    replies["POST /v1/sessions"] = session;
    replies["POST /v1/keys"] = madeKey;
    const revoked: string[] = [];
    replies["DELETE /v1/keys/K3yOfAda00000001"] = (_, url) => {
      revoked.push(url.pathname);
      return madeKey;
    };
    await using opened = await open(replies, "");
    const { page } = opened;
    await tabTo(page, "A key of the account, or a one-time code");
    await page.keyboard.type("umk_live_x");
    await page.keyboard.press("Enter");
    await page.getByText("76 days until zero").waitFor();
    await tabTo(page, "Keys");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "shop backend" }).waitFor();
    await tabTo(page, "Make a key");
    await page.keyboard.press("Enter");
    await tabTo(page, "Name");
    await page.keyboard.type("kiosk");
    await page.keyboard.press("Enter");
    await page.getByText(madeKey.key).waitFor();
    await tabTo(page, "Copy");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(madeKey.key);
    await tabTo(page, "I have kept it");
    await page.keyboard.press("Enter");
    await tabTo(page, "Revoke shop backend");
    await page.keyboard.press("Enter");
    await page.getByText("This session came from this key").waitFor();
    await tabTo(page, "Keep it");
    await page.keyboard.press("Enter");
    expect(revoked).toEqual([]);
    await tabTo(page, "Revoke shop backend");
    await page.keyboard.press("Enter");
    await tabTo(page, "Revoke it for ever");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(revoked).toEqual(["/v1/keys/K3yOfAda00000001"]);
  });

  test("a refund that is sent twice because the network broke is one refund", async () => {
    const replies = administratorStandIn();
    const ids: string[] = [];
    replies["POST /v1/accounts/adas-shop/refunds"] = async (route) => {
      ids.push(route.request().postDataJSON().id);
      if (ids.length === 1) return await route.abort("connectionreset");
      return { object: "refund", repeated: true };
    };
    await using opened = await open(replies, "accounts");
    const { page } = opened;
    await page.getByRole("button", { name: "Open Ada's shop" }).click();
    await page.getByRole("button", { name: "Refund an answer" }).click();
    await page.getByLabel("Answer", { exact: true }).fill("ans_1");
    await page.getByLabel("Dollars").fill("0.001728");
    await page.getByRole("button", { name: "Refund it" }).click();
    await page.getByRole("alert").getByText("cannot be reached").waitFor();
    await page.getByRole("button", { name: "Refund it" }).click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });
}
