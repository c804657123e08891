import { describe, expect, test } from "vitest";
import {
  deliveryReplySchema,
  type FetchOrder,
  fetchOrderSchema,
  MAX_DELIVERY_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_URL_LENGTH,
} from "#wire/function/fetch.ts";

const image: FetchOrder = { purpose: "image", url: "https://example.com/a.png", timeout_ms: 5_000 };
const webhook: FetchOrder = {
  purpose: "webhook",
  url: "https://example.com/hook",
  headers: { "webhook-id": "evt_1" },
  body: "{}",
  timeout_ms: 15_000,
};

describe("a fetch order", () => {
  test.each([image, webhook])("of $purpose is read as it was written", (order) => {
    expect(fetchOrderSchema.parse(JSON.parse(JSON.stringify(order)))).toEqual(order);
  });

  test.each<[string, object]>([
    ["of another purpose", { ...image, purpose: "anything" }],
    ["with a body for a picture", { ...image, body: "{}" }],
    ["without an address", { ...image, url: "" }],
    ["with an endless address", { ...image, url: "a".repeat(MAX_URL_LENGTH + 1) }],
    ["with no time", { ...image, timeout_ms: 0 }],
    ["with more than a minute", { ...image, timeout_ms: 60_001 }],
    ["with an endless body", { ...webhook, body: "a".repeat(MAX_DELIVERY_BYTES + 1) }],
    ["with a header that is no text", { ...webhook, headers: { "webhook-id": 1 } }],
  ])("%s is refused", (_, order) => {
    expect(fetchOrderSchema.safeParse(order).success).toBe(false);
  });
});

describe("a delivery's reply", () => {
  test.each([
    { outcome: "response", status: 204, retry_after: null, location: null, duration_ms: 12 },
    {
      ...{ outcome: "response", status: 500, retry_after: null, location: null, duration_ms: 12 },
      response: "no room",
    },
    { outcome: "failed", reason: "timeout", detail: "no answer within 15 s", duration_ms: 15_000 },
  ])("of $outcome is read as it was written", (reply) => {
    expect(deliveryReplySchema.parse(reply)).toEqual(reply);
  });

  test.each([
    { outcome: "response", status: 42, retry_after: null, location: null, duration_ms: 12 },
    {
      ...{ outcome: "response", status: 500, retry_after: null, location: null, duration_ms: 12 },
      response: "a".repeat(MAX_RESPONSE_BYTES + 1),
    },
    { outcome: "failed", reason: "mood", detail: "", duration_ms: 1 },
  ])("that says $outcome in unknown words, or in too many, is refused", (reply) => {
    expect(deliveryReplySchema.safeParse(reply).success).toBe(false);
  });
});
