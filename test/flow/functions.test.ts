import "../support/fixed-length-stream.ts";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type DispatchMeans, dispatch } from "#edge/function/dispatch.ts";
import { askInOrder, rankFunctions } from "#edge/function/functions.ts";
import type { Settings } from "#edge/settings.ts";
import { encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { type FunctionStatus, STATUS_PATH } from "#wire/function/status.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { failures, numerics, question, story } from "../support/edge-builders.ts";
import { asked as asQuestion } from "../support/orders.ts";

afterEach(() => vi.restoreAllMocks());

const other = numerics.replace("cpu", "cuda");
const call = { requestId: "req_1", signal: new AbortController().signal };

function statusOf(numerics: string): FunctionStatus {
  return {
    model: { name: "demo", version: "1", digest: "ab" },
    ...{ state: "ready", loaded_bytes: 1, total_bytes: 1, eta_seconds: 0 },
    ...{ numerics, replace: false, reason: null },
  };
}

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

/** Nothing is shown, so no picture is looked for. */
const noBucket = {} as DispatchMeans["pictures"];

describe("an order of an answer that a function of one class has begun", () => {
  const ordered = async (
    replies: Readonly<Record<string, "takes" | "draining" | "overloaded">>,
  ) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { signing: ticketKey } = await generateTicketKeys("test");
    const classes: Record<string, string> = { [one]: other, [two]: numerics };
    const asked: string[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
      const { origin, pathname } = new URL(String(input));
      if (pathname === STATUS_PATH) return Response.json(statusOf(classes[origin] ?? ""));
      asked.push(origin);
      const reply = replies[origin] ?? "draining";
      if (reply !== "takes")
        return await refusalResponse(failures[reply], { requestId: "req_1", instance: pathname });
      const text = story.map((event) => encodeSse(eventMessage(event, "ans_1"))).join("");
      const headers = {
        "content-type": "text/event-stream",
        [MODEL_DIGEST_HEADER]: "ab".repeat(32),
        [HOP_VERSION_HEADER]: String(HOP_VERSION),
      };
      return new Response(text, { headers });
    });
    const settings = { functionSilenceSeconds: 60, ticketKey } as Settings;
    const means = { settings, functionsOf: async () => [one, two], pictures: noBucket };
    const terms = {
      ...{ owner: null, requestId: "req_1", traceparent: null, deadlineAt: null, numerics },
      signal: new AbortController().signal,
    };
    const job = { id: "ans_1", accountId: "acc_1", card: { id: "demo" } };
    const sent = await dispatch(
      { ...job, question: asQuestion(question({ images: [] })) },
      means,
      terms,
    );
    const kinds = sent.ok
      ? (await Array.fromAsync(sent.value.events)).at(-1)?.kind
      : sent.refusal.kind;
    return { asked, kinds };
  };

  test("goes to its class, wherever that stands in the list", async () => {
    const { asked, kinds } = await ordered({ [one]: "takes", [two]: "takes" });
    expect([asked, kinds]).toEqual([[two], "answer.completed"]);
  });

  test("goes to another where its own is away, in the same attempt", async () => {
    const { asked, kinds } = await ordered({ [one]: "takes", [two]: "draining" });
    expect([asked, kinds]).toEqual([[two, one], "answer.completed"]);
  });

  test("waits for its own where that is full", async () => {
    const { asked, kinds } = await ordered({ [one]: "takes", [two]: "overloaded" });
    expect([asked, kinds]).toEqual([[two], "overloaded"]);
  });
});

describe("a function that does not say its class", () => {
  const hanging = (): void => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      if (new URL(String(input)).origin === two) return Response.json(statusOf(numerics));
      return await new Promise<never>((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      });
    });
  };

  test("within a second is passed over: the answer may have a deadline", async () => {
    hanging();
    const { urls, preferred } = await rankFunctions([one, two], numerics, call);
    expect([urls, [...preferred]]).toEqual([[two, one], [two]]);
  });

  test("is left at once by an answer that is given up", async () => {
    hanging();
    const leave = new AbortController();
    const ranked = rankFunctions([one, two], numerics, { ...call, signal: leave.signal });
    leave.abort(new Error("cancelled"));
    await expect(ranked).rejects.toThrow("cancelled");
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
