import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent, AnswerFrame } from "#domain/event.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { LedgerObject } from "#edge/ledger/ledger-object.ts";
import { KEY_SCOPES } from "#wire/api/accounts/key.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { decodeSse, encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { collect, emptyStory, failures, story } from "../../../support/edge-builders.ts";
import { answerObject } from "../../answer-objects.ts";
import {
  ask,
  askJson,
  eventReply,
  functionReplies,
  refusal,
  streamReply,
} from "../../function-double.ts";
import { administer, newKey } from "../administration.ts";
import { picture, uploaded } from "../images.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const asked = { question: "What is this?", canvas: 4, steps: 2, mode: "exact" };

async function balance() {
  return await ledgerOf(env, "acc_test").balance();
}

function key(): { "idempotency-key": string } {
  return { "idempotency-key": crypto.randomUUID() };
}

function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  if (body === null) throw new Error("no body");
  return body;
}

/** The first few of what comes; the rest is left. */
async function first<Value>(count: number, values: AsyncIterable<Value>): Promise<Value[]> {
  const taken: Value[] = [];
  for await (const value of values) if (taken.push(value) === count) break;
  return taken;
}

describe("POST /v1/answers is paid for", () => {
  test("by its quote when it is completed, and tells what is left of the rates", async () => {
    functionReplies(() => eventReply(story));
    const before = await balance();
    const response = await askJson(asked);
    const { charged_micros } = answerSchema.parse(await response.json());
    expect(charged_micros).toBeGreaterThan(0);
    const after = await balance();
    expect(before.available - after.available).toBe(BigInt(charged_micros));
    expect(after.held).toBe(before.held);
    expect(response.headers.get("ratelimit-policy")).toMatch(/^"rpm";q=\d+;w=60, "steps";q=\d+/);
    expect(response.headers.get("ratelimit")).toMatch(/^"rpm";r=\d+;t=\d+, "steps";r=\d+;t=\d+/);
  });

  test.each([
    [
      "fails on the way",
      () =>
        eventReply([...story.slice(0, 2), { kind: "answer.failed", failure: failures.image_bomb }]),
    ],
    [
      "comes of numbers that are none",
      () =>
        eventReply([
          ...story.slice(0, 2),
          { kind: "answer.failed", failure: failures.logits_not_finite },
        ]),
    ],
    ["breaks off", () => eventReply(story.slice(0, 2))],
    ["is not taken", () => new Response("", { status: 503 })],
  ] as const)("with nothing when it %s", async (_, reply) => {
    functionReplies(reply);
    const before = await balance();
    expect((await askJson(asked)).ok).toBe(false);
    expect(await balance()).toEqual(before);
  });

  test("with nothing when it is empty: the hold is released, but its steps still count against the rates", async () => {
    const left = (response: Response): number =>
      Number(/"steps";r=(\d+)/.exec(response.headers.get("ratelimit") ?? "")?.[1]);
    // A window of the rates may end between two of the requests.
    await vi.waitFor(async () => {
      functionReplies(() => eventReply(story));
      const first = await askJson(asked);
      functionReplies(() => eventReply(emptyStory));
      const before = await balance();
      const empty = await refusal(await askJson(asked));
      expect(empty).toMatchObject({ code: "empty_answer", status: 422, retryable: false });
      expect(empty.detail).toContain("smaller canvas");
      expect(await balance()).toEqual(before);
      functionReplies(() => eventReply(story));
      expect(left(await askJson(asked))).toBe(left(first) - 2 * asked.steps);
    });
  });

  test("an empty answer tells no token: not in its frames, not while it runs, not at its end", async () => {
    functionReplies(() => eventReply(emptyStory));
    const messages = await collect(decodeSse(bodyOf(await askJson({ ...asked, stream: true }))));
    expect(messages.map(({ event }) => event)).toEqual([
      ...["answer.started", "answer.frame", "answer.frame", "answer.failed"],
    ]);
    expect(messages.map(({ data }) => data).join("")).not.toContain("square");
    const [id = ""] = (messages[1]?.id ?? "").split(".");
    const kept = answerSchema.parse(await (await ask(`/v1/answers/${id}`)).json());
    expect(kept).toMatchObject({
      ...{ status: "failed", answer: "", tokens: [], charged_micros: 0 },
      ...{ usage: { steps: 2 }, error: { code: "empty_answer" } },
    });
  });

  test("tokens are told all at once as soon as the answer is known not to be empty, and a canvas cancelled before that is told as it is charged", async () => {
    const [started, one, two] = story as [AnswerEvent, AnswerFrame, AnswerFrame];
    const unsure = { ...one, hasText: false };
    functionReplies(() => eventReply([started, unsure, two, ...story.slice(3)]));
    const events = await collect(decodeSse(bodyOf(await askJson({ ...asked, stream: true }))));
    const [, unheard, heard] = events.map(({ data }) => JSON.parse(data));
    expect([unheard.revealed, heard.revealed.length]).toEqual([[], 4]);
    const places = one.revealed.map(({ position, confidence }) => ({ position, confidence }));
    expect([unheard.sealed, heard.sealed]).toEqual([places, undefined]);
    const utf8 = new TextEncoder();
    functionReplies(({ signal }) =>
      streamReply(
        new ReadableStream({
          start(controller) {
            for (const event of [started, unsure])
              controller.enqueue(utf8.encode(encodeSse(eventMessage(event, "ans_x"))));
            signal.addEventListener("abort", () => controller.error(signal.reason));
          },
        }),
      ),
    );
    const held = await first(
      2,
      decodeSse(bodyOf(await askJson({ ...asked, stream: true, seed: 1 }))),
    );
    expect(held.map(({ data }) => data).join("")).not.toContain("red");
    const [id = ""] = (held[1]?.id ?? "").split(".");
    const running = answerSchema.parse(await (await ask(`/v1/answers/${id}`)).json());
    expect(running).toMatchObject({ status: "running", answer: "", tokens: [] });
    const cancelled = await ask(`/v1/answers/${id}/cancel`, { method: "POST" });
    expect(answerSchema.parse(await cancelled.json())).toMatchObject({ answer: "A red" });
  });

  test("also when it takes longer than a hold lives: renewed while the function works, and no longer", async () => {
    const renewed = vi.spyOn(LedgerObject.prototype, "renew");
    const { promise: isRenewed, resolve } = Promise.withResolvers<void>();
    const { sent } = functionReplies(async () => {
      await isRenewed;
      return eventReply(story);
    });
    const reply = await askJson(asked, { prefer: "respond-async" });
    const { id } = answerSchema.parse(await reply.json());
    const object = answerObject(id);
    await vi.waitFor(() => expect(sent.length).toBe(1));
    expect(await runDurableObjectAlarm(object)).toBe(true);
    expect(renewed.mock.calls).toEqual([[id]]);
    resolve();
    await vi.waitFor(async () => {
      expect((await (await ask(`/v1/answers/${id}`)).json<{ status: string }>()).status).toBe(
        "completed",
      );
    });
    await runDurableObjectAlarm(object);
    expect(renewed.mock.calls).toEqual([[id]]);
    expect(sent.length).toBe(1);
  });

  test("with nothing when no function takes it, also if the ledger must be told twice", async () => {
    functionReplies(() => new Response("", { status: 503 }));
    const before = await balance();
    vi.spyOn(LedgerObject.prototype, "release").mockRejectedValueOnce(new Error("moved"));
    expect((await refusal(await askJson(asked))).code).toBe("function_unreachable");
    expect(await balance()).toEqual(before);
  });

  test("and is refused for its own reason when the ledger is out of reach", async () => {
    functionReplies(() => new Response("", { status: 503 }));
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const release = vi
      .spyOn(LedgerObject.prototype, "release")
      .mockRejectedValue(new Error("out of reach"));
    expect((await refusal(await askJson(asked))).code).toBe("function_unreachable");
    expect(release.mock.calls.length).toBeGreaterThan(1);
    expect(logged).toHaveBeenCalledWith(expect.stringContaining("could not be settled"));
    const [holdId = ""] = release.mock.calls[0] ?? [];
    release.mockRestore();
    await ledgerOf(env, "acc_test").release(holdId);
  });

  test("for the steps that ran when it is cancelled, which is told", async () => {
    const utf8 = new TextEncoder();
    functionReplies(({ signal }) =>
      streamReply(
        new ReadableStream({
          start(controller) {
            for (const event of story.slice(0, 2))
              controller.enqueue(utf8.encode(encodeSse(eventMessage(event, "ans_x"))));
            signal.addEventListener("abort", () => controller.error(signal.reason));
          },
        }),
      ),
    );
    const before = await balance();
    const streamed = await askJson({ ...asked, stream: true });
    const [, frame] = await first(2, decodeSse(bodyOf(streamed)));
    const [id = ""] = (frame?.id ?? "").split(".");
    const cancelled = await ask(`/v1/answers/${id}/cancel`, { method: "POST" });
    const told = answerSchema.parse(await cancelled.json());
    expect(told).toMatchObject({ status: "cancelled", usage: { steps: 1 }, answer: "A red" });
    const part = before.available - (await balance()).available;
    expect([BigInt(told.charged_micros), (await balance()).held]).toEqual([part, before.held]);
    functionReplies(() => eventReply(story));
    const whole = answerSchema.parse(await (await askJson(asked)).json()).charged_micros;
    expect(part).toBeGreaterThan(0n);
    expect(part).toBeLessThan(BigInt(whole));
  });

  test("not at all above max_price_micros: nothing is begun", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const problem = await refusal(await askJson({ ...asked, max_price_micros: 0 }));
    expect([problem.status, problem.code, sent.length]).toEqual([422, "price_above_maximum", 0]);
  });
});

describe("POST /v1/answers with an Idempotency-Key", () => {
  test("charges once and repeats the reply, plain or as an event", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const headers = key();
    const first = await askJson(asked, headers);
    const body = await first.json();
    const before = await balance();
    const again = await askJson(asked, headers);
    expect(await again.json()).toEqual(body);
    expect([first, again].map((reply) => reply.headers.get("idempotency-replayed"))).toEqual([
      null,
      "true",
    ]);
    const streamed = await askJson({ ...asked, stream: true }, headers);
    if (streamed.body === null) throw new Error("no body");
    const [message, ...rest] = await collect(decodeSse(streamed.body));
    expect([message?.event, JSON.parse(message?.data ?? ""), rest]).toEqual([
      "answer.completed",
      body,
      [],
    ]);
    expect([await balance(), sent.length]).toEqual([before, 1]);
  });

  test("once also where it was asked of release 0.1.0, which knew one mode and answered in it", async () => {
    functionReplies(() => eventReply(story));
    const { mode: _, ...plain } = { ...asked, question: "What was this?" };
    const sent = key();
    const body = await (await askJson(plain, sent)).json();
    const options = {
      ...{ detail: "auto", canvas: 4, steps: 2, block_length: 4, mode: "exact" },
      ...{ temperature: 0, seed: 0, stop: [] },
    };
    const messages = [{ role: "user", text: plain.question }];
    const question = JSON.stringify({ messages, images: [], options });
    const canonical = JSON.stringify([[null, null, null], question, []]);
    const fingerprint = await sha256Hex(Uint8Array.from(new TextEncoder().encode(canonical)));
    await runInDurableObject(env.LEDGER.getByName("acc_test"), (_object, { storage }) => {
      storage.sql.exec(
        "UPDATE replies SET fingerprint = ? WHERE scope LIKE '%' || ?",
        ...[fingerprint, sent["idempotency-key"]],
      );
    });
    const again = await askJson(plain, sent);
    expect([again.headers.get("idempotency-replayed"), await again.json()]).toEqual(["true", body]);
    for (const terms of [{ mode: "exact" }, { mode: "fast" }, { mode: "cached", refresh: 2 }]) {
      const other = await refusal(await askJson({ ...plain, ...terms }, sent));
      expect(other.code).toBe("idempotency_mismatch");
    }
  });

  test("refuses another body, and a key that is none", async () => {
    functionReplies(() => eventReply(story));
    const headers = key();
    await askJson(asked, headers);
    const other = await refusal(await askJson({ ...asked, question: "Who?" }, headers));
    expect([other.status, other.code]).toEqual([422, "idempotency_mismatch"]);
    const bad = await refusal(await askJson(asked, { "idempotency-key": "x".repeat(256) }));
    expect([bad.status, bad.code]).toEqual([400, "idempotency_key_invalid"]);
  });

  test("repeats the reply also when its upload was deleted, or its key may no longer ask that model", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const { id: keyId, key: secret } = await newKey({ account: "acc_test", scopes: KEY_SCOPES });
    const { id: uploadId } = await uploaded(picture(31, 21));
    const image = { id: uploadId };
    const headers = { ...key(), authorization: `Bearer ${secret}` };
    const first = await askJson({ ...asked, image }, headers);
    const body = await first.json();
    expect(first.status).toBe(200);
    await ask(`/v1/images/${image.id}`, { method: "DELETE" });
    const again = await askJson({ ...asked, image }, headers);
    expect(await again.json()).toEqual(body);

    await administer("PATCH", `/v1/keys/${keyId}`, { models: ["another"] });
    const restricted = await askJson({ ...asked, image }, headers);
    expect(await restricted.json()).toEqual(body);
    expect(restricted.headers.get("idempotency-replayed")).toBe("true");
    const anew = { ...headers, ...key() };
    expect((await refusal(await askJson(asked, anew))).code).toBe("model_forbidden");
    expect(sent).toHaveLength(1);
  });

  test("tells a second request to wait while the first runs, of which one is charged", async () => {
    const { promise: going, resolve: go } = Promise.withResolvers<void>();
    functionReplies(async () => {
      await going;
      return eventReply(story);
    });
    const headers = key();
    const first = askJson(asked, headers);
    await vi.waitFor(async () => {
      const second = await askJson(asked, headers);
      expect([second.status, second.headers.get("retry-after")]).toEqual([409, "2"]);
    });
    go();
    expect((await first).status).toBe(200);
  });

  test("runs anew after a failure of ours", async () => {
    const headers = key();
    functionReplies(() => eventReply([]));
    expect((await askJson(asked, headers)).status).toBe(502);
    vi.restoreAllMocks();
    functionReplies(() => eventReply(story));
    const again = await askJson(asked, headers);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, null]);
  });
});
