import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import { httpCheckpoint } from "#weights/checkpoint/http-checkpoint.ts";
import { impatientPolicy } from "../../support/bundles.ts";
import {
  safetensorsFile,
  storeOf,
  TINY_CONFIG,
  tensorsOf,
} from "../../support/checkpoint-builder.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { serveObjects } from "../../support/object-server.ts";
import { listen, type TestServer } from "../../support/test-server.ts";

const weights = safetensorsFile(tensorsOf(TINY_CONFIG));
let server: TestServer;
let proxy: FaultProxy;
beforeAll(async () => {
  server = await serveObjects(
    await storeOf({ "config.json": TINY_CONFIG, "model.safetensors": weights }),
    "hub",
  );
  proxy = await startFaultProxy(server.origin);
});
afterAll(async () => {
  await proxy.close();
  await server.close();
});

describe("a checkpoint behind https", () => {
  test("is opened without being listed", async () => {
    const checkpoint = await openCheckpoint(httpCheckpoint(`${proxy.origin}/hub`), {
      idsOnly: true,
    });
    expect(checkpoint.tensor("embed", "weight").shape).toEqual([1024, 64]);
  });

  test("gives the bytes of its files, resumed where a connection broke", async () => {
    const source = await httpCheckpoint(`${proxy.origin}/hub`).open("model.safetensors");
    proxy.inject("model.safetensors", { kind: "cut", afterBytes: 5000 }, { kind: "ignore-range" });
    expect(await source?.slice(100, 50_000)).toEqual(weights.slice(100, 50_100));
    expect(proxy.pending()).toBe(0);
  });

  test("lacks a file by saying undefined, and names a refusal", async () => {
    const folder = httpCheckpoint(`${proxy.origin}/hub`);
    expect(await folder.open("tokenizer.json")).toBeUndefined();
    proxy.inject("config.json", { kind: "status", status: 403, code: "Forbidden" });
    await expect(folder.open("config.json")).rejects.toMatchObject({ code: "access_denied" });
  });

  test("may be served without ETag or time of change", async () => {
    const plain = await listen(
      createServer((_, response) => response.setHeader("content-length", 2).end("{}")),
    );
    const source = await httpCheckpoint(plain.origin).open("config.json");
    expect(source?.revision).toBeUndefined();
    expect(await source?.slice(0, 2)).toEqual(new TextEncoder().encode("{}"));
    await plain.close();
  });

  test("a host where nobody listens yet is tried until the budget is spent", async () => {
    const { origin, close } = await listen(createServer());
    await close();
    let tries = 0;
    const opening = httpCheckpoint(origin, {
      policy: impatientPolicy({ budgetMs: 30, firstDelayMs: 4 }),
      onRetry: () => {
        tries += 1;
      },
    }).open("config.json");
    await expect(opening).rejects.toMatchObject({
      code: "store_unavailable",
      message: `${origin}/config.json cannot be reached: nothing listens there`,
    });
    expect(tries).toBeGreaterThan(2);
  });

  test.each([
    ["http://127.0.0.1:1", "that port is one that no HTTP client connects to"],
    ["http://no-such-host.invalid", "there is no host of that name"],
  ])("an address that can never work, %s, is tried once", async (address, words) => {
    const opening = httpCheckpoint(address, {
      onRetry: ({ message }) => expect.fail(`tried again after ${message}`),
    }).open("config.json");
    await expect(opening).rejects.toMatchObject({
      code: "store_refused",
      message: `${address}/config.json cannot be reached: ${words}`,
    });
  });
});
