import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ownAccountSchema } from "#wire/api/accounts/account.ts";
import { paymentEventListSchema, paymentReceivedSchema } from "#wire/api/accounts/payments.ts";
import recordedText from "../../../fixtures/payments/stripe.json?raw";
import { checkedFetch } from "../../checked-fetch.ts";
import { ask, refusal } from "../../function-double.ts";
import { administer, openAccount } from "../administration.ts";

afterEach(() => vi.useRealTimers());

type Named = "paid" | "refunded" | "refund" | "disputed" | "won";

const recorded = JSON.parse(recordedText) as Readonly<
  Record<Named, { readonly id: string; readonly data: { readonly object: object } }>
>;

let drawn = 0;

/** The recorded events, of a payment and an account of their own. */
function eventsOf(account: string | null): (name: Named, change?: object) => string {
  drawn += 1;
  const suffix = `_${drawn}`;
  return (name, change = {}) => {
    const { id, data, ...event } = recorded[name];
    const object = {
      ...data.object,
      payment_intent: `pi${suffix}`,
      ...(name === "paid" ? { client_reference_id: account } : {}),
      ...change,
    };
    return JSON.stringify({ ...event, id: `${id}${suffix}`, data: { object } });
  };
}

async function signatureOf(body: string, time: number): Promise<string> {
  const { secret }: { secret: string } = JSON.parse(env.TOP_UP ?? "");
  const utf8 = (text: string) => new Uint8Array(new TextEncoder().encode(text));
  const key = await crypto.subtle.importKey(
    "raw",
    utf8(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(`${time}.${body}`)));
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(body: string, header?: string): Promise<Response> {
  const time = Math.floor(Date.now() / 1000);
  const signature = header ?? `t=${time},v1=${await signatureOf(body, time)},v0=00`;
  return await checkedFetch("https://unmask.test/v1/payments/stripe", {
    ...{ method: "POST", body },
    headers: { "content-type": "application/json; charset=utf-8", "stripe-signature": signature },
  });
}

async function told(body: string): Promise<string> {
  const { status, repeated } = paymentReceivedSchema.parse(await (await send(body)).json());
  return repeated ? `${status} again` : status;
}

async function balanceOf(key: string) {
  const shown = await ask("/v1/account", { headers: { authorization: `Bearer ${key}` } });
  return ownAccountSchema.parse(await shown.json()).balance;
}

describe("a payment works", () => {
  test("from the checkout's address to credit, once per event, and back out again", async () => {
    const { id, key } = await openAccount({}, 0);
    const shown = await ask("/v1/account", { headers: { authorization: `Bearer ${key}` } });
    expect(ownAccountSchema.parse(await shown.json()).top_up).toEqual({
      url: `https://checkout.test/pay?client_reference_id=${id}`,
    });
    const event = eventsOf(id);
    expect([await told(event("paid")), await told(event("paid"))]).toEqual([
      ...["applied", "applied again"],
    ]);
    expect(await balanceOf(key)).toMatchObject({ available_micros: 10_000_000, owed_micros: 0 });
    expect([await told(event("refunded")), await told(event("refund"))]).toEqual([
      ...["applied", "applied"],
    ]);
    expect(await balanceOf(key)).toMatchObject({ available_micros: 6_000_000 });
    await told(event("disputed"));
    expect(await balanceOf(key)).toMatchObject({ available_micros: 0 });
    await told(event("won"));
    expect(await balanceOf(key)).toMatchObject({ available_micros: 6_000_000 });
  });

  test("whose refund comes first: it waits for what it is of", async () => {
    const { id, key } = await openAccount({}, 0);
    const event = eventsOf(id);
    expect(await told(event("refund"))).toBe("parked");
    expect(await told(event("paid"))).toBe("applied");
    expect(await balanceOf(key)).toMatchObject({ available_micros: 6_000_000 });
    expect(await told(event("refund"))).toBe("applied again");
  });

  test("of nobody whom we know: parked, shown to the administrator, and booked when they say whose it is", async () => {
    const { id, key } = await openAccount({}, 0);
    const event = eventsOf("acc_nobody");
    expect([await told(event("paid")), await told(event("refund"))]).toEqual(["parked", "parked"]);
    const list = await administer("GET", "/v1/payment_events?state=parked&limit=2");
    const { data } = paymentEventListSchema.parse(await list.json());
    expect(data.map(({ reason }) => reason).toSorted()).toEqual([
      ...["its payment is not known", "there is no account of that name"],
    ]);
    const paid = data.find(({ type }) => type === "checkout.session.completed");
    const path = `/v1/payment_events/${encodeURIComponent(paid?.id ?? "")}/assign`;
    expect(await refusal(await administer("POST", path, { account: "acc_none" }))).toMatchObject({
      status: 400,
    });
    const assigned = await administer("POST", path, { account: id });
    expect(await assigned.json()).toMatchObject({ state: "applied", account: id, reason: null });
    expect(await balanceOf(key)).toMatchObject({ available_micros: 6_000_000 });
    expect((await administer("POST", path, { account: "acc_test" })).status).toBe(400);
  });

  test("in another currency is parked, and grants nothing", async () => {
    const { id, key } = await openAccount({}, 0);
    expect(await told(eventsOf(id)("paid", { currency: "eur" }))).toBe("parked");
    expect(await balanceOf(key)).toMatchObject({ available_micros: 0 });
  });

  test.each<[string, object]>([
    ["a checkout that is paid later", { payment_status: "unpaid" }],
    ["a checkout that costs nothing", { amount_total: 0 }],
  ])("and ignores %s", async (_, change) => {
    const { id } = await openAccount({}, 0);
    expect(await told(eventsOf(id)("paid", change))).toBe("ignored");
  });

  test("and ignores events of another kind", async () => {
    expect(await told('{"id": "evt_x", "type": "customer.created", "data": {"object": {}}}')).toBe(
      "ignored",
    );
  });
});

describe("a payment is refused", () => {
  test("that nobody signed, or somebody else, or for another body", async () => {
    const body = eventsOf("acc_test")("paid");
    const time = Math.floor(Date.now() / 1000);
    const other = await signatureOf(`${body} `, time);
    for (const header of ["", "t=1", `t=${time},v1=${"0".repeat(64)}`, `t=${time},v1=${other}`])
      expect(await refusal(await send(body, header))).toMatchObject({
        ...{ status: 401, code: "payment_signature_invalid" },
      });
  });

  test("that was signed more than five minutes ago, or is to be later", async () => {
    const body = eventsOf("acc_test")("paid");
    for (const seconds of [-301, 302]) {
      const time = Math.floor(Date.now() / 1000) + seconds;
      const problem = await refusal(
        await send(body, `t=${time},v1=${await signatureOf(body, time)}`),
      );
      expect(problem.detail).toContain("too long ago");
    }
  });

  test("that is no event, or larger than any is", async () => {
    expect((await send("[]")).status).toBe(400);
    expect((await send("{")).status).toBe(400);
    expect(await refusal(await send(" ".repeat(300_000)))).toMatchObject({ status: 413 });
  });

  test("of a provider that is not this installation's", async () => {
    const response = await ask("/v1/payments/other", { method: "POST", body: "{}" });
    expect(await refusal(response)).toMatchObject({ status: 404 });
  });
});
