import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { readWebhook, WebhookError } from "#client/webhooks.ts";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const body = JSON.stringify({
  type: "answer.completed",
  timestamp: "2026-01-01T00:00:00Z",
  data: {},
});

/** A webhook signed by the reference implementation. */
function sent(at: Date, text: string = body, signed: string = body): Request {
  const headers = {
    "webhook-id": "evt_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("evt_1", at, signed),
  };
  return new Request("https://receiver.test/", { method: "POST", body: text, headers });
}

describe("a receiver of webhooks", () => {
  test("reads what the service signed, with the present secret or the one before", async () => {
    expect(await readWebhook(sent(new Date()), secret)).toMatchObject({ type: "answer.completed" });
    const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
    expect(await readWebhook(sent(new Date()), [other, secret])).toBeDefined();
  });

  test("without a secret nothing is read, and it is said why", async () => {
    for (const missing of [undefined, "", []])
      await expect(readWebhook(sent(new Date()), missing)).rejects.toThrow("no secret or key");
  });

  test("refuses other bytes that read as the same text", async () => {
    const { headers } = sent(new Date());
    const marked = new Request("https://receiver.test/", {
      ...{ method: "POST", headers },
      body: new Blob([new Uint8Array([0xef, 0xbb, 0xbf]), body]),
    });
    await expect(readWebhook(marked, secret)).rejects.toBeInstanceOf(WebhookError);
    const broken = new Request("https://receiver.test/", {
      ...{ method: "POST", headers },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    });
    await expect(readWebhook(broken, secret)).rejects.toBeInstanceOf(WebhookError);
  });

  test("refuses what is signed and is no JSON, by its own kind of error", async () => {
    const said = readWebhook(sent(new Date(), "ping", "ping"), secret);
    await expect(said).rejects.toThrow(WebhookError);
    await expect(said).rejects.toThrow(/no JSON/);
  });

  test("refuses another body, an old message, another secret, and none", async () => {
    const now = new Date();
    const old = new Date(now.getTime() - 10 * 60_000);
    await expect(readWebhook(sent(now, `${body} `), secret)).rejects.toBeInstanceOf(WebhookError);
    await expect(readWebhook(sent(old), secret)).rejects.toBeInstanceOf(WebhookError);
    await expect(readWebhook(sent(now), [])).rejects.toBeInstanceOf(WebhookError);
  });
});
