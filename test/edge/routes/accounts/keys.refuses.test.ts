import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app } from "#edge/app.ts";
import type { Bindings } from "#edge/env.ts";
import { ask, refusal } from "../../function-double.ts";
import { administer, newKey } from "../administration.ts";

const routes: readonly [method: string, path: string][] = [
  ["POST", "/v1/accounts"],
  ["GET", "/v1/accounts"],
  ["PATCH", "/v1/accounts/acc_test"],
  ["POST", "/v1/accounts/acc_test/grants"],
  ["POST", "/v1/accounts/acc_test/refunds"],
  ["GET", "/v1/accounts/acc_test"],
  ["GET", "/v1/accounts/acc_test/ledger"],
  ["GET", "/v1/accounts/acc_test/usage"],
  ["GET", "/v1/functions"],
  ["GET", "/v1/payment_events"],
  ["POST", "/v1/payment_events/x/assign"],
  ["POST", "/v1/keys"],
  ["GET", "/v1/keys"],
  ["PATCH", "/v1/keys/x"],
  ["DELETE", "/v1/keys/x"],
  ["POST", "/v1/keys/x/rotate"],
];

describe("the administration refuses", () => {
  test.each(routes)("%s %s to a key, to nobody, and to a wrong admin key", async (method, path) => {
    const { key } = await newKey({ scopes: ["ask", "usage", "webhooks"] });
    const asKey = await ask(path, { method, headers: { authorization: `Bearer ${key}` } });
    // Keys may be given the scope to manage keys; there is none for accounts.
    expect((await refusal(asKey)).code).toBe(
      path.startsWith("/v1/keys") ? "scope_missing" : "unauthenticated",
    );
    for (const authorization of ["", `Bearer ${env.ADMIN_KEY}0`, "Bearer undefined"]) {
      const response = await ask(path, { method, headers: { authorization } });
      expect(await refusal(response)).toMatchObject({ status: 401, code: "unauthenticated" });
    }
  });

  test("everyone where no admin key is configured", async () => {
    const { ADMIN_KEY: _, ...rest } = env;
    const closed: Bindings = { ...rest };
    for (const authorization of ["", "Bearer undefined", `Bearer ${env.ADMIN_KEY}`]) {
      const response = await app.request("/v1/accounts", { headers: { authorization } }, closed);
      expect(response.status).toBe(401);
    }
  });

  test("neither of two admin keys while one replaces the other, and any third", async () => {
    const next = "uma_next".padEnd(40, "0");
    const both: Bindings = { ...env, ADMIN_KEY_NEXT: next };
    const statusOf = async (key: string): Promise<number> => {
      const headers = { authorization: `Bearer ${key}` };
      return (await app.request("/v1/accounts", { headers }, both)).status;
    };
    expect(await Promise.all([env.ADMIN_KEY, next, `${next}0`, ""].map(statusOf))).toEqual([
      ...[200, 200, 401, 401],
    ]);
    expect((await administer("GET", "/v1/accounts")).status).toBe(200);
  });

  test("the administrator's key where a caller's is needed", async () => {
    expect((await administer("GET", "/v1/usage")).status).toBe(401);
  });

  test.each<[string, string, object, string]>([
    ["POST", "/v1/keys", { account: "acc_test", colour: 1 }, "/colour"],
    ["POST", "/v1/keys", { account: "acc_nobody" }, "/account"],
    ["POST", "/v1/keys", { account: "acc_test", scopes: ["admin"] }, "/scopes/0"],
    ["POST", "/v1/keys", { account: "acc_test", limits: { rpm: 1 } }, "/limits/rpm"],
    ["POST", "/v1/keys", { account: "acc_test", origins: ["https://a.test/x"] }, "/origins/0"],
    ["POST", "/v1/accounts", { name: "" }, "/name"],
    ["POST", "/v1/accounts", { name: "A", id: "a b" }, "/id"],
    ["POST", "/v1/accounts/acc_test/grants", { amount_micros: 0 }, "/amount_micros"],
    ["POST", "/v1/accounts/acc_test/grants", { amount_micros: 0.5 }, "/amount_micros"],
    ["POST", "/v1/accounts/acc_test/grants", { amount_micros: 2 ** 53 }, "/amount_micros"],
  ])("%s %s with %j, naming %4$s", async (method, path, body, pointer) => {
    const problem = await refusal(await administer(method, path, body));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    expect(problem.errors.map((error) => error.pointer)).toContain(pointer);
  });

  test.each(["/v1/keys?account=acc_test&x=1", "/v1/accounts?x=1"])("%s", async (path) => {
    expect((await refusal(await administer("GET", path))).errors).toMatchObject([
      { pointer: "/x", message: "unknown field" },
    ]);
  });

  test.each(["x", "%25", "bm8", "WzEsMiwzXQ"])("the cursor %s", async (after) => {
    const problem = await refusal(await administer("GET", `/v1/accounts?after=${after}`));
    expect(problem.errors).toMatchObject([{ pointer: "/after" }]);
  });

  test("an account whose id is taken", async () => {
    const response = await administer("POST", "/v1/accounts", { id: "acc_test", name: "B" });
    expect(await refusal(response)).toMatchObject({ status: 409, code: "already_exists" });
  });

  test("to grant to, change or revoke what is not there, or to bring back what is revoked", async () => {
    const { id } = await newKey();
    await administer("DELETE", `/v1/keys/${id}`);
    const refused = [
      await administer("POST", "/v1/accounts/acc_none/grants", { amount_micros: 1 }),
      await administer("PATCH", "/v1/keys/none", {}),
      await administer("DELETE", "/v1/keys/none"),
      await administer("PATCH", `/v1/keys/${id}`, { expires_at: null }),
      await administer("POST", `/v1/keys/${id}/rotate`, {}),
    ];
    for (const response of refused)
      expect(await refusal(response)).toMatchObject({ status: 404, code: "not_found" });
  });
});
