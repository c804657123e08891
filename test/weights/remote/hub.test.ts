import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSha256 } from "#inference/sha256.ts";
import { openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { memoryStore } from "#weights/object-store.ts";
import { findRevision, type Hub, hubCheckpoint } from "#weights/remote/hub.ts";
import type { RetryPolicy } from "#weights/retries.ts";
import { isRetryable } from "#weights/weights-error.ts";
import { impatientPolicy } from "../../support/bundles.ts";
import { type HubFault, STAND_IN_TOKEN } from "../../support/hub-replies.ts";
import { publishedLlada, referenceLladaV } from "../../support/published-checkpoint.ts";
import { type StandInHub, startStandInHub } from "../../support/stand-in-hub.ts";

const ID = "GSAI-ML/LLaDA-V";
const files = referenceLladaV();
const SHARD = "model-00002-of-00002.safetensors";
const shard = files.get(SHARD) ?? new Uint8Array();

let server: StandInHub;
beforeEach(async () => {
  server = await startStandInHub({
    [ID]: { revisions: { main: files, "refs/pr/1": publishedLlada("LLaDA-1.5") } },
    "a/gated": { access: "gated", revisions: { main: files } },
    "a/private": { access: "private", revisions: { main: files } },
  });
});
afterEach(() => server.close());

const hubOf = (token?: string): Hub => ({
  endpoint: server.origin,
  ...(token === undefined ? {} : { token }),
});

/** A policy that notes its waits in place of waiting; its clock goes by what it was asked to wait. */
function noting(): RetryPolicy & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    ...impatientPolicy({ stallMs: 30_000 }),
    now: () => waits.reduce((sum, wait) => sum + wait, 0),
    sleep: async (milliseconds) => void waits.push(milliseconds),
    waits,
  };
}

async function folderOf(revision = "main", id = ID, token?: string, policy = noting()) {
  const found = await findRevision(hubOf(token), id, revision, { policy });
  return hubCheckpoint(hubOf(token), found, { policy });
}

async function convert(folder: Awaited<ReturnType<typeof folderOf>>): Promise<string> {
  const { digest } = await convertCheckpoint({
    ...{ checkpoint: folder, store: memoryStore(), name: "m", version: "1" },
    form: { format: "q4" },
    createHasher: createSha256,
  });
  return digest;
}

describe("a hub's revision", () => {
  test("is pinned to its commit before any file is read", async () => {
    const folder = await folderOf();
    const commit = server.commitOf(ID, "main");
    expect(folder.address).toBe(`${server.origin}/${ID}/resolve/${commit}`);
    // What moves meanwhile is not seen: every file comes from the same state.
    server.push(ID, "main", publishedLlada("LLaDA-1.5"));
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.architecture.vision).toMatchObject({ layers: 2 });
    expect((await openCheckpoint(await folderOf())).architecture.vision).toBeUndefined();
  });

  test.each(["refs/pr/1", "commit"])("may be a branch, a tag or a commit: %s", async (revision) => {
    const commit = server.commitOf(ID, "refs/pr/1");
    const found = await findRevision(hubOf(), ID, revision === "commit" ? commit : revision);
    expect(found.commit).toBe(commit);
    expect(found.files).toContain("tokenizer.json");
  });

  test("is known with its files: one that is not there is not asked for", async () => {
    const folder = await folderOf();
    const before = server.asked.length;
    expect(await folder.open("chat_template.jinja")).toBeUndefined();
    expect(server.asked).toHaveLength(before);
    expect(await folder.list()).toContain(SHARD);
  });

  test.each<[string, string, string | undefined, string, RegExp]>([
    [ID, "v9", undefined, "revision_missing", /GSAI-ML\/LLaDA-V has no revision "v9" at http/],
    [
      "a/none",
      "main",
      undefined,
      "repository_missing",
      /no repository a\/none, or it is private: then set HF_TOKEN/,
    ],
    [
      "a/none",
      "main",
      STAND_IN_TOKEN,
      "repository_missing",
      /no repository a\/none that the account of HF_TOKEN may read/,
    ],
    [
      "a/private",
      "main",
      "hf_stranger",
      "repository_missing",
      /that the account of HF_TOKEN may read/,
    ],
    [ID, "main", "hf_mistyped", "token_refused", /does not take HF_TOKEN: Invalid credentials/],
  ])(
    "%s@%s for %s is refused as %s, once, with what to do",
    async (id, revision, token, code, says) => {
      const opening = findRevision(hubOf(token), id, revision, { policy: noting() });
      await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
      await expect(opening).rejects.not.toThrow(/hf_/);
      expect(server.asked).toHaveLength(1);
    },
  );

  test.each([
    [undefined, /a\/gated is gated: ask for access at http\S+\/a\/gated, then set HF_TOKEN/],
    ["hf_stranger", /gated, and the account of HF_TOKEN has no access to it/],
  ])("that is gated is refused to %s with how to get access", async (token, says) => {
    const folder = await folderOf("main", "a/gated", token);
    const opening = openCheckpoint(folder);
    await expect(opening).rejects.toMatchObject({ code: "repository_gated" });
    await expect(opening).rejects.toThrow(says);
    await opening.catch((error) => expect(isRetryable(error)).toBe(false));
  });

  test("that is gated or private is read by whoever may", async () => {
    for (const id of ["a/gated", "a/private"])
      expect(await convert(await folderOf("main", id, STAND_IN_TOKEN))).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ["no JSON", { status: 200, headers: { "content-type": "text/html" } }, /no JSON/],
    ["a refusal of its own", { status: 418 }, /answered 418/],
  ])("of a host that is no hub is a refusal: %s", async (_, fault, says) => {
    server.inject("/api/models", { kind: "status", ...fault });
    const finding = findRevision(hubOf(), ID, "main", { policy: noting() });
    await expect(finding).rejects.toMatchObject({ code: "store_refused" });
    await expect(finding).rejects.toThrow(says);
  });

  test("is asked for again where the hub is silent", async () => {
    server.inject("/api/models", { kind: "silence" });
    const policy = { ...impatientPolicy({}), stallMs: 200 };
    const told: string[] = [];
    const onRetry = ({ message }: Error) => told.push(message);
    const found = await findRevision(hubOf(), ID, "main", { policy, onRetry });
    expect(found.commit).toBe(server.commitOf(ID, "main"));
    expect(told).toEqual([`${server.origin}/${ID} was silent for 200 ms`]);
  });

  test("is no longer asked for once that is not wanted any more", async () => {
    server.inject("/api/models", { kind: "silence" });
    const stop = new AbortController();
    const finding = findRevision(hubOf(), ID, "main", {}, stop.signal);
    await expect.poll(() => server.asked.length).toBe(1);
    stop.abort("enough");
    await expect(finding).rejects.toBe("enough");
  });

  test("is waited for as long as the hub asks, in either of its ways to say so", async () => {
    const policy = noting();
    const busy = (headers: Record<string, string>): HubFault => ({
      kind: "status",
      status: 429,
      headers,
    });
    server.inject(
      "/api/models",
      busy({ "retry-after": "7" }),
      busy({ ratelimit: '"api";r=0;t=55' }),
      { kind: "status", status: 503 },
    );
    await folderOf("main", ID, undefined, policy);
    expect(policy.waits.slice(0, 2)).toEqual([7000, 55_000]);
    expect(policy.waits).toHaveLength(3);
  });
});

describe("files of a hub", () => {
  test("are the repository's bytes, wherever they are sent on to", async () => {
    const folder = await folderOf();
    for (const [name, bytes] of files) {
      const source = await folder.open(name);
      expect(source?.byteLength).toBe(bytes.byteLength);
      expect(await source?.slice(0, bytes.byteLength)).toEqual(bytes);
    }
  });

  test("are asked of the hub once each: the storage's address is used as long as it is good", async () => {
    const source = await (await folderOf()).open(SHARD);
    const before = server.asked.length;
    for (let part = 0; part < 10; part++) await source?.slice(part * 1000, 1000);
    expect(server.asked).toHaveLength(before);
    expect(server.fetched).toHaveLength(10);
  });

  test("are asked for anew whenever an address has expired, once for all who read", async () => {
    const whole = await convert(await folderOf());
    server.expireAfter(3);
    expect(await convert(await folderOf())).toBe(whole);
    server.expireAfter(Number.POSITIVE_INFINITY);
    const source = await (await folderOf()).open(SHARD);
    await source?.slice(0, 10);
    server.expire();
    const before = server.asked.length;
    const parts = await Promise.all([0, 1, 2, 3].map((part) => source?.slice(part * 100, 100)));
    expect(parts).toEqual([0, 1, 2, 3].map((part) => shard.slice(part * 100, part * 100 + 100)));
    expect(server.asked.length - before).toBe(1);
  });

  test("are read with the token at the hub, and without it anywhere else", async () => {
    await convert(await folderOf("main", ID, STAND_IN_TOKEN));
    const seen = (requests: typeof server.asked) =>
      new Set(requests.map(({ authorization }) => authorization));
    expect(seen(server.asked)).toEqual(new Set([`Bearer ${STAND_IN_TOKEN}`]));
    expect(server.fetched.length).toBeGreaterThan(0);
    expect(seen(server.fetched)).toEqual(new Set([undefined]));
  });

  test.each<[string, HubFault[]]>([
    [
      "a connection cut in the middle",
      [
        { kind: "cut", afterBytes: 500 },
        { kind: "cut", afterBytes: 1 },
      ],
    ],
    ["a storage that ignores ranges", [{ kind: "ignore-range" }]],
    [
      "a storage that breaks for a while",
      [
        { kind: "status", status: 503 },
        { kind: "status", status: 500 },
      ],
    ],
    ["both at once", [{ kind: "cut", afterBytes: 900 }, { kind: "ignore-range" }]],
  ])("come whole through %s", async (_, faults) => {
    const source = await (await folderOf()).open(SHARD);
    server.inject(SHARD, ...faults);
    expect(await source?.slice(100, 50_000)).toEqual(shard.slice(100, 50_100));
  });

  test("that are another's under the same commit are noticed", async () => {
    const folder = await folderOf();
    const source = await folder.open(SHARD);
    await source?.slice(0, 8);
    server.replace(ID, "main", SHARD, new Uint8Array(shard).fill(7));
    server.expire();
    await expect(source?.slice(100, 1000)).rejects.toMatchObject({ code: "object_changed" });
  });

  test("that have another length at the storage than the hub says are noticed", async () => {
    const source = await (await folderOf()).open(SHARD);
    server.replace(ID, "main", SHARD, new Uint8Array(shard.byteLength + 1));
    await expect(source?.slice(100, 1000)).rejects.toMatchObject({ code: "object_changed" });
  });

  test("of another commit than was asked for are refused", async () => {
    const folder = await folderOf();
    server.inject("config.json", {
      kind: "status",
      status: 200,
      headers: { "x-repo-commit": "f".repeat(40) },
    });
    await expect(folder.open("config.json")).rejects.toMatchObject({
      code: "object_changed",
      message: expect.stringMatching(/serves commit ffff\S+ in place of/),
    });
  });

  test.each(["http://127.0.0.1:1/x", "ftp://host/x", "http://["])(
    "are sought no further than an address that can be followed: %s",
    async (location) => {
      const folder = await folderOf();
      server.inject("config.json", { kind: "status", status: 302, headers: { location } });
      await expect(folder.open("config.json")).rejects.toMatchObject({
        code: expect.stringMatching(/^store_(?:refused|unavailable)$/),
      });
    },
  );

  test("are not followed in a circle", async () => {
    const folder = await folderOf();
    const location = `${folder.address}/config.json`;
    const circle: HubFault = { kind: "status", status: 302, headers: { location } };
    server.inject("config.json", ...Array.from({ length: 20 }, () => circle));
    await expect(folder.open("config.json")).rejects.toMatchObject({
      code: "store_refused",
      message: expect.stringMatching(/sends on more than 6 times$/),
    });
  });

  test("that are Git LFS pointers are refused by name", async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 4977222960\n`;
    server.push(ID, "main", new Map([...files, [SHARD, new TextEncoder().encode(pointer)]]));
    await expect(openCheckpoint(await folderOf())).rejects.toMatchObject({
      code: "checkpoint_lfs_pointer",
      message: expect.stringContaining(SHARD),
    });
  });
});
