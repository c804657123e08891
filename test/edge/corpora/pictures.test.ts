import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { story } from "../../support/edge-builders.ts";
import { forgeries } from "../../support/forgeries.ts";
import { readOrderBody } from "../../support/orders.ts";
import { askJson, eventReply, functionReplies, refusal } from "../function-double.ts";
import { inTurns } from "./in-turns.ts";

/** The files of the corpora as data URIs, by path. */
const pictures: Record<string, string> = import.meta.glob(
  "../../fixtures/corpora/*/*.{png,jpeg,gif}",
  { query: "?inline", import: "default", eager: true },
);

beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

describe("the Worker", () => {
  test("prices and passes on every picture of the corpora, valid within or not", async () => {
    const double = functionReplies(() => eventReply(story));
    expect(Object.keys(pictures).length).toBeGreaterThan(60);
    await inTurns(Object.entries(pictures), async ([name, data]) => {
      const body = { question: name, image: { data }, canvas: 4, steps: 2, cache: "off" };
      expect((await askJson(body)).status, name).toBe(200);
    });
    const asked = double.orders.map(({ body }) => {
      const order = readOrderBody(body);
      return order.ok ? (order.value.messages.at(-1)?.text ?? "") : order.refusal.kind;
    });
    // Each once. An answer that an earlier test left behind may be asked for again meanwhile.
    expect(asked.filter((name) => name in pictures).sort()).toEqual(Object.keys(pictures).sort());
  });

  test("refuses what has no picture's header, before the function and without a charge", async () => {
    const double = functionReplies(() => eventReply(story));
    const before = await ledgerOf(env, "acc_test").balance();
    const refused: string[] = [];
    for (const { name, bytes } of forgeries()) {
      const body = { question: "?", image: { data: encodeBase64(bytes) }, cache: "off" };
      const response = await askJson({ ...body, canvas: 4, steps: 2, max_price_micros: 0 });
      expect(response.status, name).toBeGreaterThanOrEqual(400);
      expect(response.status, name).toBeLessThan(500);
      refused.push((await refusal(response)).code);
    }
    expect(new Set(refused)).toEqual(
      new Set([
        "invalid_request",
        "image_unsupported",
        "image_truncated",
        "image_too_large",
        "image_bomb",
        // Files whose headers are right and whose pixels are missing: only the price stops them here.
        "price_above_maximum",
      ]),
    );
    expect(double.orders).toEqual([]);
    expect(await ledgerOf(env, "acc_test").balance()).toEqual(before);
  });
});
