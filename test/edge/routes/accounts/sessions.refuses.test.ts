import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app } from "#edge/app.ts";
import type { SignInCodeBody } from "#wire/api/accounts/sessions.ts";
import { ask, refusal } from "../../function-double.ts";
import { administer, newKey, openAccount } from "../administration.ts";
import { page, postSession, SITE, signIn, withCookie } from "../sessions.ts";

afterEach(() => vi.useRealTimers());

describe("signing in refuses", () => {
  test.each<[string, () => object]>([
    ["a key that is unknown", () => ({ key: env.TEST_API_KEY.replace(/.{9}$/, "000000000") })],
    ["what is no key", () => ({ key: "secret" })],
    ["a code that nobody made", () => ({ code: `umc_${"0".repeat(22)}` })],
    ["a wrong administrator's key", () => ({ admin_key: `${env.ADMIN_KEY}0` })],
    ["the administrator's key as a key", () => ({ key: env.ADMIN_KEY })],
    ["a key as the administrator's", () => ({ admin_key: env.TEST_API_KEY })],
    ["a key as a code", () => ({ code: env.TEST_API_KEY })],
  ])("%s, and gives no cookie", async (_, body) => {
    const response = await postSession(body());
    expect(await refusal(response)).toMatchObject({ status: 401, code: "unauthenticated" });
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  test.each<[string, object, string]>([
    ["nothing", {}, ""],
    ["two at once", { key: "a", code: "b" }, ""],
    ["a scope that is none", { key: "a", scopes: ["everything"] }, "/scopes/0"],
    ["a field that is none", { key: "a", remember: true }, "/remember"],
  ])("%s", async (_, body, pointer) => {
    const problem = await refusal(await postSession(body));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    expect(problem.errors.map((error) => error.pointer)).toEqual([pointer]);
  });

  test("a scope that the key has not, or that is the administrator's", async () => {
    const { key } = await openAccount({ scopes: ["ask"] });
    for (const scope of ["usage", "admin"]) {
      const problem = await refusal(await postSession({ key, scopes: ["answers", scope] }));
      expect(problem.errors).toMatchObject([{ pointer: "/scopes/1" }]);
    }
  });

  test("a client token, which sees its own questions alone", async () => {
    const made = await ask("/v1/client_tokens", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ spend_cap_micros: 10 }),
    });
    const { token }: { token: string } = await made.json();
    const problem = await refusal(await postSession({ key: token }));
    expect(problem.errors).toMatchObject([{ pointer: "/key" }]);
    const code = await ask("/v1/sign_in_codes", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: "{}",
    });
    expect(await refusal(code)).toMatchObject({ status: 403, code: "key_required" });
  });

  test("plain HTTP from anywhere but this machine, where the cookie would travel in the clear", async () => {
    const { key } = await openAccount();
    for (const site of ["http://unmask.test", "http://localhost.unmask.test", "http://10.0.0.1"])
      expect(await refusal(await postSession({ key }, {}, site))).toMatchObject({
        status: 403,
        code: "https_required",
      });
  });

  test.each<[string, Record<string, string>]>([
    ["another site's page", { "sec-fetch-site": "cross-site" }],
    ["a page of another host of the same site", { "sec-fetch-site": "same-site" }],
    ["another origin", { "sec-fetch-site": "same-origin", origin: "https://evil.test" }],
    ["a page without an origin", { origin: "null" }],
  ])("%s, which would sign somebody in as somebody else", async (_, headers) => {
    const { key } = await openAccount();
    expect(await refusal(await postSession({ key }, headers))).toMatchObject({
      status: 403,
      code: "session_forged",
    });
  });

  test("a code a second time, and after ten minutes", async () => {
    const made = await administer("POST", "/v1/sign_in_codes", { account: "acc_test" });
    const { code }: SignInCodeBody = await made.json();
    const statuses = await Promise.all([postSession({ code }), postSession({ code })]);
    expect(statuses.map(({ status }) => status).toSorted()).toEqual([201, 401]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const late: SignInCodeBody = await (
      await administer("POST", "/v1/sign_in_codes", { account: "acc_test" })
    ).json();
    vi.setSystemTime(Date.parse(late.expires_at));
    expect((await postSession({ code: late.code })).status).toBe(401);
  });

  test("a code whose key was revoked in between", async () => {
    const { key, id } = await newKey();
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const made = await ask("/v1/sign_in_codes", { method: "POST", headers, body: "{}" });
    const { code }: SignInCodeBody = await made.json();
    await administer("DELETE", `/v1/keys/${id}`);
    expect((await postSession({ code })).status).toBe(401);
  });

  test.each<[string, object, string]>([
    ["another account", { account: "acc_other" }, "/account"],
    ["the administration", { role: "administrator" }, "/role"],
  ])("a key a code for %s", async (_, body, pointer) => {
    const headers = { "content-type": "application/json" };
    const made = await ask("/v1/sign_in_codes", {
      ...{ method: "POST", headers, body: JSON.stringify(body) },
    });
    expect((await refusal(made)).errors).toMatchObject([{ pointer }]);
  });

  test("the administrator a code for nobody, or for an account that is not there", async () => {
    for (const body of [
      {},
      { account: "acc_nobody" },
      { account: "acc_test", role: "administrator" },
    ])
      expect(
        (await refusal(await administer("POST", "/v1/sign_in_codes", body))).errors,
      ).toMatchObject([{ pointer: "/account" }]);
  });
});

describe("a session refuses", () => {
  test("to ask a question, make a client token, or anything that is not the dashboard's", async () => {
    const { send } = await signIn({ key: env.TEST_API_KEY });
    const question = { question: "What is it?", canvas: 4 };
    for (const [path, body] of [
      ["/v1/answers", question],
      ["/v1/batches", { items: [question] }],
      ["/v1/quotes", question],
      ["/v1/client_tokens", { spend_cap_micros: 10 }],
      ["/v1/sign_in_codes", {}],
    ] as const)
      expect((await send("POST", path, body)).status).toBeGreaterThanOrEqual(401);
    expect((await send("GET", "/v1/batches")).status).toBe(401);
  });

  test("the administration to an account's session", async () => {
    const { send } = await signIn({ key: env.TEST_API_KEY });
    for (const path of ["/v1/accounts", "/v1/accounts/acc_test/grants"])
      expect((await send(path.endsWith("grants") ? "POST" : "GET", path)).status).toBe(403);
  });

  test.each<[string, Record<string, string>, string]>([
    ["without our header", { "sec-fetch-site": "same-origin" }, "X-Unmask-Session"],
    ["from another site", { ...page, "sec-fetch-site": "cross-site" }, "Origin"],
    ["from another host of the same site", { ...page, "sec-fetch-site": "same-site" }, "Origin"],
    ["from another origin", { "x-unmask-session": "1", origin: "https://evil.test" }, "Origin"],
    ["by hand", { ...page, "sec-fetch-site": "none" }, "Origin"],
    ["without a word of where it comes from", { "x-unmask-session": "1" }, "Origin"],
  ])("a change %s", async (_, headers, word) => {
    const { cookie, send } = await signIn({ key: (await openAccount()).key });
    const problem = await refusal(
      await withCookie(cookie, "DELETE", "/v1/session", undefined, headers),
    );
    expect(problem).toMatchObject({ status: 403, code: "session_forged" });
    expect(problem.detail).toContain(word);
    expect((await send("GET", "/v1/session")).status).toBe(200);
  });

  test("even to be read by another site's page", async () => {
    const { cookie } = await signIn({ key: (await openAccount()).key });
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.test" }]) {
      const response = await withCookie(cookie, "GET", "/v1/account", undefined, headers);
      expect(await refusal(response)).toMatchObject({ code: "session_forged" });
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  test("who has none, who has another's id for one, and over plain HTTP a cookie for HTTPS", async () => {
    const { session } = await signIn({ key: (await openAccount()).key });
    const none = await withCookie("a=b", "GET", "/v1/session");
    expect(await refusal(none)).toMatchObject({ status: 401, code: "unauthenticated" });
    const guess = await withCookie(`__Host-unmask_session=${session.id}`, "GET", "/v1/session");
    expect(await refusal(guess)).toMatchObject({ status: 401, code: "session_ended" });
    expect(guess.headers.get("set-cookie")).toMatch(/Max-Age=0/);
  });
});

describe("a session ends", () => {
  test("when its key is revoked, at once", async () => {
    const { key, id } = await newKey();
    const { send } = await signIn({ key });
    expect((await send("GET", "/v1/account")).status).toBe(200);
    await administer("DELETE", `/v1/keys/${id}`);
    expect(await refusal(await send("GET", "/v1/account"))).toMatchObject({
      status: 401,
      code: "session_ended",
    });
  });

  test("with the secret that opened it: at the end of a rotation's overlap", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const old = await newKey();
    const { send } = await signIn({ key: old.key });
    await administer("POST", `/v1/keys/${old.id}/rotate`, { overlap_seconds: 60 });
    expect((await send("GET", "/v1/account")).status).toBe(200);
    vi.setSystemTime(Date.now() + 61_000);
    expect((await send("GET", "/v1/account")).status).toBe(401);
  });

  test("with the administrator's key that opened it", async () => {
    const { cookie } = await signIn({ admin_key: env.ADMIN_KEY });
    const { send } = await signIn({ admin_key: env.ADMIN_KEY });
    expect((await send("GET", "/v1/accounts?limit=1")).status).toBe(200);
    const { ADMIN_KEY: _, ...closed } = env;
    for (const bindings of [closed, { ...closed, ADMIN_KEY: "0".repeat(32) }]) {
      const init = { headers: { ...page, cookie } };
      const response = await app.request(`${SITE}/v1/accounts`, init, bindings);
      expect(response.status).toBe(401);
    }
  });

  test("half an hour after its last use, and after twelve hours however often it was used", async () => {
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    const { key } = await openAccount();
    const [idle, busy] = [await signIn({ key }), await signIn({ key })];
    for (let minutes = 29; minutes < 12 * 60; minutes += 29) {
      vi.setSystemTime(start + minutes * 60_000);
      expect((await busy.send("GET", "/v1/session")).status).toBe(200);
      if (minutes > 30) expect((await idle.send("GET", "/v1/session")).status).toBe(401);
    }
    vi.setSystemTime(start + 12 * 3_600_000);
    expect((await busy.send("GET", "/v1/session")).status).toBe(401);
  });
});
