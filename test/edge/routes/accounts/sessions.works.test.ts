import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ownAccountSchema } from "#wire/api/accounts/account.ts";
import {
  type SignInCodeBody,
  sessionListSchema,
  sessionSchema,
  signInCodeSchema,
} from "#wire/api/accounts/sessions.ts";
import { ledgerListSchema } from "#wire/api/accounts/usage.ts";
import { ask } from "../../function-double.ts";
import { accountWithCharge, administer, newKey, openAccount } from "../administration.ts";
import { postSession, signIn, withCookie } from "../sessions.ts";

async function codeOf(key: string): Promise<SignInCodeBody> {
  const response = await ask("/v1/sign_in_codes", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: "{}",
  });
  expect(response.status).toBe(201);
  return signInCodeSchema.parse(await response.json());
}

describe("signing in works", () => {
  test("with a key, for a cookie that no script, no other site and no plain connection gets", async () => {
    const { id, key } = await openAccount({ scopes: ["ask", "usage", "keys"] });
    const response = await postSession({ key });
    expect(response.headers.get("set-cookie")).toMatch(
      /^__Host-unmask_session=[0-9A-Za-z]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(sessionSchema.parse(await response.json())).toMatchObject({
      ...{ role: "account", account: id, current: true },
      scopes: ["usage", "answers", "replay", "keys"],
    });
  });

  test("on this machine over plain HTTP, where browsers take no cookie that is Secure", async () => {
    const { key } = await openAccount();
    const response = await postSession({ key }, {}, "http://127.0.0.1:8787");
    expect(response.headers.get("set-cookie")).toMatch(
      /^unmask_session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    );
  });

  test("with a code that a key makes, which is as good as the key", async () => {
    const { id, key } = await openAccount();
    const { code, account } = await codeOf(key);
    expect(account).toBe(id);
    const { session } = await signIn({ code });
    expect(session).toMatchObject({ account: id, scopes: ["usage", "answers", "replay"] });
    expect(session.key).not.toBeNull();
  });

  test("with a code of the administrator's for an account: for all but what is charged to a key", async () => {
    const { id } = await openAccount({ scopes: ["ask"] });
    const made = await administer("POST", "/v1/sign_in_codes", { account: id });
    const { code }: SignInCodeBody = await made.json();
    const { session, send } = await signIn({ code });
    expect(session).toMatchObject({
      ...{ role: "account", account: id, key: null },
      scopes: ["usage", "answers", "webhooks", "keys"],
    });
    expect(ownAccountSchema.parse(await (await send("GET", "/v1/account")).json())).toMatchObject({
      id,
      key: null,
    });
  });

  test("as the administrator, with the key or with a code, for the administration alone", async () => {
    const made = await administer("POST", "/v1/sign_in_codes", { role: "administrator" });
    const { code }: SignInCodeBody = await made.json();
    for (const secret of [{ admin_key: env.ADMIN_KEY }, { code }]) {
      const { session, send } = await signIn(secret);
      expect(session).toMatchObject({ role: "administrator", account: null, scopes: ["admin"] });
      expect(Date.parse(session.expires_at) - Date.parse(session.created_at)).toBe(3_600_000);
      expect((await send("GET", "/v1/accounts?limit=1")).status).toBe(200);
      expect((await send("GET", "/v1/account")).status).toBe(403);
    }
  });

  test("for less than the key may do, where less is asked for", async () => {
    const { key } = await openAccount();
    const { session, send } = await signIn({ key, scopes: ["usage"] });
    expect(session.scopes).toEqual(["usage"]);
    expect((await send("GET", "/v1/usage")).status).toBe(200);
    expect((await send("GET", "/v1/answers")).status).toBe(403);
  });
});

describe("a session works", () => {
  test("where its cookie comes from our page: money, ledger, answers, as its key sees them", async () => {
    const { account, key } = await accountWithCharge("ans_session", 400);
    const { session, send } = await signIn({ key });
    expect(ownAccountSchema.parse(await (await send("GET", "/v1/account")).json())).toMatchObject({
      id: account,
      balance: { available_micros: 600, held_micros: 0, spent_micros: 400 },
      key: { id: session.key, scopes: ["ask", "usage"] },
    });
    const ledger = await send("GET", "/v1/ledger");
    expect(ledgerListSchema.parse(await ledger.json()).data).toHaveLength(3);
    expect((await send("GET", "/v1/answers")).status).toBe(200);
  });

  test("as a download that a person opens by hand, without a header of ours", async () => {
    const { cookie } = await signIn({ key: (await openAccount()).key });
    const headers = { "sec-fetch-site": "none" };
    const csv = await withCookie(cookie, "GET", "/v1/ledger?format=csv", undefined, headers);
    expect(csv.headers.get("content-type")).toMatch(/^text\/csv/);
  });

  test("until it signs out, here or everywhere", async () => {
    const { key } = await openAccount();
    const [first, second, third] = [
      await signIn({ key }),
      await signIn({ key }),
      await signIn({ key }),
    ];
    const listed = sessionListSchema.parse(await (await first.send("GET", "/v1/sessions")).json());
    expect(listed.data.map(({ id, current }) => [id, current]).toSorted()).toEqual(
      [
        [first.session.id, true],
        [second.session.id, false],
        [third.session.id, false],
      ].toSorted(),
    );
    const out = await first.send("DELETE", "/v1/session");
    expect(out.status).toBe(204);
    expect(out.headers.get("set-cookie")).toMatch(/^__Host-unmask_session=; Max-Age=0/);
    expect((await first.send("GET", "/v1/session")).status).toBe(401);
    expect((await second.send("DELETE", `/v1/sessions/${third.session.id}`)).status).toBe(204);
    expect((await third.send("GET", "/v1/session")).status).toBe(401);
    const fourth = await signIn({ key });
    const everywhere = await second.send("DELETE", "/v1/sessions");
    expect(await everywhere.json()).toEqual({ object: "signed_out", count: 2 });
    expect((await fourth.send("GET", "/v1/session")).status).toBe(401);
  });

  test("beside a key in the header, which then is the one that counts", async () => {
    const { cookie } = await signIn({ key: (await openAccount()).key });
    const other = await openAccount();
    const headers = { authorization: `Bearer ${other.key}` };
    const shown = await withCookie(cookie, "GET", "/v1/account", undefined, headers);
    expect(ownAccountSchema.parse(await shown.json()).id).toBe(other.id);
  });
});

test("an account is shown to a key of it, with what it holds and how long that lasts", async () => {
  const { key } = await newKey({ account: (await openAccount()).id });
  const shown = await ask("/v1/account", { headers: { authorization: `Bearer ${key}` } });
  expect(ownAccountSchema.parse(await shown.json())).toMatchObject({
    balance: { available_micros: 1_000_000, held_micros: 0, spent_micros: 0 },
    forecast: { days_observed: 1, spend_per_day_micros: 0, days_left: null, empty_at: null },
  });
});
