import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { MAX_ENDPOINTS } from "#wire/api/webhooks/endpoints.ts";
import { ask, askJson, functionReplies, refusal } from "../../function-double.ts";
import { newKey } from "../administration.ts";
import { endpointOf, silenceWebhooks, type WebhookOwner, webhookOwner } from "../webhook-calls.ts";

afterEach(silenceWebhooks);

let known: Promise<{ readonly owner: WebhookOwner; readonly id: string }> | undefined;

/** An account with an endpoint, the same for all addresses that are refused: a first endpoint takes its time to be confirmed. */
async function ownerWithEndpoint(): Promise<{ readonly owner: WebhookOwner; readonly id: string }> {
  known ??= webhookOwner().then(async (owner) => ({ owner, id: (await endpointOf(owner)).id }));
  return await known;
}

describe("/v1/webhook_endpoints refuses", () => {
  test.each([
    ["plain text", "hello"],
    ["another scheme", "ftp://shop.example/"],
    ["a script", "javascript:alert(1)"],
    ["a file", "file:///etc/passwd"],
    ["a user name", "https://ada@shop.example/"],
    ["a password", "https://ada:secret@shop.example/"],
    ["nothing", ""],
    ["followed by a fragment", "https://shop.example/#hooks"],
    ["plain http", "http://shop.example/"],
    ["on a port of somebody's database", "https://shop.example:5432/"],
    ["private", "https://192.168.0.1/"],
    ["private in another spelling", "https://0x7f.1/"],
    ["where clouds keep their secrets", "https://169.254.169.254/"],
    ["on this machine", "https://localhost/"],
    ["more than 2,048 characters", `https://shop.example/${"a".repeat(2048)}`],
  ])("an address that is %s, and names the field", async (_, url) => {
    const { owner, id } = await ownerWithEndpoint();
    const problem = await refusal(await owner.call("POST", "webhook_endpoints", { url }));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    expect(problem.errors?.[0]?.pointer).toBe("/url");
    const changed = await owner.call("PATCH", `webhook_endpoints/${id}`, { url });
    expect(await refusal(changed)).toMatchObject({ code: "invalid_request" });
  });

  test.each([
    ["an event that there is not", { events: ["answer.dreamed"] }, "/events/0"],
    ["no event at all", { events: [] }, "/events"],
    ["a signature that there is not", { signing: "rsa" }, "/signing"],
    ["a field that there is not", { secret: "whsec_mine" }, "/secret"],
  ])("%s", async (_, fields, pointer) => {
    const owner = await webhookOwner();
    const body = { url: "https://shop.example/", ...fields };
    const problem = await refusal(await owner.call("POST", "webhook_endpoints", body));
    expect(problem.errors?.[0]?.pointer).toBe(pointer);
  });

  test.each<[string, (webhook: unknown) => Promise<Response>]>([
    ["an answer", (webhook) => askJson({ question: "What is this?", webhook })],
    [
      "a batch",
      (webhook) =>
        ask("/v1/batches", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ webhook, items: [{ custom_id: "a", question: "What is this?" }] }),
        }),
    ],
  ])(
    "%s whose webhook can never be delivered to, before anything is asked or paid for",
    async (_, send) => {
      const double = functionReplies(() => Response.json({}));
      const before = await ledgerOf(env, "acc_test").balance();
      const urls = ["http://shop.example/", "https://127.0.0.1/", "https://shop.example:9200/"];
      for (const url of urls)
        for (const webhook of [url, { url }]) {
          const problem = await refusal(await send(webhook));
          expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
          expect(problem.errors?.[0]).toMatchObject({
            pointer: "/webhook",
            message: expect.stringContaining("can never be delivered to"),
          });
        }
      expect(double.orders).toEqual([]);
      expect(await ledgerOf(env, "acc_test").balance()).toEqual(before);
    },
  );

  test("one endpoint more than an account may have", async () => {
    const owner = await webhookOwner();
    for (let index = 0; index < MAX_ENDPOINTS; index += 1) await endpointOf(owner);
    const body = { url: "https://shop.example/" };
    expect(await refusal(await owner.call("POST", "webhook_endpoints", body))).toMatchObject({
      code: "too_many_of",
    });
  });

  test("a key without the scope webhooks", async () => {
    const { key } = await newKey({ scopes: ["ask"] });
    for (const path of ["webhook_endpoints", "webhook_deliveries", "webhook_secret"]) {
      const response = await ask(`/v1/${path}`, { headers: { authorization: `Bearer ${key}` } });
      expect(await refusal(response)).toMatchObject({ status: 403, code: "scope_missing" });
    }
  });

  test("an endpoint that there is not, whatever is asked of it", async () => {
    const owner = await webhookOwner();
    for (const [method, path, body] of [
      ["GET", "", undefined],
      ["PATCH", "", {}],
      ["DELETE", "", undefined],
      ["POST", "/rotate_secret", undefined],
      ["POST", "/test", undefined],
    ] as const) {
      const response = await owner.call(method, `webhook_endpoints/whe_none${path}`, body);
      expect(await refusal(response)).toMatchObject({ status: 404, code: "not_found" });
    }
  });
});
