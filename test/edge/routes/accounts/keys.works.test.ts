import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { accountListSchema, accountSchema, grantedSchema } from "#wire/api/accounts/accounts.ts";
import { keyListSchema, keySchema, newKeySchema } from "#wire/api/accounts/keys.ts";
import { ledgerListSchema } from "#wire/api/accounts/usage.ts";
import { ask } from "../../function-double.ts";
import { administer, newKey, statusWith } from "../administration.ts";

afterEach(() => vi.useRealTimers());

describe("the administration works", () => {
  test("from an account and a grant to a key that shows the ledger", async () => {
    const opened = await administer("POST", "/v1/accounts", { id: "acc_walk", name: "Ada" });
    expect(opened.status).toBe(201);
    expect(accountSchema.parse(await opened.json())).toMatchObject({
      id: "acc_walk",
      limits: { requests_per_minute: 1200 },
    });
    const grant = { id: "grt_walk", amount_micros: 1_000_000 };
    for (const repeated of [false, true]) {
      const granted = await administer("POST", "/v1/accounts/acc_walk/grants", grant);
      expect(grantedSchema.parse(await granted.json())).toMatchObject({ ...grant, repeated });
    }
    const { key } = await newKey({ account: "acc_walk" });
    const listed = await ask("/v1/ledger", { headers: { authorization: `Bearer ${key}` } });
    const { data } = ledgerListSchema.parse(await listed.json());
    expect(data).toMatchObject([
      { kind: "grant", amount_micros: 1_000_000, available_micros: 1_000_000 },
    ]);
  });

  test("keeps of a secret only its digest", async () => {
    const { key, id } = await newKey();
    const row = await env.DB.prepare("SELECT * FROM keys WHERE id = ?").bind(id).first();
    const [, , , secret = ""] = key.split("_");
    expect(secret).toHaveLength(43);
    expect(JSON.stringify(row)).not.toContain(secret);
    const listed = await administer("GET", "/v1/keys?account=acc_test&limit=100");
    expect(await listed.text()).not.toContain(secret);
  });

  test("with pages that lead on by their Link until nothing is left", async () => {
    await administer("POST", "/v1/accounts", { id: "acc_pages", name: "Pages" });
    const made: string[] = [];
    for (const name of ["a", "b", "c"])
      made.push((await newKey({ account: "acc_pages", name })).id);
    const seen: string[] = [];
    let path: string | undefined = "/v1/keys?account=acc_pages&limit=2";
    while (path !== undefined) {
      const response = await administer("GET", path);
      seen.push(...keyListSchema.parse(await response.json()).data.map(({ id }) => id));
      path = /^<(.+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
    }
    expect(seen.toSorted()).toEqual(made.toSorted());
    const accounts = await administer("GET", "/v1/accounts?limit=1");
    expect(accountListSchema.parse(await accounts.json())).toMatchObject({ has_more: true });
  });

  test("both secrets open during a rotation's overlap, one after it", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const old = await newKey();
    const response = await administer("POST", `/v1/keys/${old.id}/rotate`, { overlap_seconds: 60 });
    const fresh = newKeySchema.parse(await response.json());
    expect(fresh.id).toBe(old.id);
    expect([await statusWith(old.key), await statusWith(fresh.key)]).toEqual([200, 200]);
    vi.setSystemTime(Date.now() + 61_000);
    expect([await statusWith(old.key), await statusWith(fresh.key)]).toEqual([401, 200]);
  });

  test("a rotation without overlap ends the old secret", async () => {
    const old = await newKey();
    await administer("POST", `/v1/keys/${old.id}/rotate`, { overlap_seconds: 0 });
    expect(await statusWith(old.key)).toBe(401);
  });

  test("restrictions replace what they name and nothing else", async () => {
    const key = await newKey({ limits: { spend_per_day_micros: 5 } });
    const response = await administer("PATCH", `/v1/keys/${key.id}`, {
      scopes: ["ask"],
      limits: { concurrent: 1 },
    });
    expect(keySchema.parse(await response.json())).toMatchObject({
      scopes: ["ask"],
      limits: { concurrent: 1, spend_per_day_micros: 5, requests_per_minute: 600 },
    });
    expect(await statusWith(key.key)).toBe(403);
  });

  test("a key ends at its time", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const expires_at = new Date(Date.now() + 10_000).toISOString();
    const { key } = await newKey({ expires_at });
    expect(await statusWith(key)).toBe(200);
    vi.setSystemTime(Date.now() + 10_000);
    expect(await statusWith(key)).toBe(401);
  });

  test("a revoked key is refused at once where it was revoked", async () => {
    const { key, id } = await newKey();
    expect(await statusWith(key)).toBe(200);
    const revoked = await administer("DELETE", `/v1/keys/${id}`);
    expect(keySchema.parse(await revoked.json()).revoked_at).not.toBeNull();
    expect(await statusWith(key)).toBe(401);
  });
});
