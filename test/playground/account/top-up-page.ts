import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { createAdminClient } from "#client/admin.ts";
import { paymentReceivedSchema } from "#wire/api/accounts/payments.ts";
import { openPage, openSection, still } from "../open-page.ts";
import type { Running } from "../running.ts";

/** What the system under test is started with. Nobody is there: the browser is answered by `checkoutStandIn`. */
export const testTopUp = {
  provider: "stripe",
  url: "https://checkout.test/pay",
  secret: "whsec_of_the_dashboards_tests",
};

const recorded = JSON.parse(readFileSync("test/fixtures/payments/stripe.json", "utf8")) as Readonly<
  Record<"paid" | "refunded" | "refund", { readonly data: { readonly object: object } }>
>;

/** Credit is bought over the running system: only the checkout's page and its provider's words are ours, the words as they were recorded. */
export function topUpTests(running: () => Running): void {
  test("credit is bought at the seller's checkout: it is there after the return, once however often that is told, and what is refunded is taken back", async () => {
    const { browser, system } = running();
    const admin = createAdminClient({ baseUrl: system.url, apiKey: system.admin_key });
    await admin.createAccount({ id: "payer", name: "Payer" });
    const { key } = await admin.createKey({ account: "payer", name: "payer", scopes: ["usage"] });
    const buyers: (string | null)[] = [];
    await using opened = await openPage(browser, `${system.url}/account`, still, async (page) => {
      await checkoutStandIn(page, `${system.url}/account`, buyers);
      // The browser's clock is wrong, as people's are.
      await page.clock.install({ time: Date.now() + 600_000 });
    });
    const { page, complaints } = opened;
    await page.getByLabel("A key of the account, or a one-time code").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    const left = page.locator(".balance .sum");
    await left.getByText("$0.00", { exact: true }).waitFor();

    await page.getByRole("link", { name: "Top up" }).click();
    await page.getByRole("button", { name: "Pay $10.00" }).click();
    await page.getByText("Waiting for the payment to be told to us").waitFor();
    expect(buyers).toEqual(["payer"]);
    const paid = { ...recorded.paid.data.object, client_reference_id: buyers[0] };
    expect(await tell(system.url, { ...recorded.paid, data: { object: paid } })).toBe("applied");
    await page.clock.fastForward(3_000);
    await page.getByText("$10.00 of credit arrived.").waitFor();
    await left.getByText("$10.00", { exact: true }).waitFor();

    expect(await tell(system.url, { ...recorded.paid, data: { object: paid } })).toBe("repeated");
    await openSection(page, "Ledger");
    await page.getByRole("region", { name: "Ledger, as a table" }).waitFor();
    const granted = ["Credit", "+$10.00", "$10.00"];
    expect(await entriesOf(page)).toEqual([granted]);

    expect(await tell(system.url, recorded.refunded)).toBe("applied");
    // The same four dollars in the provider's other words.
    expect(await tell(system.url, recorded.refund)).toBe("applied");
    await refresh(page);
    const entries = [["Taken back", "−$4.00", "$6.00"], granted];
    await expect.poll(() => entriesOf(page)).toEqual(entries);
    await openSection(page, "Overview");
    await refresh(page);
    await left.getByText("$6.00", { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });
}

async function refresh(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Refresh" }).locator("visible=true").click();
}

/** Stands in for the provider's page of another site: remembers for whom is paid, and sends whoever paid back as a provider does. */
async function checkoutStandIn(page: Page, back: string, buyers: (string | null)[]): Promise<void> {
  await page.route(`${testTopUp.url}*`, async (route) => {
    const request = route.request();
    if (request.method() === "POST")
      return await route.fulfill({ status: 303, headers: { location: back } });
    buyers.push(new URL(request.url()).searchParams.get("client_reference_id"));
    await route.fulfill({
      contentType: "text/html",
      body: '<!doctype html><title>Checkout</title><form method="post"><button>Pay $10.00</button></form>',
    });
  });
}

/** Sends what the provider says, signed as it signs. Returns what became of it. */
async function tell(baseUrl: string, event: object): Promise<string> {
  const body = JSON.stringify(event);
  const time = Math.floor(Date.now() / 1000);
  const mac = createHmac("sha256", testTopUp.secret).update(`${time}.${body}`).digest("hex");
  const reply = await fetch(`${baseUrl}/v1/payments/stripe`, {
    method: "POST",
    headers: { "content-type": "application/json", "stripe-signature": `t=${time},v1=${mac}` },
    body,
  });
  const { status, repeated } = paymentReceivedSchema.parse(await reply.json());
  return repeated ? "repeated" : status;
}

/** What, how much and what is left after it, of each entry that is shown. */
async function entriesOf(page: Page): Promise<readonly (readonly string[])[]> {
  return await page
    .getByRole("region", { name: "Ledger, as a table" })
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll("td")].slice(1, 4).map((cell) => cell.innerText)),
    );
}
