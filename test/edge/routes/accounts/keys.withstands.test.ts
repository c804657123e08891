import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ask, refusal } from "../../function-double.ts";
import { administer, newKey, statusWith } from "../administration.ts";

describe("the administration withstands", () => {
  test("SQL in every place that takes text", async () => {
    const attack = "x'); DROP TABLE keys; --";
    await administer("POST", "/v1/accounts", { name: attack });
    await newKey({ name: attack, models: [attack] });
    await administer("GET", `/v1/keys?account=${encodeURIComponent(attack)}`);
    await administer("DELETE", `/v1/keys/${encodeURIComponent(attack)}`);
    await ask(`/v1/usage?model=${encodeURIComponent(attack)}`);
    expect(await statusWith(env.TEST_API_KEY)).toBe(200);
  });

  test("the same account opened twice at once: one is opened", async () => {
    const racing = Array.from({ length: 8 }, () =>
      administer("POST", "/v1/accounts", { id: "acc_race", name: "Race" }),
    );
    const statuses = (await Promise.all(racing)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([201, ...Array(7).fill(409)]);
  });

  test("a rotation that races a revocation: the key stays revoked", async () => {
    const { id, key } = await newKey();
    const [, rotated] = await Promise.all([
      administer("DELETE", `/v1/keys/${id}`),
      administer("POST", `/v1/keys/${id}/rotate`, {}),
    ]);
    const { key: fresh = key }: { key?: string } = await rotated.json();
    expect([await statusWith(key), await statusWith(fresh)]).toEqual([401, 401]);
  });

  test("bodies that are no JSON, or of another type", async () => {
    const headers = { authorization: `Bearer ${env.ADMIN_KEY}` };
    const text = await ask("/v1/keys", { method: "POST", headers, body: "account=1" });
    expect(await refusal(text)).toMatchObject({ status: 415 });
    const broken = await ask("/v1/keys", {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: "[".repeat(100_000),
    });
    expect(await refusal(broken)).toMatchObject({ status: 400 });
  });

  test("a path that only begins like the administration's", async () => {
    expect((await ask("/v1/keysx", { headers: { authorization: "" } })).status).toBe(401);
    expect((await ask("/v1/keys/", { headers: { authorization: "" } })).status).toBe(401);
  });
});
