import { createServer, type RequestListener } from "node:http";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { deliver } from "#inference/fetch/deliver.ts";
import type { Reach } from "#inference/fetch/destination.ts";
import { beginningOf } from "#inference/fetch/response-text.ts";
import { deliveryReplySchema, MAX_RESPONSE_BYTES } from "#wire/function/fetch.ts";
import { listen, type TestServer } from "../support/test-server.ts";

const reach: Reach = {
  resolve: async () => ["127.0.0.1"],
  allowsPrivate: true,
  forbiddenPorts: [],
};

let receiver: TestServer | undefined;
afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});

/** Delivers to a receiver and says what was heard of it, and resolves only once its connection is closed. */
async function heard(listener: RequestListener, wantsResponse = true): Promise<unknown> {
  const closed = Promise.withResolvers<void>();
  receiver = await listen(
    createServer((request, response) => {
      request.socket.once("close", () => closed.resolve());
      listener(request, response);
    }),
  );
  const order = { purpose: "webhook", headers: {}, body: "{}", timeout_ms: 10_000 } as const;
  const { signal } = new AbortController();
  const url = `${receiver.origin}/`;
  const reply = await deliver({ ...order, url }, reach, signal, Date.now, wantsResponse);
  await closed.promise;
  expect(deliveryReplySchema.parse(JSON.parse(JSON.stringify(reply)))).toEqual(reply);
  return reply;
}

describe("of what a receiver says", () => {
  test("its words are told, with the status that they came with", async () => {
    const reply = await heard((_, response) => {
      response.writeHead(400, { "retry-after": "7" }).end("unknown field: Größe\n");
    });
    expect(reply).toMatchObject({
      status: 400,
      retry_after: "7",
      response: "unknown field: Größe\n",
    });
  });

  test("nothing is told where it says nothing", async () => {
    const reply = await heard((_, response) => void response.writeHead(204).end());
    expect(reply).toMatchObject({ status: 204, response: "" });
  });

  test("nothing is told to an edge of before, which would refuse the reply and send again", async () => {
    const reply = await heard((_, response) => void response.end("fine"), false);
    expect(reply).toMatchObject({ status: 200 });
    expect(reply).not.toHaveProperty("response");
  });

  test("only the beginning is read where it never ends", async () => {
    let sent = 0;
    const reply = await heard((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write("a".repeat(16_384))) sent += 1;
      };
      response.on("drain", more);
      more();
    });
    expect(reply).toMatchObject({ status: 200, response: "a".repeat(MAX_RESPONSE_BYTES) });
    // What the system's buffers took, not the gigabytes that a reader would have been sent.
    expect(sent).toBeLessThan(4096);
  });

  test("what came is told where the rest never does, and the delivery has arrived", async () => {
    const reply = await heard((_, response) => void response.writeHead(200).write("half a sen"));
    expect(reply).toMatchObject({ outcome: "response", status: 200, response: "half a sen" });
  });

  test("what came is told where it breaks off, and the delivery has arrived", async () => {
    const reply = await heard((_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy());
    });
    expect(reply).toMatchObject({ outcome: "response", status: 200, response: "half" });
  });

  test("what drips is left when its time is over", async () => {
    const drip = new Readable({ read: () => undefined });
    drip.push("one drop");
    expect(await beginningOf(drip, 20)).toBe("one drop");
    expect(drip.destroyed).toBe(true);
  });

  test("what is no text is replaced, and what would steer a terminal too", async () => {
    const bytes = Buffer.from([
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x00, 0x1b, 0x5b, 0x09, 0xc2, 0x9b,
    ]);
    expect(await beginningOf(Readable.from([bytes]))).toBe("\ufffdPNG\r\n\ufffd\ufffd[\t\ufffd");
  });

  test("a character that the limit cuts is left out", async () => {
    const text = "a".repeat(MAX_RESPONSE_BYTES - 1);
    expect(await beginningOf(Readable.from([Buffer.from(`${text}ü`)]))).toBe(text);
  });

  test("whatever it is and however it comes, never more than the limit is told", async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(pieces, async (bytes) => {
        const text = await beginningOf(Readable.from(bytes.map((piece) => Buffer.from(piece))));
        expect(text.length).toBeLessThanOrEqual(MAX_RESPONSE_BYTES);
        expect(text).not.toMatch(/(?![\t\n\r])\p{Cc}/u);
      }),
      { numRuns: 50, seed: 7 },
    );
  });
});
