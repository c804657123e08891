import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newAnswerId } from "#edge/answers/answer-id.ts";
import { readQuestionText } from "#edge/answers/storage/stored-question.ts";
import { INLINE_PICTURE_BYTES, keptQuestion } from "#edge/questions/picture-store.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { pngBytes, story } from "../../support/edge-builders.ts";
import { readOrderBody } from "../../support/orders.ts";
import { answerObject } from "../answer-objects.ts";
import { modelReply } from "../cache/model-reply.ts";
import {
  ask,
  askJson,
  digest,
  eventReply,
  functionReplies,
  refusal,
  type SentRequest,
} from "../function-double.ts";
import { openAccount } from "../routes/administration.ts";
import { endOfBatch, items, postBatch } from "../routes/batch-calls.ts";
import { upload, uploaded } from "../routes/images.ts";
import { replay } from "../routes/replays.ts";

const DAY_MS = 24 * 3_600_000;
const asked = { question: "What is this?", canvas: 4, steps: 2, cache: "off" } as const;
const model = await modelReply(digest).json<ModelCard>();

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A PNG that nobody has sent before, of more bytes than are kept with a question. */
function large(bytes = INLINE_PICTURE_BYTES + 1): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(bytes);
  crypto.getRandomValues(file.subarray(-64));
  file.set(pngBytes);
  return file;
}

/** What the bucket has of questions' pictures, for an owner or for all. */
async function stored(owner = ""): Promise<string[]> {
  const { objects } = await env.IMAGES.list({ prefix: `work/acc_test/${owner}` });
  return objects.map(({ key }) => key);
}

function picturesIn({ body }: SentRequest): readonly Uint8Array[] {
  const order = readOrderBody(body);
  if (!order.ok) throw new Error(order.refusal.kind);
  return order.value.images;
}

async function answerOf(response: Response): Promise<AnswerBody> {
  return answerSchema.parse(await response.json());
}

function formOf(file: Uint8Array<ArrayBuffer>, fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
  form.append("image", new Blob([file]), "large.png");
  return form;
}

/** Each way in which a picture can be sent. */
const forms: readonly (readonly [
  string,
  (file: Uint8Array<ArrayBuffer>, fields: object) => Promise<Response>,
])[] = [
  [
    "as a part of a form",
    async (file, fields) =>
      await ask("/v1/answers", { method: "POST", body: formOf(file, fields) }),
  ],
  [
    "as base64",
    async (file, fields) => await askJson({ ...fields, image: { data: encodeBase64(file) } }),
  ],
  [
    "as a data URI with escaped slashes",
    async (file, fields) => {
      const image = { data: `data:image/png;base64,${encodeBase64(file)}` };
      return await ask("/v1/answers", {
        method: "POST",
        body: JSON.stringify({ ...fields, image }).replaceAll("/", "\\/"),
        headers: { "content-type": "application/json" },
      });
    },
  ],
  [
    "by the id of its upload",
    async (file, fields) => await askJson({ ...fields, image: { id: (await uploaded(file)).id } }),
  ],
  [
    "by its address",
    async (_, fields) => await askJson({ ...fields, image: { url: "https://host.test/a.png" } }),
  ],
];

describe.each(forms)("a large picture %s", (_, send) => {
  test("reaches the function as it is, lies under its answer and digest, and is deleted a day after its end", async () => {
    const file = large();
    const { orders } = functionReplies(({ url }) =>
      url.endsWith(FETCH_PATH) ? new Response(file) : eventReply(story),
    );
    const answer = await answerOf(await send(file, asked));
    expect(answer.status).toBe("completed");
    const [order] = orders;
    expect(order && picturesIn(order)).toEqual([file]);
    const place = `work/acc_test/${answer.id}/${await sha256Hex(file)}`;
    expect(await stored(answer.id)).toEqual([place]);

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY_MS + 60_000 });
    await runDurableObjectAlarm(answerObject(answer.id));
    expect(await stored(answer.id)).toEqual([]);
  });

  test("is the picture that an equal question was asked about, however that was sent", async () => {
    const file = large();
    const { orders } = functionReplies(
      ({ url }) => (url.endsWith(FETCH_PATH) ? new Response(file) : eventReply(story)),
      model,
    );
    const { cache: __, ...cached } = asked;
    const first = await answerOf(
      await ask("/v1/answers", { method: "POST", body: formOf(file, cached) }),
    );
    await vi.waitFor(async () => {
      expect(await answerOf(await send(file, cached))).toMatchObject({
        id: first.id,
        cached: true,
      });
    });
    expect(orders).toHaveLength(1);
  });
});

describe("a large picture", () => {
  test("of a caller who cannot pay is not stored", async () => {
    functionReplies(() => eventReply(story));
    const { id, key } = await openAccount({}, 0);
    const body = formOf(large(), asked);
    const headers = { authorization: `Bearer ${key}` };
    const response = await ask("/v1/answers", { method: "POST", body, headers });
    expect(response.status).toBe(402);
    expect((await env.IMAGES.list({ prefix: `work/${id}/` })).objects).toEqual([]);
  });

  test("that cannot be a picture is refused by its header, and not stored", async () => {
    functionReplies(() => eventReply(story));
    const before = await stored();
    const body = formOf(large().fill(0, 0, 8), asked);
    const response = await ask("/v1/answers", { method: "POST", body });
    expect(await refusal(response)).toMatchObject({ code: "image_unsupported", status: 422 });
    expect(await stored()).toEqual(before);
  });

  test("that storage does not take gives its price back", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const before = await ask("/v1/ledger?limit=1");
    vi.spyOn(env.IMAGES, "put").mockRejectedValue(new Error("storage is away"));
    const response = await ask("/v1/answers", { method: "POST", body: formOf(large(), asked) });
    expect(await refusal(response)).toMatchObject({ code: "internal", charged_micros: 0 });
    expect(orders).toEqual([]);
    const [then, now] = (await Promise.all(
      [before, await ask("/v1/ledger?limit=1")].map(async (reply) => await reply.json()),
    )) as { data: { available_micros: number }[] }[];
    expect(now?.data[0]?.available_micros).toBe(then?.data[0]?.available_micros);
  });

  test("that is gone when its answer is made is a failure that costs nothing, and nobody repeats", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    vi.spyOn(env.IMAGES, "head").mockResolvedValue(null as never);
    const file = large();
    const response = await ask("/v1/answers", { method: "POST", body: formOf(file, asked) });
    expect(await refusal(response)).toMatchObject({
      ...{ code: "image_not_found", status: 422, retryable: false, charged_micros: 0 },
    });
    expect(orders).toEqual([]);
  });

  test("is replayed from a file of its own, also when the upload that it came from is deleted", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const file = large();
    const { id } = await uploaded(file);
    const answer = await answerOf(await askJson({ ...asked, image: { id } }));
    await ask(`/v1/images/${id}`, { method: "DELETE" });
    const replayed = await (await replay(answer.id)).json<{
      replayed_id: string;
      equal: boolean;
    }>();
    expect(replayed.equal).toBe(true);
    expect(orders.map(picturesIn)).toEqual([[file], [file]]);
    expect(await stored(replayed.replayed_id)).toHaveLength(1);
    expect(await stored(answer.id)).toHaveLength(1);
  });

  test("of a batch's defaults is stored once, and every item is answered about it", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const file = large();
    const defaults = { image: { data: encodeBase64(file) }, cache: "off" };
    const response = await postBatch({ items: items(3), defaults });
    const { id } = await response.json<{ id: string }>();
    expect((await endOfBatch(id)).counts).toMatchObject({ total: 3, completed: 3 });
    expect(orders.map(picturesIn)).toEqual([[file], [file], [file]]);
    expect(await stored(id)).toEqual([`work/acc_test/${id}/${await sha256Hex(file)}`]);
  });

  test("of a batch that is not taken on is deleted", async () => {
    functionReplies(() => eventReply(story));
    const before = await stored();
    const defaults = { image: { data: encodeBase64(large()) } };
    const response = await postBatch({ items: items(1), defaults, max_price_micros: 0 });
    expect(await refusal(response)).toMatchObject({ code: "price_above_maximum" });
    expect(await stored()).toEqual(before);
  });
});

test("a large picture of a question that an earlier version kept is there at every attempt to make its answer", async () => {
  const file = large();
  const question = readQuestionText(
    JSON.stringify({
      ...{ messages: [{ role: "user", text: "What is this?" }], images: [encodeBase64(file)] },
      options: {
        ...{ detail: "auto", canvas: 4, steps: 2, block_length: 4, mode: "exact" },
        ...{ temperature: 0, seed: 0, stop: [] },
      },
    }),
  );
  const owner = { accountId: "acc_test", id: newAnswerId() };
  const first = await keptQuestion(env.IMAGES, owner, question);
  expect(first.images).toMatchObject([{ kind: "stored", bytes: file.length }]);
  expect(await keptQuestion(env.IMAGES, owner, question)).toEqual(first);
});

test("a small picture and its question are one row, and nothing of them is in the bucket", async () => {
  const { orders } = functionReplies(() => eventReply(story));
  const answer = await answerOf(
    await askJson({ ...asked, image: { data: encodeBase64(pngBytes) } }),
  );
  expect(orders.map(picturesIn)).toEqual([[pngBytes]]);
  expect(await stored(answer.id)).toEqual([]);
});

test("an upload of before, whose orientation was not written down, is read for it", async () => {
  const { orders } = functionReplies(() => eventReply(story));
  const file = large();
  const { id } = await uploaded(file);
  const place = `acc_test/${id.slice("img_".length)}`;
  const { customMetadata: { orientation: _, ...before } = {} } =
    (await env.IMAGES.head(place)) ?? {};
  await env.IMAGES.put(place, file, { customMetadata: before });
  expect((await answerOf(await askJson({ ...asked, image: { id } }))).status).toBe("completed");
  expect(orders.map(picturesIn)).toEqual([[file]]);
});

test("a body that does not say how long it is is refused once it is too long, and a shorter one is taken", async () => {
  functionReplies(() => eventReply(story));
  const streamOf = (bytes: number): ReadableStream => {
    let left = bytes;
    return new ReadableStream({
      type: "bytes",
      pull(controller) {
        const chunk = left === bytes ? large(1024 * 1024) : new Uint8Array(Math.min(left, 1 << 20));
        left -= chunk.length;
        controller.enqueue(chunk);
        if (left === 0) controller.close();
      },
    });
  };
  expect(await refusal(await upload(streamOf(17 << 20)))).toMatchObject({ code: "body_too_large" });
  expect((await upload(streamOf(2 << 20))).status).toBe(201);
});
