import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ask, refusal } from "../function-double.ts";
import { newKey, statusWith } from "../routes/administration.ts";

const shop = "https://shop.test";

describe("a browser", () => {
  test("is told what it may send before it has shown a key", async () => {
    const response = await ask("/v1/answers", {
      method: "OPTIONS",
      headers: { authorization: "", origin: shop, "access-control-request-method": "POST" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(shop);
    expect(response.headers.get("access-control-allow-headers")).toContain("idempotency-key");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  });

  test("may use a browser key from its origins and from nowhere else", async () => {
    const { key } = await newKey({ origins: [shop] });
    const from = async (origin?: string) =>
      await statusWith(key, origin === undefined ? {} : { origin });
    expect(await from(shop)).toBe(200);
    expect(await from("https://unmask.test")).toBe(200);
    expect(await from("https://shop.test.evil.test")).toBe(403);
    expect(await from("null")).toBe(403);
    expect(await from()).toBe(403);
  });

  test("may not use a server's key from another origin", async () => {
    expect(await statusWith(env.TEST_API_KEY, { origin: shop })).toBe(403);
    expect(await statusWith(env.TEST_API_KEY, { origin: "https://unmask.test" })).toBe(200);
  });

  test("may read why it was refused", async () => {
    const expired = await ask("/v1/ledger", { headers: { authorization: "", origin: shop } });
    expect(expired.headers.get("access-control-allow-origin")).toBe(shop);
    expect(expired.headers.get("vary")).toContain("origin");
    const foreign = await ask("/v1/ledger", { headers: { origin: shop } });
    expect(await refusal(foreign)).toMatchObject({
      code: "origin_forbidden",
      detail: "This key may not be used from https://shop.test.",
    });
  });
});
