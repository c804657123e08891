import "../support/fixed-length-stream.ts";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type DispatchMeans, dispatch } from "#edge/fleet/dispatch.ts";
import { heardClasses } from "#edge/fleet/heard-classes.ts";
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
import { firstOf, functionAt } from "../support/serving-fleet.ts";

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

const all = [one, two, three].map((url) => functionAt(url));

describe("the functions that an answer is sent to", () => {
  test("are asked for their class where one is preferred and they do not say it by themselves", async () => {
    serving({ [one]: { numerics: other }, [two]: "away", [three]: { numerics } });
    const heard = await heardClasses(all, numerics, call);
    expect(heard.map((report) => report.numerics)).toEqual([other, null, numerics]);
  });

  test("are not asked where it does not matter: before the first token, where there is one, and where all have said it", async () => {
    const asked = serving({});
    expect(await heardClasses(all, null, call)).toBe(all);
    expect(await heardClasses(all.slice(1, 2), numerics, call)).toEqual(all.slice(1, 2));
    const said = all.map((report) => ({ ...report, region: "weur", numerics: other }));
    expect(await heardClasses(said, numerics, call)).toBe(said);
    expect(asked).not.toHaveBeenCalled();
  });

  test("of before, which say no class, and those that are to be replaced are none of it", async () => {
    serving({ [one]: {}, [two]: { numerics, replace: true, reason: "device_lost" } });
    const heard = await heardClasses(all.slice(0, 2), numerics, call);
    expect(heard.map((report) => report.numerics)).toEqual([null, null]);
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
    const means = { settings, ...firstOf([one, two]), pictures: noBucket };
    const terms = {
      ...{ owner: null, requestId: "req_1", traceparent: null, deadlineAt: null, numerics },
      weights: null,
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
    const heard = await heardClasses(all.slice(0, 2), numerics, call);
    expect(heard.map((report) => report.numerics)).toEqual([null, numerics]);
  });

  test("is left at once by an answer that is given up", async () => {
    hanging();
    const leave = new AbortController();
    const heard = heardClasses(all.slice(0, 2), numerics, { ...call, signal: leave.signal });
    leave.abort(new Error("cancelled"));
    await expect(heard).rejects.toThrow("cancelled");
  });
});
