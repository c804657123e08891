import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { modelBundleSchema } from "#wire/api/model-bundle.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { untoldByFunction } from "../../support/edge-builders.ts";
import { ask, functionReplies, digest as otherDigest, refusal } from "../function-double.ts";
import { newKey } from "../routes/administration.ts";

const shard: Uint8Array<ArrayBuffer> = new Uint8Array(1000).map((_, index) => index % 251);
const stranger = Uint8Array.from(new TextEncoder().encode("of another model"));
let digest = "";
let shardName = "";
let strangerName = "";

beforeAll(async () => {
  shardName = await sha256Hex(shard);
  strangerName = await sha256Hex(stranger);
  const manifest = JSON.stringify({
    ...{ formatVersion: 1, name: "unmask-demo", version: "9.1", files: {} },
    stages: [{ name: "embed", shards: [{ sha256: shardName, bytes: shard.byteLength }] }],
  });
  digest = await sha256Hex(Uint8Array.from(new TextEncoder().encode(manifest)));
  await env.WEIGHTS.put(`blobs/sha256/${shardName}`, shard);
  await env.WEIGHTS.put(`blobs/sha256/${strangerName}`, stranger);
  await env.WEIGHTS.put("models/unmask-demo/9.1/manifest.json", manifest);
  const latest = JSON.stringify({ version: "9.1", digest });
  await env.WEIGHTS.put("models/unmask-demo/latest.json", latest);
});

afterEach(() => vi.restoreAllMocks());

const bundle = "/v1/models/unmask-demo/bundle";
const blobAt = (name: string): string => `${bundle}/9.1/blobs/${name}`;

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

describe("a downloadable model's bundle", () => {
  test("is found: its version, its digest, its size, and where its parts lie", async () => {
    const response = await ask(bundle);
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
    const shown = modelBundleSchema.parse(await response.json());
    expect(shown).toMatchObject({ version: "9.1", digest, bytes: 1000 });
    const manifest = await bytesOf(await ask(shown.manifest));
    expect(await sha256Hex(Uint8Array.from(manifest))).toBe(digest);
    const blob = await ask(shown.blobs.replace("{sha256}", shardName));
    expect(await bytesOf(blob)).toEqual(shard);
  });

  test("may be kept for ever: what is named by its content never changes", async () => {
    for (const path of [`${bundle}/9.1/manifest.json`, blobAt(shardName)]) {
      const { headers, status } = await ask(path);
      expect(status).toBe(200);
      expect(headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
      expect(headers.get("accept-ranges")).toBe("bytes");
    }
    const again = await ask(blobAt(shardName), {
      headers: { "if-none-match": `"${shardName}"` },
    });
    expect(again.status).toBe(304);
  });

  test.each([
    ["bytes=0-9", 0, 10, "bytes 0-9/1000"],
    ["bytes=990-", 990, 1000, "bytes 990-999/1000"],
    ["bytes=-1", 999, 1000, "bytes 999-999/1000"],
  ])("is sent in parts: %s", async (range, from, to, place) => {
    const response = await ask(blobAt(shardName), { headers: { range } });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(place);
    expect(await bytesOf(response)).toEqual(shard.subarray(from, to));
  });

  test("is sent whole where If-Range names another content, and in parts where it names this one", async () => {
    const part = async (tag: string): Promise<number> =>
      (await ask(blobAt(shardName), { headers: { range: "bytes=0-9", "if-range": tag } })).status;
    expect(await part(`"${strangerName}"`)).toBe(200);
    expect(await part(`"${shardName}"`)).toBe(206);
  });

  test("refuses a part behind the end, and says how long it is", async () => {
    const response = await ask(blobAt(shardName), { headers: { range: "bytes=1000-" } });
    expect(response.headers.get("content-range")).toBe("bytes */1000");
    expect(await refusal(response)).toMatchObject({ status: 416, code: "range_not_satisfiable" });
  });

  test("tells its size to HEAD and sends nothing", async () => {
    const response = await ask(blobAt(shardName), { method: "HEAD" });
    expect(response.headers.get("content-length")).toBe("1000");
    expect(await response.text()).toBe("");
  });

  test("has no blob but its own, whatever else lies in the bucket", async () => {
    expect(await refusal(await ask(blobAt(strangerName)))).toMatchObject({ code: "not_found" });
  });

  test.each([
    `${bundle}/9.2/manifest.json`,
    `${bundle}/..%2f..%2fmodels/manifest.json`,
    `${bundle}/9.1/blobs/${"0".repeat(64)}`,
  ])("has nothing at %s", async (path) => {
    expect(await refusal(await ask(path))).toMatchObject({ status: 404, code: "not_found" });
  });
});

describe("a model's bundle is given out", () => {
  const card: ModelCard = {
    ...{ id: "demo", digest: otherDigest, image: null, max_prompt_length: 2048 },
    ...untoldByFunction,
    ...{ provider: "cpu", format: "f32", work: { view: 1, linear: 1, attention: 1 } },
  };

  test("only where its card says that it may be", async () => {
    functionReplies(() => Response.json(card), "asked");
    for (const path of ["", "/9.1/manifest.json", `/9.1/blobs/${shardName}`]) {
      const problem = await refusal(await ask(`/v1/models/demo/bundle${path}`));
      expect(problem).toMatchObject({ status: 403, code: "model_not_downloadable" });
    }
  });

  test("by its name: one that nobody serves is not found", async () => {
    functionReplies(() => Response.json(card), "asked");
    const problem = await refusal(await ask("/v1/models/none/bundle"));
    expect(problem).toMatchObject({ status: 404, code: "not_found" });
  });

  test("to keys that may ask it, and to nobody without a key", async () => {
    const { key } = await newKey({ models: ["llada-v"] });
    const headers = { authorization: `Bearer ${key}` };
    expect((await refusal(await ask(bundle, { headers }))).code).toBe("model_forbidden");
    const usage = await newKey({ scopes: ["usage"] });
    const other = { authorization: `Bearer ${usage.key}` };
    expect((await refusal(await ask(bundle, { headers: other }))).code).toBe("scope_missing");
    const nobody = await ask(blobAt(shardName), { headers: { authorization: "" } });
    expect((await refusal(nobody)).code).toBe("unauthenticated");
  });
});
