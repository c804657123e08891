import { describe, expect, test } from "vitest";
import { ask, refusal } from "../function-double.ts";

describe("a path or method that does not exist is refused", () => {
  test("with what exists there", async () => {
    const response = await ask("/v1/quotes", { method: "PUT" });
    expect(response.headers.get("allow")).toBe("POST, OPTIONS");
    expect(await refusal(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
  });

  test("as not found elsewhere, with or without a key", async () => {
    expect(await refusal(await ask("/v1/nothing"))).toMatchObject({ status: 404 });
    expect(await refusal(await ask("/x", { headers: { authorization: "" } }))).toMatchObject({
      status: 404,
      code: "not_found",
    });
  });

  test("without a body where only the head was asked for", async () => {
    const response = await ask("/v1/quotes", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([405, ""]);
    expect((await ask("/openapi.json", { method: "HEAD" })).status).toBe(200);
  });

  test("unless OPTIONS asks what is possible", async () => {
    const response = await ask("/v1/models", { method: "OPTIONS" });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
  });
});
