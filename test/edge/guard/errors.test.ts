import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app } from "#edge/app.ts";
import { ask, functionReplies, refusal } from "../function-double.ts";
import { administer } from "../routes/administration.ts";

afterEach(() => vi.restoreAllMocks());

const withKey = async (method: string, path: string): Promise<Response> =>
  await ask(path, { method });

describe("a path or method that does not exist is refused", () => {
  test("with what exists there", async () => {
    const response = await ask("/v1/quotes", { method: "PUT" });
    expect(response.headers.get("allow")).toBe("POST, OPTIONS");
    expect(await refusal(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
  });

  test("as not found elsewhere, with or without a key", async () => {
    expect(await refusal(await ask("/v1/nothing"))).toMatchObject({ status: 404 });
    expect(await refusal(await ask("/x", { headers: { authorization: "" } }))).toMatchObject({
      status: 404,
      code: "not_found",
    });
  });

  test("without a body where only the head was asked for", async () => {
    const response = await ask("/v1/quotes", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([405, ""]);
    expect((await ask("/openapi.json", { method: "HEAD" })).status).toBe(200);
  });

  test("unless OPTIONS asks what is possible", async () => {
    const response = await ask("/v1/models", { method: "OPTIONS" });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
  });

  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
  const served = app.routes.filter(({ method }) => method !== "ALL").map(({ path }) => path);
  const lists = new Set(served.filter((path) => /^\/v1\/\w+$/.test(path)));

  test.each([...lists])("with the path that is meant: %s without a slash", async (path) => {
    const send = /accounts|backups|keys|payment_events/.test(path) ? administer : withKey;
    for (const method of methods) {
      const response = await send(method, `${path}/`);
      expect(response.status).toBe(404);
      const told = `There is nothing at ${path}/. Do you mean ${path}? Then leave out the slash at its end.`;
      expect(await response.text()).toContain(told);
    }
  });

  test.each(["/v1/answers//events", "/v1/answers//", "/v1/models//", "/v1//answers"])(
    "as not found at %s, where an id or a name is empty",
    async (path) => {
      for (const method of ["GET", "POST"])
        expect(await refusal(await ask(path, { method }))).toMatchObject({ status: 404 });
    },
  );
});

describe("what a path names and is not there is said by its kind and its name", () => {
  test.each([
    ["GET", "/v1/answers/ans_none", 'There is no answer "ans_none".'],
    ["GET", "/v1/answers/ans_none/events", 'There is no answer "ans_none".'],
    ["POST", "/v1/answers/ans_none/cancel", 'There is no answer "ans_none".'],
    ["POST", "/v1/answers/ans_none/replay", 'There is no answer "ans_none".'],
    ["GET", "/v1/batches/bat_none", 'There is no batch "bat_none".'],
    ["GET", "/v1/images/img_none", 'There is no uploaded picture "img_none".'],
    ["GET", "/v1/webhook_endpoints/whe_none", 'There is no webhook endpoint "whe_none".'],
    ["GET", "/v1/webhook_deliveries/whd_none", 'There is no webhook delivery "whd_none".'],
  ])("%s %s", async (method, path, detail) => {
    expect(await refusal(await ask(path, { method }))).toMatchObject({ status: 404, detail });
  });

  test.each<[string, string, object | undefined, string]>([
    ["POST", "/v1/accounts/nobody/grants", { amount_micros: 1 }, 'There is no account "nobody".'],
    ["PATCH", "/v1/accounts/nobody", {}, 'There is no account "nobody".'],
    ["DELETE", "/v1/keys/none", undefined, 'There is no key "none".'],
    ["PATCH", "/v1/keys/none", {}, 'There is no valid key "none".'],
  ])("%s %s", async (method, path, body, detail) => {
    const problem = await refusal(await administer(method, path, body));
    expect(problem).toMatchObject({ status: 404, detail });
  });
});

describe("a key that is not taken", () => {
  const administrators = "Send the administrator's key as 'Authorization: Bearer …'";

  test.each([
    ["nothing", "", new RegExp(`^${administrators}`)],
    ["a key that nobody has", "Bearer uma_x", new RegExp(`^${administrators}`)],
    [
      "an API key",
      `Bearer ${env.TEST_API_KEY}`,
      new RegExp(`^That has the form of an API key or client token\\. ${administrators}`),
    ],
  ])("%s is told by the administration that it wants the administrator's", async (...given) => {
    const [, authorization, detail] = given;
    for (const path of ["/v1/accounts", "/v1/accounts/none", "/v1/functions"]) {
      const problem = await refusal(await ask(path, { headers: { authorization } }));
      expect(problem).toMatchObject({ status: 401, code: "unauthenticated" });
      expect(problem.detail).toMatch(detail);
      expect(problem.detail).toContain("ADMIN_KEY");
      expect(problem.detail).not.toContain("Bearer umk_");
    }
  });

  test("is told the same of a key that exists as of one that does not", async () => {
    const [known, unknown] = [env.TEST_API_KEY, "umk_live_x"].map(async (key) => {
      const headers = { authorization: `Bearer ${key}` };
      return (await refusal(await ask("/v1/accounts", { headers }))).detail;
    });
    expect(await known).toBe(await unknown);
  });

  test("of the administrator's form is told by every other route that it wants an API key", async () => {
    const headers = { authorization: "Bearer uma_x" };
    const { detail } = await refusal(await ask("/v1/answers", { headers }));
    expect(detail).toMatch(/^That has the form of an administrator's key.*Bearer umk_…/);
  });
});

describe("GET /", () => {
  test("says where to read on, without a key", async () => {
    const response = await ask("/", { headers: { authorization: "" } });
    const body: { openapi: string; health: string } = await response.json();
    functionReplies(() => new Response("", { status: 503 }));
    for (const path of [body.openapi, body.health])
      expect((await ask(path, { headers: { authorization: "" } })).status).toBe(200);
  });
});
