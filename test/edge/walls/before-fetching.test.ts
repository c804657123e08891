import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import { story } from "../../support/edge-builders.ts";
import { ask, eventReply, functionReplies } from "../function-double.ts";
import { administer, newKey, openAccount } from "../routes/administration.ts";
import { picture } from "../routes/images.ts";

let fetches: () => number;
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { sent } = functionReplies(({ url }) =>
    url.endsWith(FETCH_PATH) ? new Response(picture(20)) : eventReply(story),
  );
  fetches = () => sent.filter(({ url }) => url.endsWith(FETCH_PATH)).length;
});
afterEach(() => vi.restoreAllMocks());

const byAddress = { image: { url: "https://host.test/a.png" }, question: "?", canvas: 4, steps: 2 };

/** What fetches pictures: each takes the body of one question. */
const routes: readonly (readonly [path: string, body: (asked: object) => object])[] = [
  ["/v1/answers", (asked) => ({ ...asked, cache: "off" })],
  ["/v1/quotes", (asked) => asked],
  ["/v1/batches", (asked) => ({ items: [asked] })],
];

async function poorKey(): Promise<string> {
  return (await openAccount({}, 0)).key;
}

async function post(
  key: string,
  path: string,
  body: object,
): Promise<{ status: number; code: string; rates: string }> {
  const response = await ask(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
  });
  const { code = "" } = await response.json<{ code?: string }>();
  return { status: response.status, code, rates: response.headers.get("ratelimit") ?? "" };
}

describe.each(routes)("before a picture is fetched for %s", (path, bodyOf) => {
  test("who has no credit is refused, and nothing is fetched", async () => {
    const key = await poorKey();
    expect(await post(key, path, bodyOf(byAddress))).toMatchObject({
      ...{ status: 402, code: "insufficient_credit" },
    });
    expect(fetches()).toBe(0);
  });

  test("who has asked too often is refused, and nothing is fetched", async () => {
    const { key } = await newKey({ limits: { requests_per_minute: 2 } });
    for (let turn = 0; turn < 2; turn += 1) await post(key, path, bodyOf(byAddress));
    const before = fetches();
    expect(before).toBe(2);
    expect(await post(key, path, bodyOf(byAddress))).toMatchObject({ code: "rate_limited" });
    expect(fetches()).toBe(before);
  });

  test("the request is counted, once, and what is left is told", async () => {
    const { key } = await newKey({ limits: { requests_per_minute: 7 } });
    expect((await post(key, path, bodyOf(byAddress))).rates).toContain('"rpm";r=6;');
    expect((await post(key, path, bodyOf(byAddress))).rates).toContain('"rpm";r=5;');
  });

  test("a key that may not ask the model is refused without being counted", async () => {
    const { key, id } = await newKey({ models: ["other"], limits: { requests_per_minute: 7 } });
    expect(await post(key, path, bodyOf(byAddress))).toMatchObject({ code: "model_forbidden" });
    await administer("PATCH", `/v1/keys/${id}`, { models: null });
    expect((await post(key, path, bodyOf(byAddress))).rates).toContain('"rpm";r=6;');
    expect(fetches()).toBe(1);
  });
});

test("a quote that fetches nothing needs no credit and is not counted", async () => {
  const key = await poorKey();
  const sized = { ...byAddress, image: undefined, width: 100, height: 100 };
  expect((await post(key, "/v1/quotes", sized)).status).toBe(200);
});

test("an answer to a picture by address is held, charged and repeated as any other", async () => {
  const { id, key } = await openAccount();
  const send = async () =>
    await ask("/v1/answers", {
      method: "POST",
      body: JSON.stringify(byAddress),
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "idempotency-key": "once",
      },
    });
  const first = await (await send()).json<{ charged_micros: number; id: string }>();
  const again = await send();
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect((await again.json<{ id: string }>()).id).toBe(first.id);
  const { available, held } = await ledgerOf(env, id).balance();
  expect([1_000_000n - available, held]).toEqual([BigInt(first.charged_micros), 0n]);
  expect(fetches()).toBe(1);
});
