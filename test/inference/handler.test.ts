import sharp from "sharp";
import { describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import type { Question } from "#domain/question.ts";
import { ok } from "#domain/result.ts";
import { createAdmission } from "#inference/admission.ts";
import { createFetcher } from "#inference/fetch/routes.ts";
import { createPace } from "#inference/fleet/pace.ts";
import { createHandler, type HandlerParts } from "#inference/handler.ts";
import { createMetrics } from "#inference/metrics.ts";
import { createTicketLog } from "#inference/ticket-log.ts";
import type { Engine } from "#model/engine.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { readAnswerEvents } from "#wire/function/events.ts";
import { FETCH_PATH, type FetchOrder } from "#wire/function/fetch.ts";
import {
  ALTERNATIVES_HEADER,
  DEADLINE_HEADER,
  FORGET_PATH,
  GENERATE_PATH,
  MODEL_DIGEST_HEADER,
} from "#wire/function/generate.ts";
import { orderPrefix } from "#wire/function/order.ts";
import { parseRefusal } from "#wire/function/refusal.ts";
import { type NewTicket, signTicket } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { numerics, options, untold, untoldByFunction } from "../support/edge-builders.ts";
import { fakeArchitecture, fakeEngine, fakeSpecial, oneHot } from "../support/fake-engine.ts";
import { fakeTemplate, fakeTokenizer } from "../support/fake-tokenizer.ts";
import { orderOf } from "../support/orders.ts";

const keys = await generateTicketKeys("test");
const png = new Uint8Array(
  await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
    .png()
    .toBuffer(),
);
const question: Question = {
  messages: [{ role: "user", text: "What is this?" }],
  images: [png],
  options: options({ canvas: 4, steps: 4, blockLength: 4 }),
};

/** Ends every answer at once with one letter. */
const letter = fakeEngine((_, position) =>
  oneHot(fakeArchitecture.logitsColumns, position % 2 === 0 ? 16 + 65 : fakeSpecial.endOfTurn, 9),
);

function parts(
  overrides: Partial<HandlerParts> & { engine?: Engine; canvasLimit?: number } = {},
): HandlerParts {
  const { engine = letter, ...rest } = overrides;
  const tools = {
    engine,
    tokenizer: fakeTokenizer,
    renderTemplate: fakeTemplate,
    resize: resizeBicubic,
  };
  const card = {
    id: "fake",
    digest: "d".repeat(64),
    image: null,
    max_prompt_length: 200,
    ...untoldByFunction,
    canvas_limit: overrides.canvasLimit ?? 512,
    provider: "fake",
    format: "f32",
  };
  const metrics = createMetrics();
  return {
    host: {
      health: () => ({ status: "ok" }),
      takesWork: () => true,
      forget: () => undefined,
      condemn: () => undefined,
      noteMemory: () => undefined,
      isLoaded: () => true,
      replacement: new Promise(() => undefined),
      described: async () => ({
        ...{ card, abilities: untold.abilities, numerics, tools },
        toolsOf: () => tools,
        forget: () => undefined,
      }),
      status: () =>
        ok({
          model: { name: "fake", version: "1", digest: card.digest },
          state: "ready",
          loaded_bytes: 1,
          total_bytes: 1,
          eta_seconds: 0,
          replace: false,
          reason: null,
        }),
      dispose: async () => undefined,
    },
    admission: createAdmission(1, 1, () => 0),
    ticketKeys: [keys.verification],
    tickets: createTicketLog(() => 0),
    fetcher: createFetcher(
      { resolve: async () => [], allowsPrivate: false, forbiddenPorts: [] },
      () => 0,
      () => undefined,
      metrics,
    ),
    metrics,
    metricsGuard: { host: "127.0.0.1" },
    isDraining: () => false,
    cut: new AbortController().signal,
    pace: createPace(() => 0),
    now: () => 0,
    log: () => undefined,
    ...rest,
  };
}

interface Posting {
  /** What is asked; a small question about a picture unless said. */
  readonly question?: Question;
  /** Another body than a work order's. */
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly ticket?: Partial<NewTicket>;
  readonly signedAt?: number;
  readonly signal?: AbortSignal;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function post(
  handler: ReturnType<typeof createHandler>,
  posting: Posting = {},
): Promise<Response> {
  const order = await orderOf(posting.question ?? question);
  const body = posting.body ?? order.body;
  const ticket: NewTicket = {
    ticketId: crypto.randomUUID(),
    jobId: "ans_1",
    accountId: "acc",
    model: "fake",
    bodySha256: await sha256Hex(posting.body ?? order.head),
    ...posting.ticket,
  };
  const jwt = await signTicket(ticket, keys.signing, posting.signedAt ?? 0);
  const headers = { authorization: `Bearer ${jwt}`, ...posting.headers };
  const init = { method: "POST", body, headers };
  return await handler.request(
    posting.path ?? GENERATE_PATH,
    posting.signal === undefined ? init : { ...init, signal: posting.signal },
  );
}

/** Sends any body under a ticket that was signed for another. */
async function postBody(
  handler: ReturnType<typeof createHandler>,
  body: ReadableStream,
  signedFor: Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const ticket: NewTicket = {
    ticketId: crypto.randomUUID(),
    jobId: "ans_1",
    accountId: "acc",
    model: "fake",
    bodySha256: await sha256Hex(signedFor),
  };
  const headers = { authorization: `Bearer ${await signTicket(ticket, keys.signing, 0)}` };
  const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
  return await handler.request("/v1/generate", init);
}

async function refusalOf(response: Response): Promise<Failure | undefined> {
  return parseRefusal(await response.json());
}

async function readerOf(response: Response): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  if (response.body === null) throw new Error("no body");
  return response.body.getReader();
}

async function eventsOf(response: Response): Promise<AnswerEvent[]> {
  if (response.body === null) throw new Error("no body");
  return await Array.fromAsync(readAnswerEvents(response.body));
}

describe("POST /v1/generate works", () => {
  test("answers as server-sent events and names the weights that answer", async () => {
    const response = await post(createHandler(parts()));
    expect(response.headers.get(MODEL_DIGEST_HEADER)).toBe("d".repeat(64));
    const events = await eventsOf(response);
    expect(events.map(({ kind }) => kind)).toEqual([
      "answer.started",
      ...new Array(events.length - 2).fill("answer.frame"),
      "answer.completed",
    ]);
  });

  test.each<[string | null, number]>([
    [null, 0],
    ["0", 0],
    ["2", 2],
    ["3", 3],
    ["4", 0], // none that an edge of ours asks for
    ["two", 0],
    ["-1", 0],
  ])(
    "its frames tell other tokens where a header asks for them (%s), and the digest is the same",
    async (asked, count) => {
      const handler = createHandler(parts());
      const headers = asked === null ? {} : { [ALTERNATIVES_HEADER]: asked };
      const told = await eventsOf(await post(handler, { headers }));
      const counts = told
        .flatMap((event) => (event.kind === "answer.frame" ? event.revealed : []))
        .map(({ alternatives }) => alternatives?.length ?? 0);
      expect(new Set(counts)).toEqual(new Set([count]));
      const plain = await eventsOf(await post(handler));
      expect(told.at(-1)).toEqual(plain.at(-1));
    },
  );

  test("a place is free again after an answer, a refusal and a fault", async () => {
    const broken: Engine = {
      ...letter,
      denoise: async () => {
        throw new Error("the device is lost");
      },
    };
    const made = parts({ engine: broken });
    const [failed] = (await eventsOf(await post(createHandler(made)))).slice(-1);
    expect(failed).toEqual({ kind: "answer.failed", failure: { kind: "internal" } });
    expect(made.admission.load()).toEqual({ running: 0, waiting: 0 });
  });
});

describe("POST /v1/forget", () => {
  test("forgets what is kept of the account that the ticket names, and of nobody without one", async () => {
    const own = parts();
    const forgotten: string[] = [];
    const host = { ...own.host, forget: (account: string) => void forgotten.push(account) };
    const handler = createHandler({ ...own, host });
    const body = new Uint8Array(new TextEncoder().encode("{}"));
    const posting = { path: FORGET_PATH, body, ticket: { accountId: "acc_gone" } };
    expect((await post(handler, posting)).status).toBe(204);
    const stranger = await handler.request(FORGET_PATH, { method: "POST", body });
    expect(stranger.status).toBe(401);
    expect(forgotten).toEqual(["acc_gone"]);
  });
});

describe("POST /v1/generate refuses", () => {
  test("an order without a ticket, with an old one, or with one for another body", async () => {
    const handler = createHandler(parts());
    const bare = await handler.request("/v1/generate", {
      method: "POST",
      body: (await orderOf(question)).body,
    });
    const old = await post(handler, { signedAt: -66_000 });
    const other = await post(handler, { ticket: { bodySha256: "0".repeat(64) } });
    for (const response of [bare, old, other]) {
      expect(response.status).toBe(401);
      expect(await refusalOf(response)).toMatchObject({ kind: "ticket_refused" });
    }
  });

  test("a ticket that was used before", async () => {
    const handler = createHandler(parts());
    await eventsOf(await post(handler, { ticket: { ticketId: "once" } }));
    const again = await post(handler, { ticket: { ticketId: "once" } });
    expect(await refusalOf(again)).toEqual({ kind: "ticket_refused", reason: "used before" });
  });

  test("a body that is signed but no question", async () => {
    const head = new TextEncoder().encode('{"messages":[]}');
    const response = await post(createHandler(parts()), {
      body: orderPrefix(head),
      ticket: { bodySha256: await sha256Hex(head) },
    });
    expect(response.status).toBe(400);
    expect(await refusalOf(response)).toMatchObject({ kind: "invalid_request" });
  });

  test("a job for another model than its own, naming the one that it has", async () => {
    const handler = createHandler(parts());
    const response = await post(handler, { ticket: { model: "other" } });
    expect(await refusalOf(response)).toEqual({
      ...{ kind: "unknown_model", model: "other", known: ["fake"] },
    });
  });

  test("a canvas beyond what its own model takes, whatever the edge's card says, and leaves its place", async () => {
    const admission = createAdmission(1, 0, () => 0);
    const handler = createHandler(parts({ admission, canvasLimit: 3 }));
    const refused = await post(handler, {});
    expect([refused.status, await refusalOf(refused)]).toEqual([
      400,
      {
        kind: "invalid_request",
        problems: [{ pointer: "/options/canvas", message: "is 4; fake takes 3 positions at most" }],
      },
    ]);
    expect(admission.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("more than the queue holds, with the time to come back", async () => {
    const admission = createAdmission(1, 0, () => 0);
    admission.enter(new AbortController().signal);
    const response = await post(createHandler(parts({ admission })));
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refusalOf(response)).toMatchObject({ kind: "overloaded" });
  });

  test("a broken picture, as an event, and computes nothing", async () => {
    const cut = { ...question, images: [png.subarray(0, 40)] };
    const engine = fakeEngine(() => oneHot(fakeArchitecture.logitsColumns, 20, 9));
    const events = await eventsOf(await post(createHandler(parts({ engine })), { question: cut }));
    expect(events).toEqual([
      { kind: "answer.failed", failure: { kind: "image_truncated", image: 0 } },
    ]);
    expect(engine.passes).toHaveLength(0);
  });

  test("everything while the weights cannot be had, by the loader's own code", async () => {
    const waiting: Engine = {
      ...letter,
      encodeImage: async () => {
        throw new WeightsError("shard_corrupt", "blobs/sha256/00 is wrong");
      },
    };
    const events = await eventsOf(await post(createHandler(parts({ engine: waiting }))));
    expect(events.at(-1)).toEqual({
      kind: "answer.failed",
      failure: { kind: "weights_failed", code: "shard_corrupt" },
    });
  });

  test("a path that is not there", async () => {
    const response = await createHandler(parts()).request("/v1/else");
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
  });
});

describe("POST /v1/generate withstands", () => {
  /** An engine whose passes last until they are aborted, and which tells that they were. */
  function endless(): { engine: Engine; started: Promise<void>; aborted: Promise<void> } {
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const engine: Engine = {
      ...letter,
      denoise: (_, signal) => {
        started.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            aborted.resolve();
            reject(signal.reason);
          });
        });
      },
    };
    return { engine, started: started.promise, aborted: aborted.promise };
  }

  test("a caller who leaves: the pass is stopped and the place is free", async () => {
    const { engine, started, aborted } = endless();
    const made = parts({ engine });
    const reader = await readerOf(await post(createHandler(made)));
    await reader.read(); // answer.started
    const frame = reader.read();
    await started;
    expect(made.admission.load().running).toBe(1);
    await reader.cancel("gone");
    await aborted;
    await frame;
    expect(made.admission.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("a caller who leaves without having read a byte: the place is free", async () => {
    const made = parts({ engine: endless().engine });
    const reader = await readerOf(await post(createHandler(made)));
    await reader.cancel("gone");
    expect(made.admission.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("a caller who leaves while waiting: his place in the queue is free", async () => {
    const made = parts({ engine: endless().engine });
    const handler = createHandler(made);
    const first = await readerOf(await post(handler));
    const second = await readerOf(await post(handler));
    expect(made.admission.load()).toEqual({ running: 1, waiting: 1 });
    await second.cancel("gone");
    expect(made.admission.load()).toEqual({ running: 1, waiting: 0 });
    await first.cancel("gone");
  });

  test("a body without end is cut off where its head says that it ends, and its place is free", async () => {
    const order = await orderOf(question);
    const chunk = new Uint8Array(4 * 1024 * 1024);
    let [isBegun, isCut] = [false, false];
    const body = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(isBegun ? chunk : order.body);
        isBegun = true;
      },
      cancel: () => {
        isCut = true;
      },
    });
    const made = parts();
    const response = await postBody(createHandler(made), body, order.head);
    expect([response.status, isCut]).toEqual([400, true]);
    expect(made.admission.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("a stranger: his body is never read and he takes no place", async () => {
    let isRead = false;
    const body = new ReadableStream(
      {
        pull: () => {
          isRead = true;
        },
      },
      { highWaterMark: 0 },
    );
    const made = parts();
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    const response = await createHandler(made).request("/v1/generate", init);
    expect(response.status).toBe(401);
    expect(isRead).toBe(false);
    expect(made.admission.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("a deadline of no time at all, and one that passes while the manifest is on its way", async () => {
    const made = parts({ engine: endless().engine });
    const late: HandlerParts["host"]["described"] = async (signal) => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return await made.host.described(signal);
    };
    const slow = { ...made, host: { ...made.host, described: late } };
    for (const [handler, ms] of [
      [createHandler(made), "0"],
      [createHandler(slow), "10"],
    ] as const) {
      const events = await eventsOf(await post(handler, { headers: { [DEADLINE_HEADER]: ms } }));
      expect(events.at(-1)).toMatchObject({ kind: "answer.partial", answer: "" });
      expect(made.admission.load()).toEqual({ running: 0, waiting: 0 });
    }
  });

  test("a deadline that is no number: the answer is waited for", async () => {
    for (const text of ["", "soon", "-1", "1e3", "9".repeat(20)]) {
      const headers = { [DEADLINE_HEADER]: text };
      const events = await eventsOf(await post(createHandler(parts()), { headers }));
      expect(events.at(-1)?.kind).toBe("answer.completed");
    }
  });

  test("more questions than places, before the manifest is there: the rest is refused", async () => {
    const made = parts();
    const host = { ...made.host, described: () => new Promise<never>(() => undefined) };
    const handler = createHandler({ ...made, host });
    void post(handler);
    void post(handler);
    await vi.waitFor(() => expect(made.admission.load()).toEqual({ running: 1, waiting: 1 }));
    expect((await post(handler)).status).toBe(503);
  });
});

describe("POST /v1/fetch", () => {
  const order: FetchOrder = { purpose: "image", url: "https://10.0.0.1/a.png", timeout_ms: 1_000 };
  const bodyOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

  test("needs a ticket for this very body", async () => {
    const handler = createHandler(parts());
    const bare = await handler.request(FETCH_PATH, { method: "POST", body: bodyOf(order) });
    const other = await post(handler, {
      path: FETCH_PATH,
      body: bodyOf(order),
      ticket: { bodySha256: "0".repeat(64) },
    });
    for (const response of [bare, other]) {
      expect(response.status).toBe(401);
      expect(await refusalOf(response)).toMatchObject({ kind: "ticket_refused" });
    }
  });

  test("works while no weights are there, and tells what it refuses", async () => {
    const made = parts();
    const host = { ...made.host, described: () => new Promise<never>(() => undefined) };
    const handler = createHandler({ ...made, host });
    const blocked = await post(handler, { path: FETCH_PATH, body: bodyOf(order) });
    expect(await refusalOf(blocked)).toMatchObject({ kind: "image_fetch_blocked", image: 0 });
    const invalid = await post(handler, { path: FETCH_PATH, body: bodyOf({ purpose: "image" }) });
    expect(await refusalOf(invalid)).toMatchObject({ kind: "invalid_request" });
  });

  test("shares its places between accounts: one whose hosts hang leaves room for all others, and waits", async () => {
    const hanging = Promise.withResolvers<readonly string[]>();
    const made = parts();
    const resolve = (host: string) =>
      host === "slow.test" ? hanging.promise : Promise.resolve([]);
    const reach = { resolve, allowsPrivate: false, forbiddenPorts: [] };
    const fetcher = createFetcher(
      reach,
      () => 0,
      () => undefined,
      made.metrics,
    );
    const handler = createHandler({ ...made, fetcher });
    const send = async (accountId: string, host: string) => {
      const body = bodyOf({ ...order, url: `https://${host}/a.png`, timeout_ms: 30_000 });
      return await refusalOf(
        await post(handler, { path: FETCH_PATH, body, ticket: { accountId } }),
      );
    };
    // Twelve questions with four slow addresses each.
    const hog = Array.from({ length: 48 }, () => send("acc_hog", "slow.test"));
    await vi.waitFor(() => expect(fetcher.load()).toEqual({ running: 16, waiting: 32 }));
    for (const account of ["acc_a", "acc_b", "acc_c"])
      expect(await send(account, "quick.test")).toMatchObject({ kind: "image_fetch_blocked" });
    hanging.resolve([]);
    const kinds = (await Promise.all(hog)).map((failure) => failure?.kind);
    expect(new Set(kinds)).toEqual(new Set(["image_fetch_blocked"]));
    expect(fetcher.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("keeps places for webhooks that no picture takes, and refuses a webhook at once where there is none", async () => {
    const hanging = Promise.withResolvers<readonly string[]>();
    const made = parts();
    const resolve = (host: string) =>
      host === "slow.test" ? hanging.promise : Promise.resolve([]);
    const fetcher = createFetcher(
      { resolve, allowsPrivate: false, forbiddenPorts: [] },
      () => 0,
      () => undefined,
      made.metrics,
    );
    const handler = createHandler({ ...made, fetcher });
    const send = (accountId: string, fields: object) => {
      const body = bodyOf({ ...order, timeout_ms: 30_000, ...fields });
      return post(handler, { path: FETCH_PATH, body, ticket: { accountId } });
    };
    const webhook = { purpose: "webhook", headers: {}, body: "{}" };
    const pictures = Array.from({ length: 60 }, (_, index) =>
      send(`acc_${index}`, { url: "https://slow.test/" }),
    );
    await vi.waitFor(() => expect(fetcher.load().running).toBe(32));
    const sent = await send("acc_a", { ...webhook, url: "https://quick.test/" });
    expect(await sent.json()).toMatchObject({ outcome: "failed", reason: "blocked" });
    const webhooks = Array.from({ length: 33 }, () =>
      send("acc_hog", { ...webhook, url: "https://slow.test/" }),
    );
    expect(await refusalOf(await Promise.race(webhooks))).toMatchObject({ kind: "overloaded" });
    hanging.resolve([]);
    await Promise.all([...pictures, ...webhooks]);
  });
});

test("every line about a request names it and its trace, and none its question or its address", async () => {
  const lines: string[] = [];
  const log: HandlerParts["log"] = (event, fields) =>
    void lines.push(JSON.stringify({ event, ...fields }));
  const metrics = createMetrics();
  const reach = { resolve: async () => [], allowsPrivate: false, forbiddenPorts: [] };
  const fetcher = createFetcher(reach, () => 0, log, metrics);
  const handler = createHandler(parts({ log, fetcher }));
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const headers = { "x-request-id": "req_7", traceparent: `00-${trace}-00f067aa0ba902b7-01` };
  const order = { purpose: "image", url: "https://private.example/a.png", timeout_ms: 100 };
  const body = new TextEncoder().encode(JSON.stringify(order));
  await eventsOf(await post(handler, { headers }));
  await post(handler, { headers, path: FETCH_PATH, body });
  await post(handler, { headers, ticket: { bodySha256: "0".repeat(64) } });
  expect(lines).toHaveLength(3);
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({ request: "req_7", trace });
    expect(line).not.toMatch(/What is this|private\.example|Bearer|eyJ/);
  }
});

test("metrics count what was answered and fetched", async () => {
  const handler = createHandler(parts());
  await eventsOf(await post(handler));
  const response = await handler.request("/metrics");
  expect(response.headers.get("content-type")).toContain("version=0.0.4");
  const text = await response.text();
  expect(text).toContain('unmask_answers_total{outcome="completed"} 1');
  expect(text).toContain("unmask_answers_running 0");
});

test("health tells the platform to replace a process whose model can never be served", async () => {
  const made = parts();
  const lost = { status: "failed", reason: "not_found" } as const;
  const host = { ...made.host, health: () => lost };
  const response = await createHandler({ ...made, host }).request("/health");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject(lost);
});

test("a process whose network gave infinite numbers says that it is to be replaced, and takes no more work", async () => {
  const engine = fakeEngine(() =>
    new Float32Array(fakeArchitecture.logitsColumns).fill(Number.POSITIVE_INFINITY),
  );
  const made = parts({ engine });
  const condemned: string[] = [];
  const host: HandlerParts["host"] = {
    ...made.host,
    takesWork: () => condemned.length === 0,
    condemn: (reason) => void condemned.push(reason),
  };
  const handler = createHandler({ ...made, host });
  const events = await eventsOf(await post(handler));
  const failure = { kind: "logits_not_finite" };
  expect(events.at(-1)).toEqual({ kind: "answer.failed", failure });
  expect(condemned).toEqual(["logits_not_finite"]);
  const later = await post(handler);
  expect(later.status).toBe(503);
  expect(await refusalOf(later)).toEqual({ kind: "draining" });
});

test("status, card and health are told as they are", async () => {
  const handler = createHandler(parts());
  expect(await (await handler.request("/status")).json()).toMatchObject({
    ...{ state: "ready", running: 0, places: 1, queued: 0, queued_steps: 0 },
  });
  expect(await (await handler.request("/v1/model")).json()).toMatchObject({ id: "fake" });
  expect(await (await handler.request("/health")).json()).toEqual({
    status: "ok",
    running: 0,
    waiting: 0,
  });
});
