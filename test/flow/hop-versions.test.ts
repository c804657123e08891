import { decodeJwt, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import type { Question } from "#domain/question.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { problemOf } from "#wire/error.ts";
import { readAnswerEvents } from "#wire/function/events.ts";
import { encodeGenerate, GENERATE_PATH } from "#wire/function/generate.ts";
import { parseRefusal, refusalResponse } from "#wire/function/refusal.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { options } from "../support/edge-builders.ts";
import { corners } from "../support/exif-files.ts";
import { type JoinedHalves, joinHalves } from "../support/joined-halves.ts";
import { orderOf } from "../support/orders.ts";

// Edge and function are rolled out one after the other: one version apart they work, or say what is the matter.

let halves: JoinedHalves;
let question: Question;
beforeAll(async () => {
  halves = await joinHalves();
  question = {
    messages: [{ role: "user", text: "What is this?" }],
    images: [new Uint8Array(await corners().png().toBuffer())],
    options: options({ canvas: 4, steps: 1, blockLength: 4, stop: ["\n"] }),
  };
});
afterAll(() => halves.dispose());
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

/** Lets the function's replies through with another version of the hop; null takes it away. */
function functionOfVersion(version: number | null): { isStopped(): boolean } {
  let isStopped = false;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const reply = await halves.fetch(input, init);
    const headers = new Headers(reply.headers);
    if (version === null) headers.delete(HOP_VERSION_HEADER);
    else headers.set(HOP_VERSION_HEADER, String(version));
    const body = new ReadableStream({
      cancel() {
        isStopped = true;
      },
    });
    return new Response(version === null ? body : reply.body, { status: reply.status, headers });
  });
  return { isStopped: () => isStopped };
}

/** What an edge of that version writes into its ticket beside what every version writes. */
async function ticketOf(body: Uint8Array<ArrayBuffer>, claims: object): Promise<string> {
  const { kid } = halves.ticketKey;
  const now = Math.floor(Date.now() / 1000);
  const bodySha256 = await sha256Hex(body);
  return await new SignJWT({
    account: "acc_1",
    model: "unmask-demo",
    body_sha256: bodySha256,
    ...claims,
  })
    .setProtectedHeader({ alg: "EdDSA", typ: "JWT", kid })
    .setIssuer("unmask-edge")
    .setAudience("unmask-function")
    .setSubject("ans_1")
    .setJti(crypto.randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign({ ...halves.ticketKey });
}

/** An order as an edge of that version writes it: until the third its body was JSON, and the ticket was signed for all of it. */
async function order(claims: {
  readonly version?: number;
  readonly pictures?: readonly (readonly number[])[];
  readonly colour?: string;
}): Promise<Response> {
  const { body, head } =
    (claims.version ?? 1) < 3
      ? { body: encodeGenerate(question), head: encodeGenerate(question) }
      : await orderOf(question);
  return await send(body, head, claims);
}

async function send(
  body: Uint8Array<ArrayBuffer>,
  head: Uint8Array<ArrayBuffer>,
  claims: object,
): Promise<Response> {
  const headers = { authorization: `Bearer ${await ticketOf(head, claims)}` };
  return await halves.request(GENERATE_PATH, { method: "POST", body, headers });
}

async function endOf(response: Response): Promise<AnswerEvent | undefined> {
  const events = await Array.fromAsync(readAnswerEvents(response.body ?? new ReadableStream()));
  return events.at(-1);
}

test("the body of versions 1 and 2 is the same bytes: they are what an Idempotency-Key is held to, and were kept", () => {
  const bare = { ...question, images: [Uint8Array.of(1, 2, 3)] };
  expect(new TextDecoder().decode(encodeGenerate(bare))).toBe(
    '{"messages":[{"role":"user","text":"What is this?"}],"images":["AQID"],"options":{"detail":"auto","canvas":4,"steps":1,"block_length":4,"mode":"exact","temperature":0,"seed":0,"stop":["\\n"]}}',
  );
});

test("an edge signs the size and orientation of every picture, and its version", async () => {
  let jwt = "";
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    jwt = new Headers(init?.headers).get("authorization")?.slice("Bearer ".length) ?? "";
    return await halves.fetch(input, init);
  });
  const image = new Uint8Array(await corners().jpeg().withMetadata({ orientation: 6 }).toBuffer());
  await halves.ask({ ...question, images: [...question.images, image] });
  const claims = decodeJwt(jwt);
  expect(claims).toMatchObject({
    pictures: [
      [24, 16, 1],
      [24, 16, 6],
    ],
    version: HOP_VERSION,
  });
});

describe("a function", () => {
  test("serves an order of version 1, which names neither pictures nor version", async () => {
    expect(await endOf(await order({}))).toMatchObject({ kind: "answer.completed" });
  });

  test("gives an order of version 2, whose pictures are base64, the answer that it gives one of today", async () => {
    const [before, today] = await Promise.all(
      [2, HOP_VERSION].map(async (version) => await endOf(await order({ version }))),
    );
    expect(before).toMatchObject({ kind: "answer.completed" });
    expect(before).toEqual(today);
  });

  test.each<[string, (body: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>, string]>([
    ["another head", (body) => body.with(20, (body[20] ?? 0) ^ 1), "ticket_refused"],
    ["another picture", (body) => body.with(-1, (body.at(-1) ?? 0) ^ 1), "ticket_refused"],
    ["a body that is cut", (body) => body.slice(0, -1), "invalid_request"],
    ["a body that goes on", (body) => Uint8Array.of(...body, 0), "invalid_request"],
    ["nothing", () => new Uint8Array(), "ticket_refused"],
    ["a head of a gigabyte", (body) => body.with(0, 0x40), "body_too_large"],
  ])("refuses %s than its ticket was signed for", async (_, changed, kind) => {
    const { body, head } = await orderOf(question);
    const response = await send(changed(body), head, { version: HOP_VERSION });
    expect(parseRefusal(await response.json())).toMatchObject({ kind });
  });

  test("answers an order of version 2, which knows one mode, in exact: every pass computes the prompt", async () => {
    const end = await endOf(await order({ version: 2, pictures: [[24, 16, 1]] }));
    expect(end).toMatchObject({
      kind: "answer.completed",
      usage: { forwardPasses: 1, refreshes: 1 },
    });
  });

  test("passes over what a newer edge of its own version adds", async () => {
    const claims = { version: HOP_VERSION, pictures: [[24, 16, 1]], colour: "blue" };
    expect(await endOf(await order(claims))).toMatchObject({ kind: "answer.completed" });
  });

  test("refuses an order of a version to come, unread, and says which it speaks", async () => {
    const response = await order({ version: HOP_VERSION + 1 });
    expect(response.status).toBe(503);
    expect(parseRefusal(await response.json())).toEqual({
      kind: "function_outdated",
      version: HOP_VERSION,
      needed: HOP_VERSION + 1,
    });
  });

  test.each([
    ["none", []],
    [
      "one too many",
      [
        [24, 16, 1],
        [24, 16, 1],
      ],
    ],
  ])("refuses an order for other pictures than its body's: %s", async (_, pictures) => {
    const response = await order({ version: HOP_VERSION, pictures });
    expect(parseRefusal(await response.json())).toMatchObject({ kind: "ticket_refused" });
  });

  test("refuses, for nothing and for good, a picture that is not as large as it was priced", async () => {
    const end = await endOf(await order({ version: HOP_VERSION, pictures: [[16, 24, 1]] }));
    if (end?.kind !== "answer.failed") throw new Error("it was answered");
    const problem = problemOf(end.failure, { requestId: "req_1", instance: "/" });
    expect(problem).toMatchObject({ status: 422, retryable: false, charged_micros: 0 });
    expect(problem.detail).toContain("its header says 16 × 24 pixels, but 24 × 16 came out of it");
  });
});

describe("an edge", () => {
  test("refuses the reply of a function of version 1, stops it, and says that it will be replaced", async () => {
    const old = functionOfVersion(null);
    const ending = await halves.ask(question);
    if (ending.kind !== "refused") throw new Error("it was taken for an answer");
    expect(ending.failure).toEqual({ kind: "function_outdated", version: 1, needed: HOP_VERSION });
    expect(problemOf(ending.failure, { requestId: "req_1", instance: "/" })).toMatchObject({
      status: 503,
      retryable: true,
      charged_micros: 0,
    });
    expect(old.isStopped()).toBe(true);
  });

  test("does not blame its caller for a body that an older function cannot read", async () => {
    const problems = [{ pointer: "/messages/0", message: "has an unknown member" }];
    const failure = { kind: "invalid_request" as const, problems };
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async () => await refusalResponse(failure, { requestId: "req_1", instance: GENERATE_PATH }),
    );
    expect(await halves.ask(question)).toEqual({
      kind: "refused",
      failure: { kind: "function_outdated", version: 1, needed: HOP_VERSION },
    });
  });

  test("takes the reply of a function one version ahead, which serves its orders as they are meant", async () => {
    functionOfVersion(HOP_VERSION + 1);
    expect(await halves.ask(question)).toMatchObject({ kind: "answered" });
  });
});
