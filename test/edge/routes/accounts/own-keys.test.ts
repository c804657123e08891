import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { functionListSchema } from "#wire/api/accounts/administration.ts";
import type { KeyBody, NewKeyBody } from "#wire/api/accounts/keys.ts";
import { keyListSchema, newKeySchema } from "#wire/api/accounts/keys.ts";
import { refusalListSchema } from "#wire/api/accounts/refusals.ts";
import { ask, digest, functionReplies, refusal } from "../../function-double.ts";
import { administer, newKey, openAccount, statusWith } from "../administration.ts";
import { signIn } from "../sessions.ts";

const FUNCTIONS = "/v1/functions";

afterEach(() => vi.restoreAllMocks());

async function as(key: string, method: string, path: string, body?: object): Promise<Response> {
  return await ask(path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const managing = {
  scopes: ["ask", "usage", "keys"],
  models: ["unmask-demo"],
  limits: { spend_per_day_micros: 1000 },
} as const;

describe("a key that may manage keys", () => {
  test("makes, lists, restricts, rotates and revokes those of its account", async () => {
    const { id: account, key } = await openAccount(managing);
    const made = await as(key, "POST", "/v1/keys", { name: "shop" });
    expect(made.status).toBe(201);
    const shop = newKeySchema.parse(await made.json());
    expect(shop).toMatchObject({
      ...{ account, scopes: ["ask", "usage"], models: ["unmask-demo"], last_used_at: null },
      limits: { spend_per_day_micros: 1000 },
    });
    expect(await statusWith(shop.key)).toBe(200);
    const path = `/v1/keys/${shop.id}`;
    await as(key, "PATCH", path, { limits: { spend_per_day_micros: 10 } });
    const rotated = await as(key, "POST", `${path}/rotate`, { overlap_seconds: 0 });
    const { key: fresh }: NewKeyBody = await rotated.json();
    expect([await statusWith(shop.key), await statusWith(fresh)]).toEqual([401, 200]);
    const { data } = keyListSchema.parse(await (await as(key, "GET", "/v1/keys")).json());
    expect(data.map(({ name }) => name)).toEqual(["key", "shop"]);
    expect((await as(key, "DELETE", path)).status).toBe(200);
    expect(await statusWith(fresh)).toBe(401);
  });

  test.each<[string, object, string]>([
    ["more scopes", { scopes: ["webhooks"] }, "/scopes/0"],
    ["another model", { models: ["other"] }, "/models/0"],
    ["all models", { models: null }, "/models"],
    ["more spending", { limits: { spend_per_day_micros: 1001 } }, "/limits/spend_per_day_micros"],
    [
      "spending without a limit",
      { limits: { spend_per_day_micros: null } },
      "/limits/spend_per_day_micros",
    ],
    ["another account", { account: "acc_test" }, "/account"],
  ])("gives none %s than it has itself", async (_, fields, pointer) => {
    const { key } = await openAccount(managing);
    const problem = await refusal(await as(key, "POST", "/v1/keys", fields));
    expect(problem.errors).toMatchObject([{ pointer }]);
  });

  test("touches none that may do more, except to take it away; nor another account's", async () => {
    const { id: account, key } = await openAccount(managing);
    const strong = await newKey({ account, scopes: ["webhooks"] });
    const path = `/v1/keys/${strong.id}`;
    for (const response of [
      await as(key, "POST", `${path}/rotate`, {}),
      await as(key, "PATCH", path, { name: "mine" }),
    ])
      expect(await refusal(response)).toMatchObject({ status: 403, code: "key_stronger" });
    expect((await as(key, "DELETE", path)).status).toBe(200);
    const { id: foreign } = await newKey();
    for (const method of ["DELETE", "PATCH"])
      expect((await as(key, method, `/v1/keys/${foreign}`, {})).status).toBe(404);
  });

  test("stands behind a session, and so does the administrator's code", async () => {
    const { id: account, key } = await openAccount(managing);
    const made = await administer("POST", "/v1/sign_in_codes", { account });
    const { code }: { code: string } = await made.json();
    for (const browser of [await signIn({ key }), await signIn({ code })]) {
      expect((await browser.send("POST", "/v1/keys", { name: "made" })).status).toBe(201);
      const listed = keyListSchema.parse(await (await browser.send("GET", "/v1/keys")).json());
      expect(listed.data.length).toBeGreaterThan(1);
    }
    const narrow = await signIn({ key, scopes: ["keys"] });
    const own = await narrow.send("POST", `/v1/keys/${narrow.session.key}/rotate`, {});
    expect(await refusal(own)).toMatchObject({ code: "key_stronger" });
  });

  test("is one of a hundred at most", async () => {
    const { id, key } = await openAccount(managing);
    await env.DB.prepare(
      `INSERT INTO keys (id, account_id, name, environment, secret_sha256, scopes, limits, created_at)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 98)
       SELECT account_id || i, account_id, name, environment, '', scopes, limits, created_at
       FROM keys, n WHERE account_id = ?`,
    )
      .bind(id)
      .run();
    expect((await as(key, "POST", "/v1/keys", {})).status).toBe(201);
    const problem = await refusal(await as(key, "POST", "/v1/keys", {}));
    expect(problem).toMatchObject({ status: 409, code: "too_many_of" });
  });
});

test("a key's last use is told, to ten minutes", async () => {
  const { id, key } = await newKey({ account: (await openAccount()).id });
  expect(await statusWith(key)).toBe(200);
  await vi.waitFor(async () => {
    const changed = await administer("PATCH", `/v1/keys/${id}`, {});
    const { last_used_at: at }: KeyBody = await changed.json();
    expect(Math.abs(Date.parse(at ?? "") - Date.now())).toBeLessThan(60_000);
  });
});

test("refusals are counted by day, key and code, and are their account's", async () => {
  const { key } = await openAccount({ scopes: ["usage"] });
  for (const _ of [1, 2, 3]) await as(key, "GET", "/v1/answers");
  await as(key, "GET", "/v1/usage?colour=1");
  await vi.waitFor(
    async () => {
      const listed = await as(key, "GET", "/v1/refusals");
      const { data } = refusalListSchema.parse(await listed.json());
      expect(data).toMatchObject([
        { code: "invalid_request", count: 1 },
        { code: "scope_missing", count: 3 },
      ]);
    },
    { timeout: 15_000, interval: 500 },
  );
  const csv = await as(key, "GET", "/v1/refusals?format=csv&code=scope_missing");
  expect(await csv.text()).toMatch(/^day,key,code,count\r\n[^\r]+,scope_missing,3\r\n$/);
});

test("the administrator sees an account's money, ledger and usage", async () => {
  const { id } = await openAccount();
  const shown = await administer("GET", `/v1/accounts/${id}`);
  expect(await shown.json()).toMatchObject({ id, balance: { available_micros: 1_000_000 } });
  const ledger = await administer("GET", `/v1/accounts/${id}/ledger?kind=grant`);
  expect(await ledger.json()).toMatchObject({ data: [{ kind: "grant" }] });
  expect((await administer("GET", `/v1/accounts/${id}/usage`)).status).toBe(200);
  for (const path of ["", "/ledger", "/usage"])
    expect((await administer("GET", `/v1/accounts/acc_none${path}`)).status).toBe(404);
});

describe("what functions say of themselves, to the administrator", () => {
  const status = {
    model: { name: "demo", version: "1", digest },
    ...{ state: "ready", loaded_bytes: 1, total_bytes: 1, eta_seconds: 0 },
    ...{ replace: false, reason: null },
  };
  const load = { running: 1, places: 2, queued: 3, queued_steps: 96 };
  const untold = { running: null, places: null, queued: null, queued_steps: null };

  test.each([
    ["is how far their weights are, and how much they have to do", { ...status, ...load }, load],
    ["of before lacks their load, and is told without it", status, untold],
  ])("%s", async (_, said, told) => {
    functionReplies(() => Response.json(said));
    const listed = functionListSchema.parse(await (await administer("GET", FUNCTIONS)).json());
    expect(listed.data).toEqual([
      { ...status, ...told, object: "function", url: expect.stringMatching(/^http/) },
    ]);
  });

  test("is that they cannot be reached, where they cannot", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    functionReplies(() => {
      throw new TypeError("connection refused");
    });
    const listed = functionListSchema.parse(await (await administer("GET", FUNCTIONS)).json());
    expect(listed.data).toMatchObject([{ state: "unreachable", ...untold }]);
  });
});
