import { afterEach, describe, expect, test, vi } from "vitest";
import {
  endpointListSchema,
  endpointSchema,
  newEndpointSchema,
  webhookSecretSchema,
} from "#wire/api/webhooks/endpoints.ts";
import { verifyMessage } from "#wire/codec/standard-webhooks.ts";
import {
  deliveriesOf,
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  tell,
  tried,
  webhookOwner,
} from "../webhook-calls.ts";

afterEach(async () => {
  await silenceWebhooks();
  vi.restoreAllMocks();
});

describe("a webhook endpoint works", () => {
  test("is created with a secret that is shown this once", async () => {
    const owner = await webhookOwner();
    const made = await endpointOf(owner, { events: ["answer.completed", "credit.low"] });
    expect(made).toMatchObject({
      object: "webhook_endpoint",
      url: "https://shop.example/hooks",
      events: ["answer.completed", "credit.low"],
      signing: "hmac",
      public_key: null,
      enabled: true,
      disabled_reason: null,
    });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const shown = await owner.call("GET", `webhook_endpoints/${made.id}`);
    const text = await shown.text();
    expect(text).not.toContain("whsec_");
    const { secret: _, ...rest } = made;
    expect(endpointSchema.parse(JSON.parse(text))).toEqual(rest);
  });

  test("is listed, changed and deleted", async () => {
    const owner = await webhookOwner();
    const { id } = await endpointOf(owner);
    await endpointOf(owner, { url: "https://two.example/" });
    const listed = endpointListSchema.parse(
      await (await owner.call("GET", "webhook_endpoints")).json(),
    );
    expect(listed.data.map(({ url }) => url)).toEqual([
      "https://shop.example/hooks",
      "https://two.example/",
    ]);
    const change = { url: "https://new.example/", events: ["batch.completed"], enabled: false };
    const changed = await owner.call("PATCH", `webhook_endpoints/${id}`, change);
    expect(await changed.json()).toMatchObject({ ...change, disabled_reason: "owner" });
    const enabled = await owner.call("PATCH", `webhook_endpoints/${id}`, { enabled: true });
    expect(await enabled.json()).toMatchObject({ enabled: true, disabled_reason: null });
    expect((await owner.call("DELETE", `webhook_endpoints/${id}`)).status).toBe(204);
    expect((await owner.call("GET", `webhook_endpoints/${id}`)).status).toBe(404);
  });

  test("hears what it asked for, signed with its secret, through a ticketed fetch", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(204));
    const { secret } = await endpointOf(owner, { events: ["answer.partial"] });
    await tell(owner.account);
    const notice = await tell(owner.account, { type: "answer.partial" });
    await tried(owner);
    expect(sent).toHaveLength(1);
    const [delivery] = sent;
    expect(delivery).toMatchObject({
      path: "/v1/fetch",
      purpose: "webhook",
      url: "https://shop.example/hooks",
    });
    expect(delivery?.headers["webhook-id"]).toBe(notice);
    const headers = new Headers(delivery?.headers);
    const body = delivery?.body ?? "";
    expect(await verifyMessage(headers, body, [secret ?? ""], Date.now())).toBe(true);
    expect(JSON.parse(body)).toMatchObject({ type: "answer.partial", data: { answer: "A dog." } });
  });

  test("is signed with both secrets for a day after a rotation", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    const { id, secret } = await endpointOf(owner);
    const response = await owner.call("POST", `webhook_endpoints/${id}/rotate_secret`);
    const rotated = newEndpointSchema.parse(await response.json());
    expect(rotated.secret).not.toBe(secret);
    const hours = (Date.parse(rotated.previous_secret_expires_at ?? "") - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(24);
    await tell(owner.account);
    await tried(owner);
    const headers = new Headers(sent[0]?.headers);
    for (const known of [secret, rotated.secret])
      expect(await verifyMessage(headers, sent[0]?.body ?? "", [known ?? ""], Date.now())).toBe(
        true,
      );
  });

  test("with Ed25519 shows the public key at any time and the private one never", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    const made = await endpointOf(owner, { signing: "ed25519" });
    expect([made.secret, made.public_key?.slice(0, 5)]).toEqual([null, "whpk_"]);
    const shown = await (await owner.call("GET", `webhook_endpoints/${made.id}`)).text();
    expect(shown).toContain(made.public_key);
    expect(shown).not.toContain("whsk_");
    await tell(owner.account);
    await tried(owner);
    const headers = new Headers(sent[0]?.headers);
    const keys = [made.public_key ?? ""];
    expect(await verifyMessage(headers, sent[0]?.body ?? "", keys, Date.now())).toBe(true);
  });

  test("is sent a sample, which the log shows beside everything else", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    const { id } = await endpointOf(owner, { events: ["batch.completed"] });
    expect((await owner.call("POST", `webhook_endpoints/${id}/test`)).status).toBe(202);
    const delivery = await tried(owner);
    expect(delivery).toMatchObject({ endpoint: id, event: "answer.completed" });
    expect(JSON.parse(sent[0]?.body ?? "").data).toMatchObject({ test: true });
  });

  test("that answers 410 is disabled, and the others are told", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, ({ url }) => replied(url.includes("gone") ? 410 : 200));
    const gone = await endpointOf(owner, { url: "https://gone.example/" });
    await endpointOf(owner, { events: ["webhook_endpoint.disabled"] });
    await tell(owner.account);
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(JSON.parse(sent[1]?.body ?? "")).toMatchObject({
      type: "webhook_endpoint.disabled",
      data: { id: gone.id, url: "https://gone.example/", reason: "gone" },
    });
    const shown = await owner.call("GET", `webhook_endpoints/${gone.id}`);
    expect(await shown.json()).toMatchObject({ enabled: false, disabled_reason: "gone" });
    expect((await deliveriesOf(owner, "?status=failed")).map(({ endpoint }) => endpoint)).toEqual([
      gone.id,
    ]);
  });
});

describe("the account's own webhook secret works", () => {
  test("is the same until it is rotated, and then both sign for a day", async () => {
    const owner = await webhookOwner();
    const read = async (method: string, path: string) =>
      webhookSecretSchema.parse(await (await owner.call(method, path)).json());
    const first = await read("GET", "webhook_secret");
    expect(await read("GET", "webhook_secret")).toEqual(first);
    const second = await read("POST", "webhook_secret/rotate");
    expect(second.secret).not.toBe(first.secret);
    expect(second.previous_secret_expires_at).not.toBeNull();
    expect(await read("GET", "webhook_secret")).toEqual(second);
  });
});
