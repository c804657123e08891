import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer, AnswerUpdate } from "#client/answer-stream.ts";
import { type Client, createClient } from "#client/client.ts";
import { ConnectionError, RefusedError } from "#client/errors.ts";
import type { ClientOptions } from "#client/send.ts";
import { problemResponse } from "#wire/error.ts";
import { collect, failures } from "../support/edge-builders.ts";
import { ended, restartedMessages, servedAnswer } from "../support/served-answer.ts";

/** A client that does not really wait. */
function clientOf(
  fetch: ClientOptions["fetch"] & {},
  overrides: Partial<ClientOptions> = {},
): { client: Client; waited: number[] } {
  const waited: number[] = [];
  const client = createClient({
    baseUrl: "http://api.test",
    apiKey: "umk_test_x",
    fetch,
    random: () => 0.5,
    sleep: async (milliseconds) => void waited.push(milliseconds),
    ...overrides,
  });
  return { client, waited };
}

async function heard(client: Client): Promise<{ updates: AnswerUpdate[]; answer: Answer }> {
  const asked = client.ask({ question: "What is this?" });
  const updates = await collect(asked);
  return { updates, answer: await asked };
}

describe("a stream that is cut", () => {
  test("at any byte is taken up so that no event is lost or told twice", async () => {
    const whole = await heard(clientOf(servedAnswer([]).fetch).client);
    const { length } = servedAnswer([]).bytes;
    for (let cut = 0; cut < length; cut++) {
      const served = servedAnswer([cut]);
      expect(await heard(clientOf(served.fetch).client)).toEqual(whole);
      expect(served.asked()).toBe(1);
    }
  });

  test("any number of times, by an error or an early end, tells what an uncut one tells", async () => {
    const whole = await heard(clientOf(servedAnswer([]).fetch).client);
    const { length } = servedAnswer([]).bytes;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(length - 1), { maxLength: 12 }),
        fc.boolean(),
        async (cuts, breaksOff) => {
          const served = servedAnswer(cuts, breaksOff);
          expect(await heard(clientOf(served.fetch, { retries: 20 }).client)).toEqual(whole);
          expect(served.asked()).toBe(1);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("at any byte, of an answer that begins anew, tells both makings in their order, and the end of the second", async () => {
    const served = (cuts: readonly number[]) => servedAnswer(cuts, true, restartedMessages);
    const whole = await heard(clientOf(served([]).fetch).client);
    expect(whole.updates.map(({ event }) => event)).toEqual([
      ...["answer.started", "answer.frame", "answer.restarted", "answer.frame", "answer.frame"],
      "answer.completed",
    ]);
    for (let cut = 0; cut < served([]).bytes.length; cut++)
      expect(await heard(clientOf(served([cut]).fetch).client)).toEqual(whole);
  });

  test("for good is given up after so many tries without a new event", async () => {
    const { client, waited } = clientOf(servedAnswer(Array(99).fill(0)).fetch, { retries: 4 });
    await expect(client.ask({ question: "?" })).rejects.toBeInstanceOf(ConnectionError);
    expect(waited).toHaveLength(4);
  });
});

describe("a question that does not get through", () => {
  const refusal = (kind: "overloaded" | "insufficient_credit" | "idempotency_in_progress") =>
    problemResponse(failures[kind], { requestId: "req_1", instance: "/v1/answers" });

  test("is sent again under the same Idempotency-Key, later from time to time", async () => {
    const keys: (string | null)[] = [];
    const { client, waited } = clientOf(async (_, init) => {
      keys.push(new Headers(init?.headers).get("idempotency-key"));
      if (keys.length < 4) throw new TypeError("fetch failed");
      return servedAnswer([]).whole();
    });
    await client.ask({ question: "?" });
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(waited).toEqual([250, 500, 1000]);
  });

  test("waits as long as the service says", async () => {
    let times = 0;
    const { client, waited } = clientOf(async () =>
      ++times === 1 ? refusal("overloaded") : servedAnswer([]).whole(),
    );
    await client.ask({ question: "?" });
    const seconds = Math.ceil(failures.overloaded.retryAfterSeconds);
    expect(waited).toEqual([seconds * 1000 + 250]);
  });

  test("is not sent again where that cannot help", async () => {
    let times = 0;
    const { client } = clientOf(async () => {
      times++;
      return refusal("insufficient_credit");
    });
    await expect(client.ask({ question: "?" })).rejects.toBeInstanceOf(RefusedError);
    expect(times).toBe(1);
  });

  test("waits for its first sending, which is still being answered, beyond the number of retries", async () => {
    let times = 0;
    const { client } = clientOf(
      async () => (++times < 9 ? refusal("idempotency_in_progress") : servedAnswer([]).whole()),
      { retries: 1 },
    );
    expect((await client.ask({ question: "?" })).answer).toBe("A red square.");
  });

  test("keeps the key that the caller gives", async () => {
    const keys: (string | null)[] = [];
    const { client } = clientOf(async (_, init) => {
      keys.push(new Headers(init?.headers).get("idempotency-key"));
      return servedAnswer([]).whole();
    });
    await client.ask({ question: "?" }, { idempotencyKey: "order-1" });
    expect(keys).toEqual(["order-1"]);
  });
});

describe("an answer's end", () => {
  test.each(["completed", "partial", "cancelled"] as const)(
    "is told by the last update and by whoever awaits it: %s",
    async (status) => {
      const { client } = clientOf(async () => ended(status));
      const { updates, answer } = await heard(client);
      expect(answer.status).toBe(status);
      expect(updates.at(-1)).toEqual({ event: `answer.${status}`, ...answer });
    },
  );

  test("comes after cancel(), which tells the service and goes on listening", async () => {
    const cancelled = Promise.withResolvers<void>();
    const { client } = clientOf(async (input) => {
      if (String(input).endsWith("/cancel")) {
        cancelled.resolve();
        return Response.json({});
      }
      return ended("cancelled", cancelled.promise);
    });
    const asked = client.ask({ question: "?" });
    for await (const { event } of asked) if (event === "answer.started") await asked.cancel();
    expect((await asked).status).toBe("cancelled");
  });
});
