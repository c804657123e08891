import { describe, expect, test } from "vitest";
import type { Notice } from "#domain/notice.ts";
import {
  LEASE_MS,
  MAX_SENDING_PER_RECEIVER,
  openWebhookBook,
} from "#edge/delivery/webhook-book.ts";
import {
  FAILING_FOR_MS,
  MAX_DELIVERY_ATTEMPTS,
  retryAfterMs,
  waitBeforeNext,
} from "#edge/delivery/webhook-schedule.ts";
import type { Endpoint, WebhookBook } from "#edge/delivery/webhooks.ts";
import type { DeliveryReply } from "#wire/fetch.ts";
import { nodeStore } from "../support/ledger-twin.ts";
import { simulateDeliveries } from "./webhook-simulation.ts";

const start = Date.UTC(2026, 0, 1);

function opened(): { book: WebhookBook; clock: { at: number } } {
  const clock = { at: start };
  let ids = 0;
  const book = openWebhookBook(nodeStore(), {
    now: () => clock.at,
    random: () => 0.5,
    newId: (prefix) => `${prefix}_${++ids}`,
  });
  return { book, clock };
}

function endpoint(overrides: Partial<Endpoint> = {}): Endpoint {
  return {
    id: "whe_1",
    url: "https://one.test/",
    events: null,
    signing: "hmac",
    secret: "whsec_one",
    publicKey: null,
    previous: null,
    isEnabled: true,
    disabledReason: null,
    failingSince: null,
    createdAt: start,
    ...overrides,
  };
}

function notice(overrides: Partial<Notice> = {}): Notice {
  return {
    id: "evt_1",
    type: "answer.completed",
    accountId: "acc_1",
    at: start,
    data: { answer: "A dog.", tokens: [] },
    ...overrides,
  };
}

function replied(status: number, fields: object = {}): DeliveryReply {
  const none = { location: null, retry_after: null };
  return { outcome: "response", status, ...none, ...fields, duration_ms: 1 };
}

/** Takes the one delivery that is due. */
function takeOne(book: WebhookBook): string {
  const [delivery, ...more] = book.take(10);
  if (delivery === undefined || more.length > 0) throw new Error(`${more.length + 1} are due`);
  return delivery.id;
}

describe("a notice", () => {
  test("goes to every endpoint that wants it, and to the address that its request named, once", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    book.putEndpoint(endpoint({ id: "whe_2", url: "https://two.test/", events: ["credit.low"] }));
    const target = { url: "https://own.test/", secret: "whsec_own", wantsDrafts: false };
    book.accept(notice(), target);
    book.accept(notice(), target);
    const due = book.take(10);
    expect(due.map(({ url, secrets }) => [url, ...secrets])).toEqual([
      ["https://one.test/", "whsec_one"],
      ["https://own.test/", "whsec_own"],
    ]);
    expect(JSON.parse(due[0]?.body ?? "")).toEqual({
      type: "answer.completed",
      timestamp: "2026-01-01T00:00:00.000Z",
      data: { answer: "A dog.", tokens: [] },
    });
  });

  test("that is a draft goes only to who asks for drafts", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    book.putEndpoint(endpoint({ id: "whe_2", url: "https://two.test/", events: ["answer.draft"] }));
    book.accept(notice({ type: "answer.draft" }), {
      ...{ url: "https://own.test/", secret: null, wantsDrafts: false },
    });
    expect(book.take(10).map(({ url }) => url)).toEqual(["https://two.test/"]);
  });

  test("of more than 20 KB goes without its tokens, and says so", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    const tokens = Array.from({ length: 2000 }, () => ({ text: "word", confidence: 0.5 }));
    book.accept(notice({ data: { answer: "long", tokens } }), null);
    const body = book.take(1)[0]?.body ?? "";
    expect(body.length).toBeLessThan(20_000);
    expect(JSON.parse(body).data).toEqual({ answer: "long", tokens: [], truncated: true });
  });

  test("is signed with both secrets while one replaces the other, and with one afterwards", () => {
    const { book, clock } = opened();
    const previous = { secret: "whsec_old", expiresAt: start + 1000 };
    book.putEndpoint(endpoint({ previous }));
    book.accept(notice(), null);
    expect(book.take(1)[0]?.secrets).toEqual(["whsec_one", "whsec_old"]);
    clock.at += 60_000;
    expect(book.take(1)[0]?.secrets).toEqual(["whsec_one"]);
  });
});

describe("a delivery", () => {
  test("that is taken is nobody else's, until its sender must have died", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    expect(book.take(10)).toHaveLength(1);
    expect(book.take(10)).toHaveLength(0);
    clock.at += 31_000;
    expect(book.take(10)).toHaveLength(1);
  });

  test("is tried at growing distances, ten times over some four days, then reported as failed", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    const waits: number[] = [];
    let id = "";
    for (let attempt = 0; attempt < MAX_DELIVERY_ATTEMPTS; attempt++) {
      const due = book.nextDueAt() ?? Number.NaN;
      waits.push((due - clock.at) / 1000);
      clock.at = due;
      id = takeOne(book);
      // Another notice gets through in between, so that the endpoint is not disabled.
      book.record(id, replied(500));
      book.putEndpoint({ ...endpoint(), failingSince: null });
    }
    expect(waits).toEqual([0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    expect(book.nextDueAt()).toBeNull();
    expect(book.delivery(id)?.delivery).toMatchObject({ state: "failed", attempts: 10 });
    expect(book.delivery(id)?.attempts).toHaveLength(10);
  });

  test("waits as long as its receiver asks with 429 or 503, and never less than planned", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    book.record(takeOne(book), replied(429, { retry_after: "3600" }));
    expect(book.nextDueAt()).toBe(start + 3_600_000);
    clock.at = start + 3_600_000;
    book.record(takeOne(book), replied(503, { retry_after: "1" }));
    expect(book.nextDueAt()).toBe(clock.at + 300_000);
  });

  test("that is redirected has failed, and the log shows where to", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    const id = takeOne(book);
    book.record(id, replied(301, { location: "https://new.test/" }));
    const found = book.delivery(id);
    expect(found?.delivery.state).toBe("waiting");
    expect(found?.attempts[0]?.reply).toMatchObject({ status: 301, location: "https://new.test/" });
  });

  test("can be sent again, alone or with all of a time, also after it was delivered", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    const id = takeOne(book);
    book.record(id, replied(200));
    expect([book.nextDueAt(), book.redeliver(id), book.redeliver("whd_none")]).toEqual([
      null,
      true,
      false,
    ]);
    book.record(takeOne(book), replied(200));
    expect(book.redeliverRange({ since: start, until: start + 1 })).toBe(1);
    expect(book.redeliverRange({ since: start + 1, until: start + 2 })).toBe(0);
    expect(book.take(10)[0]?.noticeId).toBe("evt_1");
  });

  test("to a receiver that hangs holds up no other receiver's", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    book.putEndpoint(endpoint({ id: "whe_2", url: "https://two.test/" }));
    for (let index = 0; index < 50; index++) book.accept(notice({ id: `evt_${index}` }), null);
    const urls = book.take(100).map(({ url }) => url);
    expect(urls.filter((url) => url === "https://one.test/")).toHaveLength(
      MAX_SENDING_PER_RECEIVER,
    );
    expect(urls.filter((url) => url === "https://two.test/")).toHaveLength(
      MAX_SENDING_PER_RECEIVER,
    );
    expect(book.take(100)).toHaveLength(0);
  });
});

describe("a receiver", () => {
  test("is its host: no address of it gets more than its share", () => {
    const { book } = opened();
    for (let index = 0; index < 10; index++)
      book.accept(notice({ id: `evt_${index}` }), {
        ...{ url: `https://own.test/?job=${index}`, secret: "whsec_own", wantsDrafts: false },
      });
    expect(book.take(100)).toHaveLength(MAX_SENDING_PER_RECEIVER);
  });

  test("whose senders have all died is due when the first of their leases ends, and not before", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    for (let index = 0; index < 9; index++) book.accept(notice({ id: `evt_${index}` }), null);
    expect(book.take(100)).toHaveLength(MAX_SENDING_PER_RECEIVER);
    clock.at += 1000;
    const due = book.nextDueAt() ?? 0;
    expect(due - start).toBe(LEASE_MS);
    clock.at = due;
    expect(book.take(100)).toHaveLength(MAX_SENDING_PER_RECEIVER);
  });

  test("that is kept busiest has to wait for the others", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    for (let index = 0; index < 9; index++) book.accept(notice({ id: `evt_${index}` }), null);
    expect(book.take(3)).toHaveLength(3);
    clock.at += 1000;
    book.putEndpoint(endpoint({ id: "whe_2", url: "https://two.test/", events: ["credit.low"] }));
    book.accept(notice({ id: "evt_low", type: "credit.low" }), null);
    expect(book.take(1)[0]?.url).toBe("https://two.test/");
  });

  test("whose address is none is no reason to lose a notice", () => {
    const { book } = opened();
    book.accept(notice(), { url: "nowhere", secret: "whsec_own", wantsDrafts: false });
    expect(takeOne(book)).toBe("whd_1");
  });
});

describe("the log", () => {
  test("forgets what was delivered thirty days ago, and nothing that is on its way", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    book.record(takeOne(book), replied(200));
    book.accept(notice({ id: "evt_2" }), null);
    book.record(takeOne(book), replied(500));
    clock.at += 31 * 24 * 3_600_000;
    book.sweep();
    expect(book.deliveries({}, 10).map(({ noticeId }) => noticeId)).toEqual(["evt_2"]);
    expect(book.take(10)).toHaveLength(1);
  });

  test("sends again to where the endpoint is now", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    const id = takeOne(book);
    book.record(id, replied(200));
    book.putEndpoint(endpoint({ url: "https://moved.test/" }));
    expect(book.delivery(id)?.delivery.url).toBe("https://one.test/");
    book.redeliver(id);
    expect(book.take(1)[0]?.url).toBe("https://moved.test/");
  });

  test("keeps what a late sender writes down of a delivery that another one made", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    book.accept(notice(), null);
    const id = takeOne(book);
    clock.at += LEASE_MS;
    expect(takeOne(book)).toBe(id);
    book.record(id, replied(200));
    book.record(id, replied(500));
    expect(book.delivery(id)?.delivery).toMatchObject({ state: "delivered", attempts: 1 });
    expect(book.nextDueAt()).toBeNull();
  });
});

describe("an endpoint", () => {
  test("is sent a notice of its own, whether it asked for it or not", () => {
    const { book } = opened();
    book.putEndpoint(endpoint({ events: ["credit.low"] }));
    book.putEndpoint(endpoint({ id: "whe_2", url: "https://two.test/" }));
    expect(book.acceptFor(notice(), "whe_1")).toBe(true);
    expect(book.acceptFor(notice({ id: "evt_2" }), "whe_none")).toBe(false);
    expect(book.take(10).map(({ url }) => url)).toEqual(["https://one.test/"]);
  });

  test("that answers 410 is disabled at once, and what was on its way there has failed", () => {
    const { book } = opened();
    book.putEndpoint(endpoint());
    book.putEndpoint(
      endpoint({ id: "whe_2", url: "https://two.test/", events: ["webhook_endpoint.disabled"] }),
    );
    book.accept(notice(), null);
    book.accept(notice({ id: "evt_2" }), null);
    const [first] = book.take(1);
    book.record(first?.id ?? "", replied(410));
    expect(book.endpoint("whe_1")).toMatchObject({ isEnabled: false, disabledReason: "gone" });
    const [told] = book.take(10);
    expect([told?.url, JSON.parse(told?.body ?? "").data]).toEqual([
      "https://two.test/",
      { id: "whe_1", url: "https://one.test/", reason: "gone" },
    ]);
    expect(
      book.deliveries({ endpointId: "whe_1" }, 10).every(({ state }) => state === "failed"),
    ).toBe(true);
  });

  test("that has done nothing but fail for five days is disabled; one success in between forgives", () => {
    const { book, clock } = opened();
    book.putEndpoint(endpoint());
    const fail = (id: string): void => {
      book.accept(notice({ id }), null);
      const delivery = book.take(10).find(({ noticeId }) => noticeId === id);
      book.record(delivery?.id ?? "", replied(500));
    };
    fail("evt_1");
    clock.at += FAILING_FOR_MS - 1;
    book.accept(notice({ id: "evt_2" }), null);
    for (const { id, noticeId } of book.take(10))
      book.record(id, replied(noticeId === "evt_2" ? 200 : 500));
    clock.at += 1;
    expect(book.endpoint("whe_1")?.isEnabled).toBe(true);
    fail("evt_3");
    clock.at += FAILING_FOR_MS;
    for (const { id } of book.take(10)) book.record(id, replied(500));
    expect(book.endpoint("whe_1")).toMatchObject({ isEnabled: false, disabledReason: "failing" });
  });
});

describe("the schedule", () => {
  test("spreads waits by a tenth to either side", () => {
    expect([0, 0.5, 1].map((random) => waitBeforeNext(1, null, random))).toEqual([
      4500, 5000, 5500,
    ]);
    expect(waitBeforeNext(MAX_DELIVERY_ATTEMPTS, null, 0)).toBeNull();
  });

  test("reads Retry-After as seconds or as a date, and nothing else", () => {
    const date = new Date(start + 60_000).toUTCString();
    expect(["120", date, "soon", null].map((text) => retryAfterMs(text, start))).toEqual([
      120_000,
      60_000,
      null,
      null,
    ]);
  });
});

test("of 3,000 deliveries with 30 % faults none is lost, and none is processed twice", () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const result = simulateDeliveries(3_000, seed);
  expect(result, `SEED=${seed}`).toMatchObject({ deliveries: 3_000, lost: 0, processedTwice: 0 });
  // The world must really have been cruel, or the law was never tried.
  expect(result.faults, `SEED=${seed}`).toBeGreaterThan(900);
  for (const name of ["repeats", "deaths", "givenUp"] as const)
    expect(result[name], `${name}, SEED=${seed}`).toBeGreaterThan(0);
});
