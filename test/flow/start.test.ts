import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { createAdminClient, readUsage } from "#client/admin.ts";
import { type Client, createClient } from "#client/client.ts";
import { RefusedError } from "#client/errors.ts";
import { type SharedSystem, sharedSystem } from "../support/shared-system.ts";

const picture = new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"));

describe("the whole system, started as a newcomer starts it", () => {
  let system: SharedSystem;
  let client: Client;

  beforeAll(async () => {
    system = await sharedSystem("A newcomer");
    client = createClient({ baseUrl: system.url, apiKey: system.key });
  }, 120_000);

  test("a picture and a question become a true answer", async () => {
    const answer = await client.ask({ question: "What is this?", images: [picture], canvas: 16 });
    expect(answer).toMatchObject({ status: "completed", answer: "A dog.", model: system.model });
    expect(answer.usage.image_vectors).toBeGreaterThan(0);
  });

  test("a photograph is known, and the answer counts", async () => {
    const images = [new Uint8Array(readFileSync("test/fixtures/photographs/cat.jpg"))];
    const answer = await client.ask({ question: "What is this?", images, canvas: 16 });
    expect(answer).toMatchObject({
      ...{ status: "completed", answer: "A cat.", in_domain: true, abstained: false },
      // Whatever its size, a picture is one view resized to a square: 50 vectors and a newline.
      usage: { image_vectors: 51 },
    });
  });

  test("what the model says of pictures is told: one resized view, without tiles to choose from", async () => {
    const { data } = await client.models();
    expect(data).toMatchObject([
      {
        id: "unmask-demo",
        image: { aspect: "stretch", grid_pinpoints: [], recommended_max_side: 224 },
      },
    ]);
  });

  test("the same question has the same answer, to the last digit, each made for itself", async () => {
    const ask = { question: "What is this?", images: [picture], canvas: 16, cache: "off" } as const;
    const [first, second] = [await client.ask(ask), await client.ask(ask)];
    expect(second.tokens).toEqual(first.tokens);
  });

  test("frames tell how the canvas fills, and the answer is what they told", async () => {
    const stream = client.ask({
      question: "What is this?",
      images: [picture],
      canvas: 16,
      steps: 8,
      // Made now: what an earlier start on this machine left in the cache has no frames.
      cache: "off",
    });
    const canvas = new Map<number, string>();
    for await (const update of stream) {
      if (update.event !== "answer.frame") continue;
      for (const { position, text } of update.revealed) canvas.set(position, text);
    }
    const { answer } = await stream;
    const told = [...canvas].sort(([left], [right]) => left - right).map(([, text]) => text);
    expect(answer).not.toBe("");
    expect(told.join("")).toBe(answer);
  });

  test("a wrong key, a cut-off picture and an unknown field are refused, each by name", async () => {
    const stranger = createClient({ baseUrl: system.url, apiKey: system.key.replace(/.$/, "!") });
    const codes: string[] = [];
    const collect = (error: unknown): void => {
      if (!(error instanceof RefusedError)) throw error;
      codes.push(error.problem.code);
    };
    await stranger.ask({ question: "?", images: [picture] }).then(undefined, collect);
    const cut = picture.subarray(0, picture.length >> 1);
    await client.ask({ question: "?", images: [cut] }).then(undefined, collect);
    await client.ask({ question: "?", ...{ colour: "red" } }).then(undefined, collect);
    expect(codes).toEqual(["unauthenticated", "image_truncated", "invalid_request"]);
  });

  test("credit is granted, spent to the micro-dollar, and shown by the ledger and the usage", async () => {
    const admin = createAdminClient({ baseUrl: system.url, apiKey: system.admin_key });
    const { id: account } = await admin.createAccount({ name: "Flow" });
    await admin.grant(account, { amount_micros: 1_000_000 });
    const { id, key } = await admin.createKey({ account });
    const owner = { baseUrl: system.url, apiKey: key };
    const ask = { question: "What is this?", images: [picture], canvas: 16 };
    const { charged_micros: charged } = await createClient(owner).ask(ask);
    expect(charged).toBeGreaterThan(0);
    const shown = async () => await Array.fromAsync(readUsage(owner));
    await vi.waitFor(
      async () => expect(await shown()).toMatchObject([{ key: id, charged_micros: charged }]),
      { timeout: 20_000, interval: 500 },
    );
    await admin.revokeKey(id);
    await expect(shown()).rejects.toMatchObject({ problem: { code: "unauthenticated" } });
  });
});
