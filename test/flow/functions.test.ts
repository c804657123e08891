import { afterEach, describe, expect, test, vi } from "vitest";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { askInOrder, rankFunctions } from "#edge/function/functions.ts";
import type { FunctionStatus } from "#wire/function/status.ts";
import { failures, numerics } from "../support/edge-builders.ts";

afterEach(() => vi.restoreAllMocks());

const other = numerics.replace("cpu", "cuda");
const call = { requestId: "req_1", signal: new AbortController().signal };

/** Functions by their addresses: the class that each says, or how it is. */
function serving(functions: Readonly<Record<string, Partial<FunctionStatus> | "away">>) {
  vi.spyOn(console, "error").mockImplementation(() => {});
  return vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const status = functions[new URL(String(input)).origin];
    if (status === undefined || status === "away") throw new TypeError("connection refused");
    return Response.json({
      model: { name: "demo", version: "1", digest: "ab" },
      ...{ state: "ready", loaded_bytes: 1, total_bytes: 1, eta_seconds: 0, ...status },
    });
  });
}

const [one, two, three] = ["http://one.test", "http://two.test", "http://three.test"] as const;

describe("the functions that an answer is sent to", () => {
  test("begin with those of its class, and are else in their order", async () => {
    serving({ [one]: { numerics: other }, [two]: "away", [three]: { numerics } });
    const ranked = await rankFunctions([one, two, three], numerics, call);
    expect(ranked.urls).toEqual([three, one, two]);
    expect([...ranked.preferred]).toEqual([three]);
  });

  test("are not asked for their class where it does not matter: before the first token, and where there is one", async () => {
    const asked = serving({});
    expect((await rankFunctions([one, two], null, call)).urls).toEqual([one, two]);
    expect((await rankFunctions([one], numerics, call)).urls).toEqual([one]);
    expect(asked).not.toHaveBeenCalled();
  });

  test("of before, which say no class, and those that are to be replaced are none of it", async () => {
    serving({ [one]: {}, [two]: { numerics, replace: true, reason: "device_lost" } });
    const { preferred } = await rankFunctions([one, two], numerics, call);
    expect([...preferred]).toEqual([]);
  });
});

describe("functions that are asked in order", () => {
  const ask = (
    replies: Readonly<Record<string, Failure | "takes">>,
    preferred: readonly string[] = [],
  ) => {
    const asked: string[] = [];
    const send = async (url: string): Promise<Result<string, Failure>> => {
      asked.push(url);
      const reply = replies[url] ?? failures.function_unreachable;
      return reply === "takes" ? ok(url) : refuse(reply);
    };
    const ranked = { urls: Object.keys(replies), preferred: new Set(preferred) };
    return askInOrder(ranked, send).then((result) => ({ result, asked }));
  };

  test.each([
    "function_unreachable",
    "function_outdated",
    "draining",
    "weights_loading",
    "weights_failed",
    "overloaded",
  ] as const)("go on to the next where one refuses with %s", async (kind) => {
    const { result } = await ask({ [one]: failures[kind], [two]: "takes" });
    expect(result).toEqual(ok(two));
  });

  test("wait for a full one of the answer's class: it is there, and another would begin anew", async () => {
    const { result, asked } = await ask({ [one]: failures.overloaded, [two]: "takes" }, [one]);
    expect([result, asked]).toEqual([refuse(failures.overloaded), [one]]);
  });

  test("end with a refusal of the question itself: no other would take it", async () => {
    const { result, asked } = await ask({ [one]: failures.image_bomb, [two]: "takes" });
    expect([result, asked]).toEqual([refuse(failures.image_bomb), [one]]);
  });

  test("say when there is a place where one is full and the others are away", async () => {
    const { result } = await ask({ [one]: failures.overloaded, [two]: failures.draining });
    expect(result).toEqual(refuse(failures.overloaded));
  });
});
