import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { uploadSchema } from "#wire/api/answers/images.ts";
import { concat } from "../../../support/image-files.ts";
import { ask, refusal } from "../../function-double.ts";
import { accountWithCharge } from "../administration.ts";
import { picture, upload, uploaded } from "../images.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

describe("/v1/images withstands", () => {
  test("another account that knows a picture's id, or uploads the same picture", async () => {
    const file = picture(60);
    const { id } = await uploaded(file);
    const { key } = await accountWithCharge("ans_stranger", 1);
    const headers = { authorization: `Bearer ${key}` };
    for (const method of ["GET", "DELETE"])
      expect(await refusal(await ask(`/v1/images/${id}`, { method, headers }))).toMatchObject({
        code: "not_found",
      });
    // Not even the status tells that somebody else has it.
    const theirs = await upload(file, { key });
    expect([theirs.status, uploadSchema.parse(await theirs.json()).id]).toEqual([201, id]);
    await ask(`/v1/images/${id}`, { method: "DELETE", headers });
    expect((await ask(`/v1/images/${id}`)).status).toBe(200);
  });

  test("twenty equal uploads at once: one picture", async () => {
    const bodies = await Promise.all(Array.from({ length: 20 }, () => uploaded(picture(61))));
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(1);
    expect(
      (await env.IMAGES.list({ prefix: `acc_test/${bodies[0]?.id.slice(4)}` })).objects,
    ).toHaveLength(1);
  });

  test("bytes after the picture's end: another file, another id", async () => {
    const file = picture(62);
    const longer = Uint8Array.from(concat(file, [0]));
    expect((await uploaded(longer)).id).not.toBe((await uploaded(file)).id);
  });

  test("any bytes at all, without a fault", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    const begun = bytes.map((rest) => concat(picture(8).slice(0, 16), rest));
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, begun), async (file) => {
        const response = await upload(Uint8Array.from(file));
        await response.body?.cancel();
        expect([200, 201, 422]).toContain(response.status);
      }),
      { numRuns: 50 },
    );
  });

  test("storage that is down: internal, and it is logged", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    vi.spyOn(env.IMAGES, "put").mockRejectedValue(new Error("R2 is down"));
    expect(await refusal(await upload(picture(63)))).toMatchObject({ code: "internal" });
    expect(JSON.stringify(logged.mock.calls)).toContain("R2 is down");
  });

  test("an object that nobody here put there", async () => {
    const sha256 = "ee".repeat(32);
    await env.IMAGES.put(`acc_test/${sha256}`, picture(64));
    expect((await ask(`/v1/images/img_${sha256}`)).status).toBe(404);
  });
});
