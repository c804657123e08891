import { describe, expect, test } from "vitest";
import type { Failure } from "#domain/failure.ts";
import { problemOf, problemResponse, problemSchema } from "#wire/error.ts";
import { parseRefusal, refusalResponse } from "#wire/function/refusal.ts";
import { failures } from "../support/edge-builders.ts";

const request = { requestId: "req_1", instance: "/v1/answers" };
const each: [string, Failure][] = Object.entries(failures);

describe("a refusal", () => {
  test.each(each)("of kind %s reads as a sentence and costs nothing", (kind, failure) => {
    const problem = problemOf(failure, request);
    expect(problemSchema.parse(problem)).toEqual(problem);
    expect(problem).toMatchObject({
      code: kind,
      type: `/docs/errors/${kind}`,
      instance: "/v1/answers",
      request_id: "req_1",
      charged_micros: 0,
    });
    expect(problem.status).toBeGreaterThanOrEqual(400);
    expect(problem.detail).toMatch(/^[A-Z0-9/].+\.$/);
    expect(problem.detail).not.toMatch(/undefined|NaN|\[object/);
  });

  test.each([
    [undefined, "ask with a smaller canvas, or in other words"],
    [32, "ask with a canvas of 32 or less"],
    [512, "ask in other words, or with another canvas up to 512"],
  ])(
    "of an empty answer says what to do where %s positions are recommended",
    (recommended, words) => {
      const failure = {
        ...failures.empty_answer,
        ...(recommended === undefined ? {} : { recommended }),
      };
      const { detail, retryable, status } = problemOf(failure, request);
      expect(detail).toContain("on a canvas of 256 positions");
      expect(detail).toContain(words);
      // The same request comes to nothing again, so no client's library may repeat it by itself.
      expect([retryable, status]).toEqual([false, 422]);
    },
  );

  test("that loading weights cause says how long to wait", () => {
    const response = problemResponse(failures.weights_loading, request);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("41");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  test.each<[Failure, string, string]>([
    [failures.overloaded, "retry-after", "3"],
    [failures.draining, "retry-after", "5"],
    [failures.method_not_allowed, "allow", "GET, HEAD"],
    [failures.unauthenticated, "www-authenticate", 'Bearer realm="unmask"'],
    [{ ...failures.weights_loading, etaSeconds: 0 }, "retry-after", "1"],
    [{ ...failures.weights_loading, etaSeconds: 1e9 }, "retry-after", "3600"],
  ])("$kind carries the header that its status demands", (failure, header, value) => {
    expect(problemResponse(failure, request).headers.get(header)).toBe(value);
  });

  test("keeps the reason of a refused ticket to itself", () => {
    expect(JSON.stringify(problemOf(failures.ticket_refused, request))).not.toContain("SIGNATURE");
  });

  test("of a field points at the field", () => {
    expect(problemOf(failures.invalid_request, request)).toMatchObject({
      detail: "/canvas: too big.",
      errors: [{ pointer: "/canvas", message: "too big" }],
    });
  });
});

describe("a refusal of the function", () => {
  test.each(each)("of kind %s reaches the edge whole", async (_, failure) => {
    const response = await refusalResponse(failure, request);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(parseRefusal(await response.json())).toEqual(failure);
  });

  test.each([undefined, {}, { failure: { kind: "free_money" } }, "<html>Bad gateway</html>"])(
    "is none when the body is %j",
    (body) => {
      expect(parseRefusal(body)).toBeUndefined();
    },
  );
});
