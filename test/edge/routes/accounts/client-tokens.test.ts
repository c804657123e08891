import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { settingsOf } from "#edge/settings.ts";
import {
  type ClientTokenBody,
  clientTokenSchema,
  clientTokenSecret,
  verifyClientToken,
} from "#wire/api/accounts/client-token.ts";
import { ask, askJson, refusal } from "../../function-double.ts";
import { administer, newKey, statusWith } from "../administration.ts";

afterEach(() => vi.useRealTimers());

async function make(key: string, fields: object = {}): Promise<Response> {
  return await ask("/v1/client_tokens", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ spend_cap_micros: 1000, scopes: ["usage"], ...fields }),
  });
}

async function newToken(key: string, fields: object = {}): Promise<ClientTokenBody> {
  const response = await make(key, fields);
  expect(response.status).toBe(201);
  return clientTokenSchema.parse(await response.json());
}

describe("POST /v1/client_tokens works", () => {
  test("a token stands for its key, for minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { key } = await newKey();
    const { token } = await newToken(key, { ttl_seconds: 300 });
    expect(await statusWith(token)).toBe(200);
    vi.setSystemTime(Date.now() + 300_000);
    expect(await statusWith(token)).toBe(401);
  });

  test("a token carries its spend cap, signed", async () => {
    const { token, id } = await newToken(env.TEST_API_KEY, { spend_cap_micros: 77 });
    const secret = await clientTokenSecret(settingsOf(env).ticketKey);
    expect(await verifyClientToken(token, secret, Date.now())).toMatchObject({
      ok: true,
      value: { id, spendCap: 77n, scopes: ["usage"] },
    });
  });

  test("a token ends with its key", async () => {
    const { key, id } = await newKey();
    const { token } = await newToken(key);
    await administer("DELETE", `/v1/keys/${id}`);
    expect(await statusWith(token)).toBe(401);
  });

  test("a token loses what its key loses", async () => {
    const { key, id } = await newKey();
    const { token } = await newToken(key);
    await administer("PATCH", `/v1/keys/${id}`, { scopes: ["ask"] });
    expect(await statusWith(token)).toBe(403);
  });
});

describe("POST /v1/client_tokens refuses", () => {
  test.each<[object, string]>([
    [{ scopes: ["webhooks"] }, "/scopes/0"],
    [{ scopes: [] }, "/scopes"],
    [{ models: ["other"] }, "/models/0"],
    [{ origins: ["https://else.test"] }, "/origins/0"],
    [{ ttl_seconds: 3601 }, "/ttl_seconds"],
    [{ spend_cap_micros: -1 }, "/spend_cap_micros"],
    [{ admin: true }, "/admin"],
  ])("%j", async (fields, pointer) => {
    const origins = ["https://app.test"];
    const { key } = await newKey({ models: ["unmask-demo"], origins });
    const response = await ask("/v1/client_tokens", {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        origin: "https://app.test",
      },
      body: JSON.stringify({ spend_cap_micros: 1, ...fields }),
    });
    expect((await refusal(response)).errors).toMatchObject([{ pointer }]);
  });

  test("to let a token make tokens", async () => {
    const { token } = await newToken(env.TEST_API_KEY);
    expect(await refusal(await make(token))).toMatchObject({ status: 401 });
  });

  test("a token for what it was not made for", async () => {
    const { token } = await newToken(env.TEST_API_KEY);
    const response = await askJson({ question: "?" }, { authorization: `Bearer ${token}` });
    expect(await refusal(response)).toMatchObject({ status: 403, code: "scope_missing" });
  });
});

describe("client tokens withstand", () => {
  test("every change of one character", async () => {
    const { token } = await newToken(env.TEST_API_KEY);
    const secret = await clientTokenSecret(settingsOf(env).ticketKey);
    // The last character of a part carries bits that base64url does not use.
    const places = [...token].flatMap((character, place) =>
      character === "." || /^[.]?$/.test(token[place + 1] ?? "") ? [] : [place],
    );
    for (const place of places) {
      const other = token[place] === "A" ? "B" : "A";
      const forged = token.slice(0, place) + other + token.slice(place + 1);
      expect((await verifyClientToken(forged, secret, Date.now())).ok, String(place)).toBe(false);
    }
  });

  test("a token that signs itself with nothing", async () => {
    const { token } = await newToken(env.TEST_API_KEY);
    const head = btoa('{"alg":"none","typ":"client-token+jwt"}').replace(/=+$/, "");
    expect(await statusWith(`${head}.${token.split(".")[1]}.`)).toBe(401);
  });
});
