import { afterEach, describe, expect, test, vi } from "vitest";
import { story } from "../../../support/edge-builders.ts";
import { eventReply, functionReplies } from "../../function-double.ts";
import { pngUri, post } from "../compatible-calls.ts";

afterEach(() => vi.restoreAllMocks());

describe("Moondream's routes refuse with {error: {message}}", () => {
  test.each(["/v1/detect", "/v1/point", "/v1/segment"])(
    "what the model cannot tell: %s",
    async (path) => {
      functionReplies(() => eventReply(story));
      const response = await post(path, { image_url: pngUri, object: "dog" });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: { message: expect.stringContaining("words"), param: "object" },
      });
    },
  );

  test("callers without a key, or with a wrong one in X-Moondream-Auth", async () => {
    for (const key of ["", "umk_test_wrong"]) {
      const headers = { authorization: "", "x-moondream-auth": key };
      const response = await post("/v1/query", { question: "?" }, headers);
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ error: { code: "unauthenticated" } });
    }
  });

  test("a caption without a picture, and a length that nobody knows", async () => {
    for (const body of [{}, { image_url: pngUri, length: "epic" }]) {
      const response = await post("/v1/caption", body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: "invalid_request" } });
    }
  });
});
