import { createServer } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CallerContext } from "#edge/caller-context.ts";
import { resolvePictures } from "#edge/pictures/pictures.ts";
import type { UploadsBinding } from "#edge/pictures/uploads.ts";
import { fetchImage } from "#inference/fetch/fetch-image.ts";
import { GrowingFile } from "#wire/body/growing-file.ts";
import { FETCH_PATH, fetchOrderSchema } from "#wire/function/fetch.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { isTicketFor, openTicket } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { png } from "../support/image-files.ts";
import { fileOf } from "../support/orders.ts";
import { listen, type TestServer } from "../support/test-server.ts";

// The edge's half of fetching a picture and the function's, joined as they are in service, before a host on loopback.

const FETCH_URL = "http://hop.test";
const file = png(30, 20);

let host: TestServer;
let caller: CallerContext<UploadsBinding>;
let allowsPrivate = true;

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  allowsPrivate = true;
  host = await listen(
    createServer((request, response) => {
      if (request.url === "/picture.png") response.end(file);
      else if (request.url === "/moved.png")
        response.writeHead(302, { location: "/picture.png" }).end();
      else if (request.url === "/endless.png") {
        const chunk = new Uint8Array(1024 * 1024);
        const more = (): void => void response.write(chunk, () => setImmediate(more));
        more();
      } else if (request.url !== "/hanging.png") response.writeHead(404).end("secret");
    }),
  );
  const { signing, verification } = await generateTicketKeys("test");
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    expect(request.url).toBe(FETCH_URL + FETCH_PATH);
    const body = new Uint8Array(await request.arrayBuffer());
    const jwt = request.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    const ticket = await openTicket(jwt, [verification], Date.now());
    if (!ticket.ok || !(await isTicketFor(ticket.value, body))) throw new Error("no ticket");
    const reach = { resolve: async () => ["127.0.0.1"], allowsPrivate, forbiddenPorts: [] };
    const order = fetchOrderSchema.parse(JSON.parse(new TextDecoder().decode(body)));
    if (order.purpose !== "image") throw new Error("no order for a picture");
    const fetched = await fetchImage(order, reach, request.signal);
    const refused = { requestId: "req_1", instance: FETCH_PATH };
    return fetched.ok
      ? new Response(fetched.value)
      : await refusalResponse(fetched.refusal, refused);
  });
  caller = {
    settings: { fetchUrl: FETCH_URL, ticketKey: signing },
    key: { accountId: "acc_test" },
    requestId: "req_1",
    signal: new AbortController().signal,
  } as unknown as CallerContext<UploadsBinding>;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await host.close();
});

/** Asks for a picture that is sent and one that is fetched. */
async function fetched(path: string, deadlineAt: number | null = null) {
  const sent = { kind: "file", file: GrowingFile.of(file) } as const;
  const url = host.origin + path;
  return await resolvePictures(caller, [sent, { kind: "url", url }], deadlineAt);
}

describe("a picture by address", () => {
  test.each(["/picture.png", "/moved.png"])("comes from its host as it is: %s", async (path) => {
    const found = await fetched(path);
    if (!found.ok) throw new Error(found.refusal.kind);
    expect(found.value.map(fileOf)).toEqual([file, file]);
  });

  test("that is not there is blamed by its index, without a word of what its host said", async () => {
    const found = await fetched("/missing.png");
    expect(found).toMatchObject({ refusal: { kind: "image_fetch_refused", image: 1 } });
    expect(JSON.stringify(found)).not.toContain("secret");
  });

  test("on a private network is not fetched", async () => {
    allowsPrivate = false;
    expect(await fetched("/picture.png")).toMatchObject({
      refusal: { kind: "image_fetch_blocked", image: 1 },
    });
  });

  test("that never comes is our time-out, told by the deadline", async () => {
    const startedAt = Date.now();
    expect(await fetched("/hanging.png", startedAt + 200)).toMatchObject({
      refusal: { kind: "image_fetch_timeout", image: 1 },
    });
    expect(Date.now() - startedAt).toBeLessThan(1_000);
  });

  test("that never ends is cut at its limit", async () => {
    expect(await fetched("/endless.png")).toMatchObject({
      refusal: { kind: "image_file_too_large", image: 1, limitBytes: MAX_IMAGE_BYTES },
    });
  });
});
