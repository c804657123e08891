import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MAX_UPLOADS } from "#edge/pictures/uploads.ts";
import { type ClientTokenBody, clientTokenSchema } from "#wire/api/accounts/client-token.ts";
import type { UploadBody } from "#wire/api/answers/images.ts";
import { ascii } from "../../../support/image-files.ts";
import { ask, refusal } from "../../function-double.ts";
import { newKey, openAccount } from "../administration.ts";
import { picture, upload } from "../images.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const DAY_SECONDS = 86_400;

async function make(fields: object, key = env.TEST_API_KEY): Promise<Response> {
  return await ask("/v1/client_tokens", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
}

async function tokenOf(fields: object, key?: string): Promise<string> {
  const response = await make(fields, key);
  expect(response.status).toBe(201);
  return clientTokenSchema.parse(await response.json<ClientTokenBody>()).token;
}

async function uploadToken(fields: object = {}, key?: string): Promise<string> {
  return await tokenOf({ scopes: ["upload"], ttl_seconds: DAY_SECONDS, ...fields }, key);
}

async function get(path: string, token: string): Promise<Response> {
  return await ask(path, { headers: { authorization: `Bearer ${token}` } });
}

async function rows(): Promise<number> {
  const counted = await env.DB.prepare("SELECT COUNT(*) AS n FROM upload_tokens").first("n");
  return Number(counted);
}

let width = 3_000;
/** A picture that no other test has. */
function fresh(): Uint8Array<ArrayBuffer> {
  width += 1;
  return picture(width);
}

describe("a client token of one upload", () => {
  test("uploads a picture, which tokens of its subject ask about, others do not know, and the key sees", async () => {
    const response = await upload(fresh(), { key: await uploadToken({ subject: "anna" }) });
    expect(response.status).toBe(201);
    const { id } = await response.json<UploadBody>();
    const asking = { scopes: ["ask"], spend_cap_micros: 1000 };
    const [anna, bert] = [
      await tokenOf({ ...asking, subject: "anna" }),
      await tokenOf({ ...asking, subject: "bert" }),
    ];
    expect((await get(`/v1/images/${id}`, anna)).status).toBe(200);
    expect((await get(`/v1/images/${id}`, bert)).status).toBe(404);
    expect((await get(`/v1/images/${id}`, env.TEST_API_KEY)).status).toBe(200);
  });

  test.each(["another picture", "the same picture"])(
    "is refused %s a second time, and tells again where its picture is",
    async (which) => {
      const [token, file] = [await uploadToken(), fresh()];
      const first = await upload(file, { key: token });
      const { id } = await first.json<UploadBody>();
      const second = await upload(which === "the same picture" ? file : fresh(), { key: token });
      expect(second.headers.get("location")).toBe(first.headers.get("location"));
      const problem = await refusal(second);
      expect(problem).toMatchObject({ code: "upload_token_used", status: 409, retryable: false });
      expect(problem.detail).toContain(id);
    },
  );

  test("keeps one of two uploads at once, be they of one picture", async () => {
    for (const files of [[fresh(), fresh()], Array.from({ length: 2 }, () => picture(2_999))]) {
      const token = await uploadToken();
      const responses = await Promise.all(files.map((file) => upload(file, { key: token })));
      const codes = responses.map(({ status }) => status).toSorted();
      expect(codes).toEqual([201, 409]);
      await Promise.all(responses.map((response) => response.body?.cancel()));
    }
  });

  test("works for a day, and not a second longer", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const [early, late] = [await uploadToken(), await uploadToken()];
    vi.setSystemTime(Date.now() + (DAY_SECONDS - 1) * 1000);
    expect((await upload(fresh(), { key: early })).status).toBe(201);
    vi.setSystemTime(Date.now() + 1000);
    const response = await upload(fresh(), { key: late });
    expect(await refusal(response)).toMatchObject({ code: "unauthenticated", status: 401 });
  });

  test("is good for another picture when its own was refused", async () => {
    const token = await uploadToken();
    const heic = ascii("\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    expect((await refusal(await upload(heic, { key: token }))).code).toBe("image_heic");
    const page = { objects: Array.from({ length: MAX_UPLOADS }, () => ({ key: "" })) };
    const list = vi.spyOn(env.IMAGES, "list").mockResolvedValue(page as unknown as R2Objects);
    expect((await refusal(await upload(fresh(), { key: token }))).code).toBe("too_many_of");
    list.mockRestore();
    expect((await upload(fresh(), { key: token })).status).toBe(201);
  });

  test("is good for the same picture, and no other, when a fault broke its upload off", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const [token, file] = [await uploadToken(), fresh()];
    const put = vi.spyOn(env.IMAGES, "put").mockRejectedValue(new Error("R2 is away"));
    expect((await upload(file, { key: token })).status).toBe(500);
    put.mockRestore();
    const other = await upload(fresh(), { key: token });
    expect(await refusal(other)).toMatchObject({ code: "upload_token_used" });
    expect((await upload(file, { key: token })).status).toBe(201);
  });

  test("leaves a row until it has expired", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await upload(fresh(), { key: await uploadToken({ ttl_seconds: 60 }) });
    const before = await rows();
    vi.setSystemTime(Date.now() + 2 * 3_600_000);
    await upload(fresh(), { key: await uploadToken() });
    expect(await rows()).toBeLessThanOrEqual(before);
  });
});

describe("a client token of one upload does nothing else:", () => {
  test.each([
    ["POST", "/v1/answers"],
    ["POST", "/v1/quotes"],
    ["POST", "/v1/chat/completions"],
    ["POST", "/v1/batches"],
    ["POST", "/v1/client_tokens"],
    ["GET", "/v1/answers"],
    ["GET", `/v1/images/img_${"0".repeat(64)}`],
    ["DELETE", `/v1/images/img_${"0".repeat(64)}`],
    ["GET", "/v1/models"],
    ["GET", "/v1/usage"],
  ])("%s %s", async (method, path) => {
    const headers = {
      authorization: `Bearer ${await uploadToken()}`,
      "content-type": "application/json",
    };
    const body = method === "POST" ? { body: '{"question":"?"}' } : {};
    const response = await ask(path, { method, headers, ...body });
    expect(response.status).toBe(403);
    const text = await response.text();
    expect(text).toContain("scope_missing");
    expect(text).toContain("POST /v1/images");
  });

  test("nor does it upload when its key may not ask any more", async () => {
    const { key, id } = await newKey();
    const token = await uploadToken({}, key);
    await ask(`/v1/keys/${id}`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${env.ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ scopes: ["usage"] }),
    });
    const response = await upload(fresh(), { key: token });
    expect(await refusal(response)).toMatchObject({ status: 403, code: "scope_missing" });
  });
});

describe("POST /v1/client_tokens refuses", () => {
  test.each<[object, string]>([
    [{ scopes: ["upload", "ask"], spend_cap_micros: 1 }, "/scopes"],
    [{ scopes: ["upload"], ttl_seconds: DAY_SECONDS + 1 }, "/ttl_seconds"],
    [{ scopes: ["ask"], spend_cap_micros: 1, ttl_seconds: 3601 }, "/ttl_seconds"],
    [{ scopes: ["ask"] }, "/spend_cap_micros"],
  ])("%j", async (fields, pointer) => {
    const problem = await refusal(await make(fields));
    expect(problem).toMatchObject({ code: "invalid_request", errors: [{ pointer }] });
  });

  test("an upload token to a key that may not ask", async () => {
    const { key } = await openAccount({ scopes: ["usage"] });
    const problem = await refusal(await make({ scopes: ["upload"] }, key));
    expect(problem.errors).toMatchObject([{ pointer: "/scopes/0" }]);
  });
});
