import { afterEach, describe, expect, test, vi } from "vitest";
import { healthSchema } from "#wire/api/health.ts";
import type { FunctionProgress } from "#wire/function/status.ts";
import { ask, digest, functionReplies } from "../function-double.ts";

afterEach(() => vi.restoreAllMocks());

const status: FunctionProgress = {
  model: { name: "demo", version: "1", digest },
  state: "loading",
  loaded_bytes: 10,
  total_bytes: 40,
  eta_seconds: 3,
  replace: false,
  reason: null,
};

describe("GET /health", () => {
  test("works without a key: the edge is up, the weights are on their way; how much there is to do is not for everybody", async () => {
    const load = { running: 1, places: 2, queued: 3, queued_steps: 96 };
    functionReplies(() => Response.json({ ...status, ...load }));
    const response = await ask("/health", { headers: { authorization: "" } });
    expect(healthSchema.parse(await response.json())).toEqual({
      ...{ status: "ok", function: status, functions: [status] },
    });
  });

  test("withstands a function that never answers: it is unreachable once our patience is over", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(50));
    functionReplies(async ({ signal }) => {
      await scheduler.wait(500);
      signal.throwIfAborted();
      return Response.json(status);
    });
    expect(await (await ask("/health")).json()).toMatchObject({
      ...{ status: "ok", function: { state: "unreachable" } },
    });
  });

  test("withstands the function's absence: the edge is up all the same", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    functionReplies(() => {
      throw new TypeError("connection refused");
    });
    const response = await ask("/health");
    expect(await response.json()).toEqual({
      status: "ok",
      function: { state: "unreachable" },
      functions: [{ state: "unreachable" }],
    });
  });
});
