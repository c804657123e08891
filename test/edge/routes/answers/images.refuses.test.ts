import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { standardRetention } from "#domain/retention.ts";
import { MAX_UPLOADS } from "#edge/pictures/uploads.ts";
import { MAX_BODY_BYTES, MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { ascii, gif, jpeg } from "../../../support/image-files.ts";
import { ask, askJson, refusal } from "../../function-double.ts";
import { newKey } from "../administration.ts";
import { picture, upload, uploaded } from "../images.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function objects(): Promise<number> {
  return (await env.IMAGES.list()).objects.length;
}

describe("POST /v1/images refuses, and keeps nothing of,", () => {
  test.each<[string, string, BodyInit]>([
    ["an empty file", "image_unsupported", ""],
    ["a text", "image_unsupported", "not a picture"],
    ["a page", "image_unsupported", "<svg xmlns='http://www.w3.org/2000/svg'/>"],
    ["a photo of an iPhone", "image_heic", ascii("\0\0\0\x18ftypheic\0\0\0\0mif1heic")],
    ["a file that ends in its header", "image_truncated", picture(8).slice(0, 20)],
    ["a picture without pixels", "image_unsupported", picture(0)],
    ["a picture with a side too long", "image_too_large", new Uint8Array(jpeg(20_000, 400))],
    ["an animation", "image_unsupported", new Uint8Array(gif(8, 8, 2))],
    ["a file above the limit", "image_file_too_large", new Uint8Array(MAX_IMAGE_BYTES + 1)],
    ["a body above the limit", "body_too_large", new Uint8Array(MAX_BODY_BYTES + 1)],
  ])("%s: %s", async (_, code, body) => {
    const before = await objects();
    expect(await refusal(await upload(body))).toMatchObject({ code });
    expect(await objects()).toBe(before);
  });

  test("another media type, naming those that it takes", async () => {
    const problem = await refusal(await upload("{}", { type: "application/json" }));
    expect(problem).toMatchObject({ code: "unsupported_media_type", status: 415 });
    expect(problem.detail).toBe(
      "Send image/*, application/octet-stream or multipart/form-data, not application/json.",
    );
  });

  test.each<[string, (form: FormData) => void]>([
    ["no part", () => {}],
    ["a text in place of the file", (form) => form.append("image", "cat.png")],
    ["a file of another name", (form) => form.append("file", new Blob([picture(8)]))],
    [
      "two files",
      (form) => {
        form.append("image", new Blob([picture(8)]));
        form.append("image", new Blob([picture(9)]));
      },
    ],
  ])("a form with %s", async (_, fill) => {
    const form = new FormData();
    fill(form);
    const response = await ask("/v1/images", { method: "POST", body: form });
    const problem = await refusal(response);
    expect(problem).toMatchObject({ code: "invalid_request" });
    expect(problem.detail).toContain("-F image=@dog.png");
  });

  test("a file above the limit as a question does that brings it, whatever form that has", async () => {
    const file = new Uint8Array(MAX_IMAGE_BYTES + 1);
    const form = new FormData();
    form.append("question", "?");
    form.append("image", new Blob([file]));
    const image = { data: Buffer.from(file).toString("base64") };
    for (const response of [
      await upload(file),
      await ask("/v1/answers", { method: "POST", body: form }),
      await askJson({ question: "?", image }),
    ])
      expect(await refusal(response)).toMatchObject({
        ...{ status: 422, code: "image_file_too_large" },
        detail: "Picture 1 has more than 10 MiB. Scale it down, or send it as JPEG.",
      });
  });

  test("a form that breaks its own boundaries", async () => {
    const response = await upload(ascii("--x\r\nnonsense") as Uint8Array<ArrayBuffer>, {
      type: "multipart/form-data; boundary=y",
    });
    expect(await refusal(response)).toMatchObject({ code: "invalid_request" });
  });

  test("one picture more than an account may keep", async () => {
    const full = { objects: Array(MAX_UPLOADS), truncated: false, delimitedPrefixes: [] };
    vi.spyOn(env.IMAGES, "list").mockResolvedValue(full as unknown as R2Objects);
    const problem = await refusal(await upload(picture(50)));
    expect(problem).toMatchObject({ code: "too_many_of", status: 409 });
    expect(problem.detail).toContain("1000 uploaded pictures");
  });

  test("a key that may not ask", async () => {
    const { key } = await newKey({ scopes: ["usage"] });
    expect(await refusal(await upload(picture(8), { key }))).toMatchObject({
      code: "scope_missing",
    });
  });
});

describe("GET and DELETE /v1/images/{id} refuse", () => {
  test.each(["img_", "img_%2e%2e", `img_${"0".repeat(64)}`, `img_${"A".repeat(64)}`, "ans_1"])(
    "%s, which is no upload",
    async (id) => {
      for (const method of ["GET", "DELETE"])
        expect(await refusal(await ask(`/v1/images/${id}`, { method }))).toMatchObject({
          code: "not_found",
        });
    },
  );

  test("an upload that has expired", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { id } = await uploaded(picture(51));
    vi.setSystemTime(Date.now() + standardRetention.uploadMs);
    // The key's record is read again; only the upload is out of date.
    expect(await refusal(await ask(`/v1/images/${id}`))).toMatchObject({ code: "not_found" });
  });

  test("another method, naming those that there are", async () => {
    const problem = await refusal(await ask("/v1/images/img_1", { method: "PUT" }));
    expect(problem).toMatchObject({ code: "method_not_allowed" });
  });
});
