import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { answerListSchema } from "#wire/api/answers/answer-list.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { decodeSse } from "#wire/codec/sse.ts";
import { collect, story } from "../../support/edge-builders.ts";
import { ask, askJson, digest, eventReply, functionReplies } from "../function-double.ts";
import { accountWithCharge } from "./administration.ts";

afterEach(() => vi.restoreAllMocks());

const asked = { question: "What is this?", canvas: 4, steps: 2, cache: "off" };

/** A function that answers when it is told to. */
function slowFunction(): () => void {
  const { promise: going, resolve: go } = Promise.withResolvers<void>();
  functionReplies(async () => {
    await going;
    return eventReply(story);
  });
  return go;
}

async function completed(): Promise<ReturnType<typeof answerSchema.parse>> {
  functionReplies(() => eventReply(story));
  return answerSchema.parse(await (await askJson(asked)).json());
}

describe("GET /v1/answers/{id}", () => {
  test("shows the answer as it was told, under its digest as its tag", async () => {
    const body = await completed();
    const response = await ask(`/v1/answers/${body.id}`);
    expect(await response.json()).toEqual(body);
    expect(response.headers.get("etag")).toBe(`"${"cd".repeat(32)}"`);
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
    expect(body).toMatchObject({ model_digest: digest, digest: "cd".repeat(32) });
  });

  test.each([(tag: string) => tag, (tag: string) => `"x", W/${tag}`])(
    "says nothing new to who has it",
    async (known) => {
      const { id, digest: told } = await completed();
      const tag = `"${told}"`;
      const response = await ask(`/v1/answers/${id}`, { headers: { "if-none-match": known(tag) } });
      expect([response.status, await response.text(), response.headers.get("etag")]).toEqual([
        304,
        "",
        tag,
      ]);
    },
  );

  test("shows one in the making, without a tag", async () => {
    const go = slowFunction();
    const { id } = answerSchema.parse(
      await (await askJson(asked, { prefer: "respond-async" })).json(),
    );
    const response = await ask(`/v1/answers/${id}`, { headers: { "if-none-match": '""' } });
    expect([response.status, response.headers.get("etag")]).toEqual([200, null]);
    expect(await response.json()).toMatchObject({ status: "queued", digest: null, ended_at: null });
    go();
    expect(await (await ask(`/v1/answers/${id}/events`)).text()).toContain("answer.completed");
  });

  test("shows why one failed, and that it cost nothing", async () => {
    functionReplies(() => Response.json({ answer: "free" }));
    const streamed = await askJson({ ...asked, stream: true });
    await streamed.text();
    const path = streamed.headers.get("location") ?? "";
    expect(answerSchema.parse(await (await ask(path)).json())).toMatchObject({
      status: "failed",
      charged_micros: 0,
      error: { code: "function_reply_invalid", retryable: true, instance: path },
    });
  });
});

describe("GET /v1/answers/{id}/events", () => {
  test.each([
    ["everything", "", {}, ["0", "1", "2", "3"]],
    ["what follows ?after", "?after=1", {}, ["2", "3"]],
    ["what follows Last-Event-ID", "", { "last-event-id": "ID.1" }, ["2", "3"]],
    ["the frames behind the start", "", { "last-event-id": "ID.0" }, ["1", "2", "3"]],
    ["with both, what the header says", "?after=0", { "last-event-id": "ID.2" }, ["3"]],
  ])("tells %s", async (_, query, headers, steps) => {
    const body = await completed();
    const own = Object.entries(headers).map(([name, id]) => [name, id.replace("ID", body.id)]);
    const response = await ask(`/v1/answers/${body.id}/events${query}`, {
      headers: Object.fromEntries(own),
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    if (response.body === null) throw new Error("no body");
    const messages = await collect(decodeSse(response.body));
    expect(messages.map(({ id }) => id)).toEqual(steps.map((step) => `${body.id}.${step}`));
    expect(JSON.parse(messages.at(-1)?.data ?? "")).toEqual(body);
  });

  test("is heard by as many as listen, while it is made", async () => {
    const go = slowFunction();
    const { id } = answerSchema.parse(
      await (await askJson(asked, { prefer: "respond-async" })).json(),
    );
    const listeners = await Promise.all(
      Array.from({ length: 20 }, () => ask(`/v1/answers/${id}/events`)),
    );
    go();
    const heard = await Promise.all(listeners.map((listener) => listener.text()));
    expect(new Set(heard).size).toBe(1);
    expect(heard[0]).toContain("event: answer.completed");
  });
});

test("POST /v1/answers/{id}/cancel leaves an ended answer as it is, and says what it cost", async () => {
  const body = await completed();
  const response = await ask(`/v1/answers/${body.id}/cancel`, { method: "POST" });
  expect([response.status, await response.json()]).toEqual([200, body]);
});

describe("GET /v1/answers", () => {
  test("lists the account's answers newest first, page by page, each once", async () => {
    const { key } = await accountWithCharge(`ans_${crypto.randomUUID()}`, 1);
    const headers = { authorization: `Bearer ${key}` };
    functionReplies(() => eventReply(story));
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const response = await askJson(asked, headers);
      ids.unshift(answerSchema.parse(await response.json()).id);
      // Two answers of one millisecond are in the order of their ids.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const listed: string[] = [];
    let path: string | undefined = "/v1/answers?limit=2&status=completed";
    await vi.waitFor(async () => {
      const all = await ask("/v1/answers?status=completed", { headers });
      expect((await all.json<{ data: unknown[] }>()).data.length).toBe(5);
    }, 6_000);
    while (path !== undefined) {
      const response = await ask(path, { headers });
      const page = answerListSchema.parse(await response.json());
      listed.push(...page.data.map(({ id }) => id));
      path = /<(.*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
      path = path?.replace(/^https?:\/\/[^/]+/, "");
      expect(path === undefined).toBe(!page.has_more);
    }
    expect(listed).toEqual(ids);
    const none = await ask("/v1/answers?status=cancelled", { headers });
    expect((await none.json<{ data: unknown[] }>()).data).toEqual([]);
  });

  test("has an answer in the making as running, and what it cost in the end", async () => {
    const go = slowFunction();
    const { id } = answerSchema.parse(
      await (await askJson(asked, { prefer: "respond-async" })).json(),
    );
    const line = async () => {
      const page = answerListSchema.parse(await (await ask("/v1/answers?limit=100")).json());
      return page.data.find((answer) => answer.id === id);
    };
    await vi.waitFor(async () => {
      expect(await line()).toMatchObject({ status: "running", charged_micros: 0, ended_at: null });
    });
    go();
    // Its end comes with its usage, through the queue.
    await vi.waitFor(
      async () => expect(await line()).toMatchObject({ status: "completed" }),
      6_000,
    );
    const body = answerSchema.parse(await (await ask(`/v1/answers/${id}`)).json());
    expect(await line()).toMatchObject({
      charged_micros: body.charged_micros,
      key: env.TEST_API_KEY.split("_")[2],
      ended_at: body.ended_at,
    });
  });
});
