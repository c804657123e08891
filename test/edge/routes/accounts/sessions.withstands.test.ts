import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { AccountTable } from "#edge/accounts/account-store.ts";
import { refusal } from "../../function-double.ts";
import { administer, openAccount } from "../administration.ts";
import { postSession, signIn, withCookie } from "../sessions.ts";

afterEach(() => vi.useRealTimers());

describe("signing in withstands", () => {
  test("guesses: after ten from one network none is looked at for ten minutes, right ones neither", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { key } = await openAccount();
    const from = { "cf-connecting-ip": "2001:db8:7::1" };
    const guess = { code: `umc_${"1".repeat(22)}` };
    for (let count = 0; count < 10; count += 1)
      expect((await postSession(guess, from)).status).toBe(401);
    const neighbour = { "cf-connecting-ip": "2001:db8:7:0:ffff::2" };
    for (const [body, headers] of [
      [guess, from],
      [{ key }, neighbour],
    ] as const) {
      const response = await postSession(body, headers);
      expect(response.headers.get("retry-after")).toBe("600");
      expect(await refusal(response)).toMatchObject({ status: 429, code: "too_many_attempts" });
    }
    expect((await postSession({ key }, { "cf-connecting-ip": "2001:db8:8::1" })).status).toBe(201);
    vi.setSystemTime(Date.now() + 600_000);
    expect((await postSession({ key }, from)).status).toBe(201);
  });

  test("a look at its tables: they hold no cookie, no code, no key and no address", async () => {
    const { key } = await openAccount();
    const from = { "cf-connecting-ip": "203.0.113.77" };
    await postSession({ code: "umc_wrong" }, from);
    const { cookie } = await signIn({ key });
    const tables = await Promise.all(
      ["sessions", "sign_in_codes", "sign_in_failures"].map((table) =>
        env.DB.prepare(`SELECT * FROM ${table}`).all(),
      ),
    );
    const text = JSON.stringify(tables.map(({ results }) => results));
    const secret = key.split("_")[3] ?? "";
    for (const word of [cookie.split("=")[1] ?? "", secret, "203.0.113.77"]) {
      expect(word).not.toBe("");
      expect(text).not.toContain(word);
    }
  });

  test("cookies that are none: SQL, megabytes, many of them", async () => {
    for (const value of ["' OR 1=1 --", "x".repeat(8_000), "%00%ff"]) {
      const cookie = `__Host-unmask_session=${encodeURIComponent(value)}`;
      expect((await withCookie(cookie, "GET", "/v1/account")).status).toBe(401);
    }
    const { cookie, send } = await signIn({ key: (await openAccount()).key });
    const two = await withCookie(`${cookie}; __Host-unmask_session=x`, "GET", "/v1/session");
    expect([200, 401]).toContain(two.status);
    expect((await send("GET", "/v1/session")).status).toBe(200);
  });

  test("the loss of its account: it is over, and never the administrator's", async () => {
    const { id: account } = await openAccount();
    const made = await administer("POST", "/v1/sign_in_codes", { account });
    const { code } = await made.json<{ code: string }>();
    const { send } = await signIn({ code });
    expect((await send("GET", "/v1/keys")).status).toBe(200);
    const gone = vi.spyOn(AccountTable.prototype, "find").mockResolvedValue(undefined);
    expect((await refusal(await send("GET", "/v1/keys"))).code).toBe("session_ended");
    gone.mockRestore();
  });

  test("another account's session: what it names is not there", async () => {
    const [mine, theirs] = [await openAccount(), await openAccount()];
    const [own, other] = [await signIn({ key: mine.key }), await signIn({ key: theirs.key })];
    expect((await own.send("DELETE", `/v1/sessions/${other.session.id}`)).status).toBe(404);
    await own.send("DELETE", "/v1/sessions");
    expect((await other.send("GET", "/v1/session")).status).toBe(200);
  });
});
