import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { standardRetention } from "#domain/retention.ts";
import { uploadSchema } from "#wire/api/answers/images.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import { story } from "../../../support/edge-builders.ts";
import { jpeg } from "../../../support/image-files.ts";
import { readOrderBody } from "../../../support/orders.ts";
import { ask, askJson, eventReply, functionReplies, refusal } from "../../function-double.ts";
import { picture, upload, uploaded } from "../images.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function at(now: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now });
}

describe("POST /v1/images works", () => {
  test("for a file as it is: its id is its digest, its size is read from its header", async () => {
    at(Date.UTC(2026, 0, 2));
    const file = picture(30, 20);
    const response = await upload(file);
    expect(response.status).toBe(201);
    const body = uploadSchema.parse(await response.json());
    expect(body).toEqual({
      id: `img_${await sha256Hex(file)}`,
      object: "image",
      bytes: file.length,
      width: 30,
      height: 20,
      media_type: "image/png",
      created_at: "2026-01-02T00:00:00.000Z",
      expires_at: "2026-02-01T00:00:00.000Z",
    });
    expect(response.headers.get("location")).toBe(`/v1/images/${body.id}`);
  });

  test("for a photo that lies on its side: the size is upright, the type what the bytes say", async () => {
    const photo = Uint8Array.from(jpeg(40, 30, { orientation: 6 }));
    const response = await upload(photo, { type: "application/octet-stream" });
    expect(uploadSchema.parse(await response.json())).toMatchObject({
      width: 30,
      height: 40,
      media_type: "image/jpeg",
    });
  });

  test("for a form with the file as its part image", async () => {
    const form = new FormData();
    form.append("image", new Blob([picture(31)]), "cat.png");
    const response = await ask("/v1/images", { method: "POST", body: form });
    expect(response.status).toBe(201);
    expect(uploadSchema.parse(await response.json())).toMatchObject({ width: 31 });
  });

  test("twice for equal bytes: the same id, kept for longer", async () => {
    at(Date.UTC(2026, 0, 1));
    const first = await uploaded(picture(32));
    at(Date.UTC(2026, 0, 11));
    const again = await upload(picture(32));
    expect(again.status).toBe(200);
    expect(uploadSchema.parse(await again.json())).toEqual({
      ...first,
      expires_at: new Date(Date.UTC(2026, 0, 11) + standardRetention.uploadMs).toISOString(),
    });
  });
});

describe("an uploaded picture works", () => {
  test("in many questions, beside pictures that are sent and fetched, in a conversation", async () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const [first, second, third] = [picture(34), picture(35), picture(36)];
    const { id } = await uploaded(second);
    const { orders } = functionReplies(({ url }) =>
      url.endsWith(FETCH_PATH) ? new Response(third) : eventReply(story),
    );
    const messages = [
      { role: "user", content: "What is the first?" },
      { role: "assistant", content: "A square." },
      { role: "user", content: "And the others?" },
    ];
    const images = [encodeBase64(first), { id }, { url: "https://pictures.test/third.png" }];
    for (const seed of [1, 2]) {
      const response = await askJson({ messages, images, canvas: 4, steps: 2, seed });
      expect([response.status, answerSchema.parse(await response.json()).status]).toEqual([
        ...[200, "completed"],
      ]);
    }
    expect(orders).toHaveLength(2);
    for (const { body } of orders)
      expect(readOrderBody(body)).toMatchObject({
        value: {
          images: [first, second, third],
          messages: messages.map(({ role, content }) => ({ role, text: content })),
        },
      });
  });

  test("refuses the question with its index when it was deleted", async () => {
    const { id } = await uploaded(picture(37));
    await ask(`/v1/images/${id}`, { method: "DELETE" });
    const { sent } = functionReplies(() => eventReply(story));
    const images = [encodeBase64(picture(38)), { id }];
    const problem = await refusal(await askJson({ question: "?", images }));
    expect(problem).toMatchObject({ code: "image_not_found", status: 422 });
    expect([problem.detail.startsWith("Picture 2: "), sent]).toEqual([true, []]);
  });
});

describe("GET and DELETE /v1/images/{id} work", () => {
  test("showing what the upload showed, and nothing after it was deleted", async () => {
    const body = await uploaded(picture(33));
    const shown = await ask(`/v1/images/${body.id}`);
    expect(uploadSchema.parse(await shown.json())).toEqual(body);
    const deleted = await ask(`/v1/images/${body.id}`, { method: "DELETE" });
    expect([deleted.status, await deleted.text()]).toEqual([204, ""]);
    expect((await ask(`/v1/images/${body.id}`)).status).toBe(404);
    expect(await env.IMAGES.head(`acc_test/${body.id.slice(4)}`)).toBeNull();
  });
});
