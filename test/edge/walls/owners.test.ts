import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { UsageIndex } from "#edge/usage/usage-index.ts";
import type { ClientTokenBody } from "#wire/api/accounts/client-token.ts";
import { deliverySchema } from "#wire/api/webhooks/deliveries.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { openTicket } from "#wire/function/ticket.ts";
import { verificationKeysText } from "#wire/function/ticket-keys.ts";
import { story } from "../../support/edge-builders.ts";
import { modelReply } from "../cache/model-reply.ts";
import { ask, digest, eventReply, functionReplies } from "../function-double.ts";
import { picture } from "../routes/images.ts";

/** Who calls: the token that asked, another token of its subject, tokens of another subject and of none, the account's key. */
type Caller = "own" | "subject" | "other" | "alone" | "key";

const callers: readonly Caller[] = ["own", "subject", "other", "alone", "key"];

/** What a caller may see: own things and those of their subject; the key sees all of its account. */
const insiders: ReadonlySet<Caller> = new Set<Caller>(["own", "subject", "key"]);

const bearers = new Map<Caller, string>();

async function newToken(fields: object): Promise<string> {
  const response = await ask("/v1/client_tokens", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ spend_cap_micros: 1_000_000, ...fields }),
  });
  expect(response.status).toBe(201);
  return (await response.json<ClientTokenBody>()).token;
}

beforeAll(async () => {
  const scopes = ["ask", "usage", "webhooks"];
  bearers.set("own", await newToken({ subject: "anna", scopes }));
  bearers.set("subject", await newToken({ subject: "anna", scopes }));
  bearers.set("other", await newToken({ subject: "bert", scopes }));
  bearers.set("alone", await newToken({ scopes }));
  bearers.set("key", env.TEST_API_KEY);
});
beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  functionReplies(() => eventReply(story), await modelReply(digest).json<ModelCard>());
});
afterEach(() => vi.restoreAllMocks());

async function as(caller: Caller, method: string, path: string, body?: object): Promise<Response> {
  return await ask(path, {
    method,
    headers: {
      authorization: `Bearer ${bearers.get(caller)}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

let drawn = 0;

/** A question that nobody has asked before. */
function question(fields: object = {}): object {
  drawn += 1;
  return { question: `Whose is this? ${drawn}`, canvas: 4, steps: 2, ...fields };
}

async function answerOf(caller: Caller): Promise<string> {
  const response = await as(caller, "POST", "/v1/answers", question());
  expect(response.status).toBe(200);
  return (await response.json<{ id: string }>()).id;
}

async function batchOf(caller: Caller): Promise<string> {
  const response = await as(caller, "POST", "/v1/batches", { items: [question()] });
  expect(response.status).toBe(202);
  const { id } = await response.json<{ id: string }>();
  await vi.waitFor(async () => {
    const shown = await as(caller, "GET", `/v1/batches/${id}`);
    expect((await shown.json<{ status: string }>()).status).toBe("completed");
  });
  return id;
}

async function uploadOf(caller: Caller): Promise<string> {
  drawn += 1;
  const response = await ask("/v1/images", {
    method: "POST",
    body: picture(100 + drawn),
    headers: { authorization: `Bearer ${bearers.get(caller)}`, "content-type": "image/png" },
  });
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

/** What is asked by the token "own", and each way to reach for it; `ok` is what insiders are told, everybody else is told 404. */
const reaches: readonly (readonly [
  route: string,
  make: (caller: Caller) => Promise<string>,
  reach: (id: string) => readonly [method: string, path: string, body?: object],
  ok: number,
  refused: number,
])[] = [
  ["read an answer", answerOf, (id) => ["GET", `/v1/answers/${id}`], 200, 404],
  ["hear its events", answerOf, (id) => ["GET", `/v1/answers/${id}/events`], 200, 404],
  ["cancel it", answerOf, (id) => ["POST", `/v1/answers/${id}/cancel`], 200, 404],
  ["replay it", answerOf, (id) => ["POST", `/v1/answers/${id}/replay`], 200, 404],
  ["read a batch", batchOf, (id) => ["GET", `/v1/batches/${id}`], 200, 404],
  ["read its results", batchOf, (id) => ["GET", `/v1/batches/${id}/results`], 200, 404],
  ["cancel the batch", batchOf, (id) => ["POST", `/v1/batches/${id}/cancel`], 200, 404],
  ["read an upload", uploadOf, (id) => ["GET", `/v1/images/${id}`], 200, 404],
  ["delete it", uploadOf, (id) => ["DELETE", `/v1/images/${id}`], 204, 404],
  [
    "ask about it",
    uploadOf,
    (id) => ["POST", "/v1/answers", { ...question(), image: { id } }],
    200,
    422,
  ],
];

describe("what a client token asked", () => {
  const cases = reaches.flatMap((reach) =>
    callers.map((caller) => [reach[0], caller, reach] as const),
  );

  test.each(cases)("%s: as %s", async (_, caller, [, make, reach, ok, refused]) => {
    const id = await make("own");
    const response = await as(caller, ...reach(id));
    await response.body?.cancel();
    expect(response.status).toBe(insiders.has(caller) ? ok : refused);
  });

  test.each<readonly [string, (caller: Caller) => Promise<string>]>([
    ["/v1/answers", answerOf],
    ["/v1/batches", batchOf],
  ])("%s lists it to its own and to the key alone", async (path, make) => {
    const id = await make("own");
    await vi.waitFor(async () => {
      for (const caller of callers) {
        const response = await as(caller, "GET", `${path}?limit=100`);
        const { data } = await response.json<{ data: { id: string }[] }>();
        expect([caller, data.some((one) => one.id === id)]).toEqual([caller, insiders.has(caller)]);
      }
    }, 6_000);
  });

  test("is not all that a key asked: no token sees that", async () => {
    const id = await answerOf("key");
    for (const caller of ["own", "alone"] as const)
      expect((await as(caller, "GET", `/v1/answers/${id}`)).status).toBe(404);
  });
});

describe("a client token's cache", () => {
  async function cached(caller: Caller, asked: object): Promise<[cached: boolean, id: string]> {
    const response = await as(caller, "POST", "/v1/answers", asked);
    const body = await response.json<{ cached: boolean; id: string }>();
    return [body.cached, body.id];
  }

  test("is its subject's: what others asked is made anew for it, and theirs for others", async () => {
    const asked = question();
    await cached("own", asked);
    await vi.waitFor(async () => expect((await cached("subject", asked))[0]).toBe(true));
    for (const caller of ["other", "alone", "key"] as const)
      expect([caller, (await cached(caller, asked))[0]]).toEqual([caller, false]);
  });

  test("is the account's where the token was made for it; then hits have ids of their own", async () => {
    const before = bearers.get("other") ?? "";
    bearers.set("other", await newToken({ subject: "carl", share_cache: true }));
    const asked = question();
    const [, first] = await cached("key", asked);
    const found = await vi.waitFor(async () => {
      const [isCached, id] = await cached("other", asked);
      expect(isCached).toBe(true);
      return id;
    });
    expect(found).not.toBe(first);
    expect((await as("other", "GET", `/v1/answers/${first}`)).status).toBe(404);
    await vi.waitFor(async () =>
      expect((await as("other", "GET", `/v1/answers/${found}`)).status).toBe(200),
    );
    bearers.set("other", before);
  });

  test("tells nobody another's id where everybody shares it, also while the answer is made", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    functionReplies(
      async () => {
        await promise;
        return eventReply(story);
      },
      await modelReply(digest).json<ModelCard>(),
    );
    const asked = question({ cache: "shared" });
    const first = as("own", "POST", "/v1/answers", asked);
    await vi.waitFor(async () => {
      const listed = await as("own", "GET", "/v1/answers?limit=1");
      const { data } = await listed.json<{ data: { status: string }[] }>();
      expect(data[0]?.status).toMatch(/queued|running/);
    });
    const second = as("other", "POST", "/v1/answers", asked);
    await new Promise((done) => setTimeout(done, 200));
    resolve();
    const replies = [await first, await second];
    const ids = await Promise.all(
      replies.map(async (reply) => (await reply.json<{ id: string }>()).id),
    );
    expect(replies[1]?.headers.get("cache-status")).toContain("collapsed");
    expect(ids[1]).not.toBe(ids[0]);
    await vi.waitFor(async () =>
      expect((await as("other", "GET", `/v1/answers/${ids[1]}`)).status).toBe(200),
    );
  });
});

describe("a client token's Idempotency-Key", () => {
  async function asked(caller: Caller, key: string): Promise<string> {
    const response = await ask("/v1/answers", {
      method: "POST",
      body: JSON.stringify({ question: "Whose key is this?", canvas: 4, steps: 2, cache: "off" }),
      headers: {
        authorization: `Bearer ${bearers.get(caller)}`,
        "content-type": "application/json",
        "idempotency-key": key,
      },
    });
    expect(response.status).toBe(200);
    return (await response.json<{ id: string }>()).id;
  }

  test("is its subject's: the same text of another is another request", async () => {
    const key = crypto.randomUUID();
    const first = await asked("own", key);
    expect(await asked("subject", key)).toBe(first);
    const ids = new Set<string>([first]);
    for (const caller of ["other", "alone", "key"] as const) ids.add(await asked(caller, key));
    expect(ids.size).toBe(4);
  });
});

describe("a subject's limits", () => {
  async function limited(
    subject: string,
    limits: object,
  ): Promise<(fields?: object) => Promise<Response>> {
    const token = await newToken({ subject, limits });
    return async (fields = {}) =>
      await ask("/v1/answers", {
        method: "POST",
        body: JSON.stringify({ ...question(), cache: "off", ...fields }),
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      });
  }

  async function codeOf(response: Response): Promise<string> {
    return (await response.json<{ code?: string }>()).code ?? String(response.status);
  }

  test("count what all of its tokens ask", async () => {
    const limits = { requests_per_minute: 2 };
    const [one, another] = [await limited("dora", limits), await limited("dora", limits)];
    expect([(await one()).status, (await another()).status]).toEqual([200, 200]);
    const refused = await one();
    expect(await codeOf(refused)).toBe("rate_limited");
    expect(refused.headers.get("ratelimit-policy")).toContain("subject-rpm");
    expect(await codeOf(await another())).toBe("rate_limited");
    expect((await (await limited("emil", limits))()).status).toBe(200);
  });

  test("cap its steps, and what it spends in a day", async () => {
    const steps = await limited("fred", { steps_per_minute: 3 });
    expect([(await steps()).status, await codeOf(await steps())]).toEqual([200, "rate_limited"]);
    const first = await (await (await limited("gerd", {}))()).json<{ charged_micros: number }>();
    const spend = await limited("hans", { spend_per_day_micros: first.charged_micros });
    expect((await spend()).status).toBe(200);
    expect(await codeOf(await spend())).toBe("spend_limit_reached");
    const again = await limited("hans", { spend_per_day_micros: first.charged_micros });
    expect(await codeOf(await again())).toBe("spend_limit_reached");
  });

  test("are counted whatever its token says of the picture", async () => {
    const image = encodeBase64(picture(90));
    const token = await limited("ida", { requests_per_minute: 1 });
    expect([(await token({ image })).status, await codeOf(await token({ image }))]).toEqual([
      200,
      "rate_limited",
    ]);
  });
});

describe("what belongs to the account is no client token's", () => {
  test.each([
    ["GET", "/v1/ledger"],
    ["GET", "/v1/webhook_endpoints"],
    ["POST", "/v1/webhook_endpoints"],
    ["GET", "/v1/webhook_endpoints/whe_1"],
    ["DELETE", "/v1/webhook_endpoints/whe_1"],
    ["GET", "/v1/webhook_secret"],
    ["POST", "/v1/webhook_secret/rotate"],
  ])("%s %s", async (method, path) => {
    const response = await as("own", method, path);
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
      403,
      "key_required",
    ]);
  });

  test("a token that makes tokens is refused as ever", async () => {
    const body = { spend_cap_micros: 1 };
    expect((await as("own", "POST", "/v1/client_tokens", body)).status).toBe(401);
  });
});

describe("webhook deliveries of what a client token asked", () => {
  const url = "https://named.test/own";

  /** Whose deliveries to the address a caller sees. */
  async function seen(caller: Caller): Promise<string[]> {
    const response = await as(caller, "GET", "/v1/webhook_deliveries?limit=100");
    expect(response.status).toBe(200);
    const { data } = await response.json<{ data: { id: string; url: string }[] }>();
    return data.filter((one) => one.url.startsWith("https://named.test/")).map(({ id }) => id);
  }

  test("are seen and sent again by its own and by the key alone", async () => {
    const response = await as("own", "POST", "/v1/answers", { ...question(), webhook: url });
    expect(response.status).toBe(200);
    const [id] = await vi.waitFor(async () => {
      const mine = await seen("own");
      expect(mine.length).toBe(1);
      return mine;
    });
    await runInDurableObject(env.WEBHOOKS.getByName("acc_test"), async (_, { storage }) => {
      const reply = { outcome: "response", status: 200, retry_after: null, location: null };
      storage.sql.exec(
        "INSERT INTO attempts (delivery_id, number, at, reply, response) VALUES (?, 1, 0, ?, ?)",
        ...[id, JSON.stringify({ ...reply, duration_ms: 1 }), "what it said"],
      );
    });
    for (const caller of callers) {
      const isInside = insiders.has(caller);
      expect([caller, (await seen(caller)).includes(id ?? "")]).toEqual([caller, isInside]);
      const shown = await as(caller, "GET", `/v1/webhook_deliveries/${id}`);
      expect([caller, shown.status]).toEqual([caller, isInside ? 200 : 404]);
      if (isInside) {
        const { attempts } = deliverySchema.parse(await shown.json());
        // Whoever names the address with a token would read any host through us.
        const words = caller === "key" ? "what it said" : null;
        expect([caller, attempts?.[0]?.response]).toEqual([caller, words]);
      }
      const again = await as(caller, "POST", `/v1/webhook_deliveries/${id}/redeliver`);
      expect([caller, again.status]).toEqual([caller, isInside ? 202 : 404]);
      const range = { since: "2020-01-01T00:00:00Z" };
      const many = await as(caller, "POST", "/v1/webhook_deliveries/redeliver", range);
      const { count } = await many.json<{ count: number }>();
      if (!isInside) expect([caller, count]).toEqual([caller, 0]);
    }
    await runInDurableObject(env.WEBHOOKS.getByName("acc_test"), async (_, { storage }) => {
      storage.sql.exec("DELETE FROM deliveries; DELETE FROM receivers");
      await storage.deleteAlarm();
    });
  });
});

describe("usage", () => {
  test("is told to a client token as far as it is its subject's", async () => {
    const day = new Date().toISOString().slice(0, 10);
    const event = {
      account: "acc_test",
      key: "key_walls",
      model: "unmask-demo",
      steps: 2,
      at: Date.now(),
    };
    const charges = [
      { ...event, id: `ans_w1_${drawn}`, micros: 5, owner: "sub:anna" },
      { ...event, id: `ans_w2_${drawn}`, micros: 7, owner: "sub:bert" },
      { ...event, id: `ans_w3_${drawn}`, micros: 11 },
    ];
    await env.DB.batch([...new UsageIndex(env.DB).copies(charges)]);
    const charged = async (caller: Caller): Promise<number> => {
      const response = await as(caller, "GET", `/v1/usage?key=key_walls&from=${day}`);
      const { data } = await response.json<{ data: { charged_micros: number }[] }>();
      return data.reduce((sum, row) => sum + row.charged_micros, 0);
    };
    expect(await Promise.all(callers.map(charged))).toEqual([5, 5, 7, 0, 23]);
  });
});

describe("what a function keeps of a picture", () => {
  test.each([
    ["own", "sub:anna"],
    ["other", "sub:bert"],
    ["alone", expect.stringMatching(/^ctk_/)],
    ["key", undefined],
  ] as const)("is of who asked about it: the ticket of %s says so", async (caller, owner) => {
    const double = functionReplies(
      () => eventReply(story),
      await modelReply(digest).json<ModelCard>(),
    );
    await as(caller, "POST", "/v1/answers", question());
    const jwt = double.orders.at(-1)?.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    const ticket = await openTicket(
      jwt,
      verificationKeysText.parse(env.TEST_TICKET_KEYS),
      Date.now(),
    );
    if (!ticket.ok) throw new Error("the function got no ticket");
    expect(ticket.value.owner).toEqual(owner);
  });
});
