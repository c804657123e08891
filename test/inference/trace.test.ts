import { describe, expect, test } from "vitest";
import { tracedLog, traceOf } from "#inference/trace.ts";

const id = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

describe("the trace of a request", () => {
  test("is our request id and the trace id of its traceparent", () => {
    const headers = new Headers({ "x-request-id": "req_1", traceparent: `00-${id}-${parent}-01` });
    expect(traceOf(headers)).toEqual({ request: "req_1", trace: id });
  });

  test("is read from later versions too, which may say more", () => {
    const headers = new Headers({ traceparent: `01-${id}-${parent}-01-more` });
    expect(traceOf(headers)).toEqual({ trace: id });
  });

  test.each([
    ["nothing", ""],
    ["version ff", `ff-${id}-${parent}-01`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${parent}-01`],
    ["a parent of zeros", `00-${id}-${"0".repeat(16)}-01`],
    ["capitals", `00-${id.toUpperCase()}-${parent}-01`],
    ["words", "what a lovely day"],
  ])("is not read from %s", (_, traceparent) => {
    expect(traceOf(new Headers({ traceparent }))).toEqual({});
  });

  test("takes no more of a request id than one of ours is long", () => {
    const { request } = traceOf(new Headers({ "x-request-id": "a".repeat(9_000) }));
    expect(request).toHaveLength(64);
  });

  test("stands in every line of the request's log", () => {
    const lines: unknown[] = [];
    const log = tracedLog(
      (event, fields) => void lines.push({ event, ...fields }),
      new Headers({ traceparent: `00-${id}-${parent}-01` }),
    );
    log("bare");
    log("full", { steps: 3 });
    expect(lines).toEqual([
      { event: "bare", trace: id },
      { event: "full", trace: id, steps: 3 },
    ]);
  });
});
