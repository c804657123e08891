import { expect, test } from "vitest";
import { findBundle } from "#cli/models/bundle-place.ts";
import { memoryStore, type ObjectStore, prefixedStore } from "#weights/object-store.ts";

const forever = new AbortController().signal;

/** Finds a bundle in a bucket that holds these keys. */
async function find(address: string, ...keys: string[]) {
  const bucket = memoryStore();
  for (const key of keys) await bucket.put(key, new Uint8Array(1));
  const open = (at: string): ObjectStore =>
    prefixedStore(bucket, at.replace("s3://bucket", "").replace(/^\//, ""));
  return findBundle(address, open, forever);
}

const MODEL = ["models/llada-v/latest.json", "models/llada-v/1/manifest.json"];

test.each([
  ["s3://bucket", MODEL, { root: "s3://bucket", name: "llada-v" }],
  [
    "s3://bucket/a/b",
    MODEL.map((key) => `a/b/${key}`),
    { root: "s3://bucket/a/b", name: "llada-v" },
  ],
  ["s3://bucket/models/llada-v", MODEL, { root: "s3://bucket", name: "llada-v" }],
  ["s3://bucket/models/llada-v/1", MODEL, { root: "s3://bucket", name: "llada-v", version: "1" }],
])("%s with %j is a bundle", async (address, keys, place) => {
  expect(await find(address, ...keys)).toEqual(place);
});

test.each([
  ["s3://bucket/models/llada-v/2", MODEL],
  ["s3://bucket/models/other", MODEL],
  ["s3://bucket/models", MODEL],
  ["s3://bucket", ["models/llada-v/1/manifest.json"]],
  ["s3://bucket", ["model.safetensors", ...MODEL, "config.json"]],
])("%s with %j is none", async (address, keys) => {
  expect(await find(address, ...keys)).toBeUndefined();
});

test("of several models one must be named", async () => {
  await expect(find("s3://bucket", ...MODEL, "models/b/latest.json")).rejects.toThrow(
    "s3://bucket has several models: name one of s3://bucket/models/b, s3://bucket/models/llada-v",
  );
});
