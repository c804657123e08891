import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Notice } from "#domain/notice.ts";
import type { SqlStore } from "#edge/storage/sql-store.ts";
import { FORGOTTEN_AT_ONCE, MAX_LOG_BYTES } from "#edge/webhooks/storage/delivery-log.ts";
import type { WebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import { openWebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import {
  FAILING_FOR_MS,
  retryAfterMs,
  UNSENT_FOR_MS,
  waitBeforeNext,
} from "#edge/webhooks/storage/webhook-schedule.ts";
import type { Endpoint } from "#edge/webhooks/storage/webhook-tables.ts";
import { LEASE_MS, MAX_SENDING_PER_RECEIVER } from "#edge/webhooks/storage/webhook-turns.ts";
import type { DeliveryReply } from "#wire/function/fetch.ts";
import { nodeStore } from "../support/ledger-twin.ts";
import { simulateDeliveries } from "./webhook-simulation.ts";

const start = Date.UTC(2026, 0, 1);

function opened(store: SqlStore = nodeStore()): {
  repository: WebhookRepository;
  clock: { at: number };
} {
  const clock = { at: start };
  let ids = 0;
  const repository = openWebhookRepository(store, {
    now: () => clock.at,
    random: () => 0.5,
    newId: (prefix) => `${prefix}_${++ids}`,
  });
  return { repository, clock };
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

/** Whether anything may be taken, found out by looking through everything. */
function canTake(store: SqlStore, now: number): boolean {
  const found = store.all(
    `SELECT waiting.receiver FROM (
       SELECT receiver, min(due_at) AS due FROM deliveries WHERE state = 'waiting' GROUP BY receiver
     ) waiting
     WHERE due <= ?1 AND NOT EXISTS (SELECT 1 FROM account WHERE paused_until > ?1)
       AND (SELECT count(*) FROM deliveries d
         WHERE d.receiver = waiting.receiver AND d.leased_until > ?1) < ?2`,
    [now, MAX_SENDING_PER_RECEIVER],
  );
  return found.length > 0;
}

/** Takes the one delivery that is due. */
function takeOne(repository: WebhookRepository): string {
  const [delivery, ...more] = repository.take(10);
  if (delivery === undefined || more.length > 0) throw new Error(`${more.length + 1} are due`);
  return delivery.id;
}

describe("a notice", () => {
  test("goes to every endpoint that wants it, and to the address that its request named, once", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.putEndpoint(
      endpoint({ id: "whe_2", url: "https://two.test/", events: ["credit.low"] }),
    );
    const target = { url: "https://own.test/", secret: "whsec_own", wantsDrafts: false };
    repository.accept(notice(), target);
    repository.accept(notice(), target);
    const due = repository.take(10);
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
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.putEndpoint(
      endpoint({ id: "whe_2", url: "https://two.test/", events: ["answer.draft"] }),
    );
    repository.accept(notice({ type: "answer.draft" }), {
      ...{ url: "https://own.test/", secret: null, wantsDrafts: false },
    });
    expect(repository.take(10).map(({ url }) => url)).toEqual(["https://two.test/"]);
  });

  test("of what endpoints were told before goes to the address that the request named, and to no endpoint", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    const target = { url: "https://own.test/", secret: "whsec_own", wantsDrafts: false };
    for (const _ of [1, 2]) repository.acceptAt(notice(), target);
    expect(repository.take(10).map(({ url }) => url)).toEqual(["https://own.test/"]);
  });

  test("of more than 20 KB goes without its tokens, and says so", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    const tokens = Array.from({ length: 2000 }, () => ({ text: "word", confidence: 0.5 }));
    repository.accept(notice({ data: { answer: "long", tokens } }), null);
    const body = repository.take(1)[0]?.body ?? "";
    expect(body.length).toBeLessThan(20_000);
    expect(JSON.parse(body).data).toEqual({ answer: "long", tokens: [], truncated: true });
  });

  test("of more than 20 KB of fields goes without the probabilities of what they could have been; values stay", () => {
    const told = (data: object): Record<string, unknown> => {
      const { repository } = opened();
      repository.putEndpoint(endpoint());
      repository.accept(notice({ data }), null);
      return JSON.parse(repository.take(1)[0]?.body ?? "").data;
    };
    const probabilities = Array.from({ length: 255 }, (_, value) => ({ value, probability: 1e-3 }));
    const closed = { type: "number", value: 7, guess: 7, probability: 0.5, probabilities };
    const list = { type: "list", value: [7], items: [closed], counts: [0, 1] };
    const few = { answer: "{}", tokens: [], fields: { a: closed } };
    const fields = { a: closed, ["__proto__"]: closed, b: list };
    expect(told(few)).toEqual(few);
    const { fields: left, truncated } = told({ answer: "{}", tokens: [], fields });
    const bare = { ...closed, probabilities: [] };
    expect(left).toEqual({ a: bare, ["__proto__"]: bare, b: { ...list, items: [bare] } });
    expect(Object.keys(left as object)).toEqual(["a", "__proto__", "b"]);
    expect(truncated).toBe(true);
  });

  test("is signed with both secrets while one replaces the other, and with one afterwards", () => {
    const { repository, clock } = opened();
    const previous = { secret: "whsec_old", expiresAt: start + LEASE_MS };
    repository.putEndpoint(endpoint({ previous }));
    repository.accept(notice(), null);
    expect(repository.take(1)[0]?.secrets).toEqual(["whsec_one", "whsec_old"]);
    clock.at += LEASE_MS;
    expect(repository.take(1)[0]?.secrets).toEqual(["whsec_one"]);
  });

  test("to an address without a secret of its own is signed with the account's, of today", () => {
    const { repository } = opened();
    expect(repository.accountSecrets()).toBeNull();
    const previous = { secret: "whsec_before", expiresAt: start + 1 };
    repository.putAccountSecrets({ secret: "whsec_first", previous: null });
    repository.accept(notice(), { url: "https://own.test/", secret: null, wantsDrafts: false });
    repository.putAccountSecrets({ secret: "whsec_account", previous });
    expect(repository.accountSecrets()).toEqual({ secret: "whsec_account", previous });
    expect(repository.take(1)[0]?.secrets).toEqual(["whsec_account", "whsec_before"]);
  });
});

describe("a delivery", () => {
  test("that is taken is nobody else's, until its sender must have died", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    expect(repository.take(10)).toHaveLength(1);
    expect(repository.take(10)).toHaveLength(0);
    clock.at += 31_000;
    expect(repository.take(10)).toHaveLength(1);
  });

  test("is tried at growing distances, ten times over some four days, then reported as failed", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const waits: number[] = [];
    let id = "";
    for (let attempt = 0; attempt < 10; attempt++) {
      const due = repository.nextDueAt() ?? Number.NaN;
      waits.push((due - clock.at) / 1000);
      clock.at = due;
      id = takeOne(repository);
      // Another notice gets through in between, so that the endpoint is not disabled.
      repository.record(id, replied(500));
      repository.putEndpoint({ ...endpoint(), failingSince: null });
    }
    expect(waits).toEqual([0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    expect(repository.nextDueAt()).toBeNull();
    expect(repository.delivery(id)?.delivery).toMatchObject({ state: "failed", attempts: 10 });
    expect(repository.delivery(id)?.attempts).toHaveLength(10);
  });

  test("waits as long as its receiver asks with 429 or 503, and never less than planned", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    repository.record(takeOne(repository), replied(429, { retry_after: "3600" }));
    expect(repository.nextDueAt()).toBe(start + 3_600_000);
    clock.at = start + 3_600_000;
    repository.record(takeOne(repository), replied(503, { retry_after: "1" }));
    expect(repository.nextDueAt()).toBe(clock.at + 300_000);
  });

  test.each([200, 204, 299])("is delivered where its receiver says %i", (status) => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    repository.record(id, replied(status));
    expect(repository.delivery(id)?.delivery).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test("has failed where its receiver says 300, which is no success", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    repository.record(id, replied(300));
    expect(repository.delivery(id)?.delivery).toMatchObject({ state: "waiting", attempts: 1 });
  });

  test("waits no longer for a receiver that fails with a Retry-After of its own than for any that fails", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    repository.record(takeOne(repository), replied(500, { retry_after: "3600" }));
    expect((repository.nextDueAt() ?? 0) - clock.at).toBe(5_000);
  });

  test("to an address that says 410 is not tried again", () => {
    const { repository } = opened();
    repository.accept(notice(), { url: "https://own.test/", secret: "whsec", wantsDrafts: false });
    const id = takeOne(repository);
    repository.record(id, replied(410));
    expect(repository.delivery(id)?.delivery).toMatchObject({ state: "failed", dueAt: null });
  });

  test("that is redirected has failed, and the log shows where to", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    repository.record(id, replied(301, { location: "https://new.test/" }));
    const found = repository.delivery(id);
    expect(found?.delivery.state).toBe("waiting");
    expect(found?.attempts[0]?.reply).toMatchObject({ status: 301, location: "https://new.test/" });
  });

  test("can be sent again, alone or with all of a time, also after it was delivered", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    repository.record(id, replied(200));
    expect([
      repository.nextDueAt(),
      repository.redeliver(id),
      repository.redeliver("whd_none"),
    ]).toEqual([null, true, false]);
    repository.record(takeOne(repository), replied(200));
    expect(repository.redeliverRange({ since: start, until: start + 1 })).toBe(1);
    expect(repository.redeliverRange({ since: start + 1, until: start + 2 })).toBe(0);
    expect(repository.take(10)[0]?.noticeId).toBe("evt_1");
  });

  test("to a receiver that hangs holds up no other receiver's", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.putEndpoint(endpoint({ id: "whe_2", url: "https://two.test/" }));
    for (let index = 0; index < 50; index++)
      repository.accept(notice({ id: `evt_${index}` }), null);
    const urls = repository.take(100).map(({ url }) => url);
    expect(urls.filter((url) => url === "https://one.test/")).toHaveLength(
      MAX_SENDING_PER_RECEIVER,
    );
    expect(urls.filter((url) => url === "https://two.test/")).toHaveLength(
      MAX_SENDING_PER_RECEIVER,
    );
    expect(repository.take(100)).toHaveLength(0);
  });
});

describe("a sending that never left", () => {
  const unsent = { outcome: "unsent" } as const;

  test("is no attempt: it counts toward nothing, and is made again within a second, later half a minute", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const waits: number[] = [];
    let id = "";
    for (let times = 0; times < 12; times += 1) {
      clock.at = repository.nextDueAt() ?? Number.NaN;
      id = takeOne(repository);
      repository.record(id, unsent);
      waits.push(((repository.nextDueAt() ?? Number.NaN) - clock.at) / 1000);
    }
    expect(waits).toEqual([1, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]);
    expect(repository.delivery(id)).toMatchObject({
      ...{ delivery: { state: "waiting", attempts: 0 }, attempts: [] },
    });
    expect(repository.endpoint("whe_1")).toMatchObject({ isEnabled: true, failingSince: null });
    clock.at = repository.nextDueAt() ?? Number.NaN;
    repository.record(takeOne(repository), replied(500));
    // The first failed attempt, and the schedule from its beginning.
    expect(repository.delivery(id)?.delivery).toMatchObject({
      attempts: 1,
      dueAt: clock.at + 5_000,
    });
  });

  test("holds everything back but one delivery at a time, which finds out whether our side is up again", () => {
    const { repository, clock } = opened();
    for (let index = 0; index < 8; index += 1)
      repository.accept(notice({ id: `evt_${index}` }), {
        ...{ url: `https://host${index}.test/`, secret: "whsec_x", wantsDrafts: false },
      });
    for (const { id } of repository.take(6)) repository.record(id, unsent);
    expect(repository.take(6)).toEqual([]);
    clock.at = repository.nextDueAt() ?? Number.NaN;
    const [probe, ...more] = repository.take(6);
    expect([more, repository.take(6)]).toEqual([[], []]);
    repository.record(probe?.id ?? "", replied(200));
    expect(repository.take(6).length).toBeGreaterThan(1);
  });

  test("whose sender died is found out by another, once its lease has ended", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    repository.record(takeOne(repository), unsent);
    clock.at += 1000;
    takeOne(repository);
    expect(repository.nextDueAt()).toBe(clock.at + LEASE_MS);
    clock.at += LEASE_MS;
    takeOne(repository);
  });

  test("takes its time off the five days after which an endpoint is disabled", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    repository.record(takeOne(repository), replied(500));
    for (const end = clock.at + FAILING_FOR_MS / 2; clock.at < end; clock.at += 3_600_000)
      for (const { id } of repository.take(10)) repository.record(id, unsent);
    const before = repository.endpoint("whe_1")?.failingSince;
    clock.at = start + FAILING_FOR_MS;
    for (const { id } of repository.take(10)) repository.record(id, replied(500));
    expect([before, repository.endpoint("whe_1")?.isEnabled]).toEqual([start, true]);
    expect(repository.endpoint("whe_1")?.failingSince).toBeGreaterThan(start + FAILING_FOR_MS / 2);
  });

  test("forgives no endpoint the time before and after it in which it did nothing but fail", () => {
    const { repository, clock } = opened();
    const day = 24 * 3_600_000;
    repository.putEndpoint(endpoint());
    const send = (result: "failed" | "unsent", id: string): void => {
      repository.accept(notice({ id }), null);
      for (const { id: due } of repository.take(10))
        repository.record(due, result === "unsent" ? unsent : replied(500));
    };
    send("failed", "evt_1");
    clock.at += 3 * day;
    send("unsent", "evt_2");
    clock.at += day;
    send("failed", "evt_3");
    expect(repository.endpoint("whe_1")?.failingSince).toBe(start + day);
    clock.at += 2 * day;
    send("failed", "evt_4");
    expect(repository.endpoint("whe_1")).toMatchObject({
      isEnabled: false,
      disabledReason: "failing",
    });
  });

  test("for four days is reported as failed; the endpoint is not to blame, and it can be sent again", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    repository.record(id, unsent);
    clock.at += UNSENT_FOR_MS - 1;
    repository.record(takeOne(repository), unsent);
    expect(repository.delivery(id)?.delivery.state).toBe("waiting");
    clock.at = repository.nextDueAt() ?? Number.NaN;
    repository.record(takeOne(repository), unsent);
    expect(repository.delivery(id)?.delivery).toMatchObject({ state: "failed", attempts: 0 });
    expect(repository.endpoint("whe_1")).toMatchObject({ isEnabled: true, failingSince: null });
    expect(repository.redeliver(id)).toBe(true);
    clock.at = repository.nextDueAt() ?? Number.NaN;
    expect(takeOne(repository)).toBe(id);
  });
});

describe("where nobody listens", () => {
  test.each([
    ["no endpoint is there", undefined],
    ["the one that is there is disabled", endpoint({ isEnabled: false })],
    ["the one that is there wants something else", endpoint({ events: ["credit.low"] })],
  ])("no row is written and no alarm is due: %s", (_, known) => {
    const store = nodeStore();
    const tools = { now: () => start, random: () => 0.5, newId: () => "whd_1" };
    const repository = openWebhookRepository(store, tools);
    if (known !== undefined) repository.putEndpoint(known);
    repository.accept(notice(), null);
    for (const table of ["notices", "deliveries", "receivers", "account"])
      expect(store.all(`SELECT * FROM ${table}`)).toEqual([]);
    expect([repository.nextDueAt(), repository.sweepAt()]).toEqual([null, null]);
  });
});

describe("whose turn it is", () => {
  test("is the same as if everything that waits were looked through, whatever has happened", () => {
    const event = fc.record({
      kind: fc.constantFrom("accept", "take", "reply", "fail", "unsent", "move", "delete", "again"),
      which: fc.nat(3),
      waitMs: fc.constantFrom(0, 1, 5_000, LEASE_MS, 3_600_000),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const clock = { at: start };
        const store = nodeStore();
        let ids = 0;
        const repository = openWebhookRepository(store, {
          now: () => clock.at,
          random: () => 0.5,
          newId: (prefix) => `${prefix}_${++ids}`,
        });
        for (const id of ["whe_0", "whe_1", "whe_2", "whe_3"])
          repository.putEndpoint(endpoint({ id, url: `https://${id}.test/` }));
        for (const [index, { kind, which, waitMs }] of events.entries()) {
          clock.at += waitMs;
          const known = repository.endpoint(`whe_${which}`);
          if (kind === "accept") repository.accept(notice({ id: `evt_n${index}` }), null);
          else if (kind === "move" && known !== null)
            repository.putEndpoint({ ...known, url: `https://moved${which}.test/` });
          else if (kind === "delete" && index % 5 === 0) repository.deleteEndpoint(`whe_${which}`);
          else if (kind === "again") repository.redeliverRange({ since: 0, until: clock.at + 1 });
          else
            for (const { id } of repository.take(1 + which)) {
              if (kind === "reply") repository.record(id, replied(200));
              if (kind === "fail") repository.record(id, replied(500));
              if (kind === "unsent") repository.record(id, { outcome: "unsent" });
            }
          expect(store.all("SELECT name, due_at FROM receivers ORDER BY name")).toEqual(
            store.all(
              `SELECT receiver AS name, min(due_at) AS due_at FROM deliveries
                 WHERE state = 'waiting' GROUP BY receiver ORDER BY receiver`,
            ),
          );
          const due = repository.nextDueAt();
          expect(due !== null && due <= clock.at).toBe(canTake(store, clock.at));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("a receiver", () => {
  test("is its host: no address of it gets more than its share", () => {
    const { repository } = opened();
    for (let index = 0; index < 10; index++)
      repository.accept(notice({ id: `evt_${index}` }), {
        ...{ url: `https://own.test/?job=${index}`, secret: "whsec_own", wantsDrafts: false },
      });
    expect(repository.take(100)).toHaveLength(MAX_SENDING_PER_RECEIVER);
  });

  test("whose senders have all died is due when the first of their leases ends, and not before", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    for (let index = 0; index < 9; index++) repository.accept(notice({ id: `evt_${index}` }), null);
    expect(repository.take(100)).toHaveLength(MAX_SENDING_PER_RECEIVER);
    clock.at += 1000;
    const due = repository.nextDueAt() ?? 0;
    expect(due - start).toBe(LEASE_MS);
    clock.at = due;
    expect(repository.take(100)).toHaveLength(MAX_SENDING_PER_RECEIVER);
  });

  test("of which none has room is due when the first lease of any ends", () => {
    const { repository, clock } = opened();
    for (const [index, url] of ["https://one.test/", "https://two.test/"].entries()) {
      clock.at = start + 1000 * index;
      for (let count = 0; count <= MAX_SENDING_PER_RECEIVER; count++)
        repository.accept(notice({ id: `evt_${index}_${count}` }), {
          ...{ url, secret: "whsec_own", wantsDrafts: false },
        });
      expect(repository.take(100)).toHaveLength(MAX_SENDING_PER_RECEIVER);
    }
    expect(repository.nextDueAt()).toBe(start + LEASE_MS);
  });

  test("that is kept least busy comes first, and of two that are equally busy the one that has waited longer", () => {
    const { repository, clock } = opened();
    const accept = (host: string, count: number): void => {
      for (let index = 0; index < count; index++)
        repository.accept(notice({ id: `evt_${host}_${index}` }), {
          ...{ url: `https://${host}.test/`, secret: "whsec_own", wantsDrafts: false },
        });
      clock.at += 1;
    };
    const takeFrom = (): string | undefined => repository.take(1)[0]?.url;
    accept("busy", 3);
    expect([takeFrom(), takeFrom()]).toEqual(["https://busy.test/", "https://busy.test/"]);
    accept("late", 2);
    accept("later", 2);
    expect([takeFrom(), takeFrom()]).toEqual(["https://late.test/", "https://later.test/"]);
    expect([takeFrom(), takeFrom(), takeFrom()]).toEqual([
      ...["https://late.test/", "https://later.test/", "https://busy.test/"],
    ]);
    expect(takeFrom()).toBeUndefined();
  });

  test("that is kept busiest has to wait for the others", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    for (let index = 0; index < 9; index++) repository.accept(notice({ id: `evt_${index}` }), null);
    expect(repository.take(3)).toHaveLength(3);
    clock.at += 1000;
    repository.putEndpoint(
      endpoint({ id: "whe_2", url: "https://two.test/", events: ["credit.low"] }),
    );
    repository.accept(notice({ id: "evt_low", type: "credit.low" }), null);
    expect(repository.take(1)[0]?.url).toBe("https://two.test/");
  });

  test("whose address is none is no reason to lose a notice", () => {
    const { repository } = opened();
    repository.accept(notice(), { url: "nowhere", secret: "whsec_own", wantsDrafts: false });
    expect(takeOne(repository)).toBe("whd_1");
  });
});

describe("the log", () => {
  test("is swept a day after the first notice, however many come meanwhile, and not before", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const due = repository.sweepAt();
    expect(due).toBe(start + 24 * 3_600_000);
    for (let hour = 1; hour < 24; hour += 1) {
      clock.at += 3_600_000;
      repository.accept(notice({ id: `evt_h${hour}` }), null);
      repository.sweep();
      expect(repository.sweepAt()).toBe(due);
    }
    clock.at += 3_600_000;
    repository.sweep();
    expect(repository.sweepAt()).toBe(clock.at + 24 * 3_600_000);
  });

  test("forgets what was delivered thirty days ago, and nothing that is on its way", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    repository.record(takeOne(repository), replied(200));
    repository.accept(notice({ id: "evt_2" }), null);
    repository.record(takeOne(repository), replied(500));
    const known = () => repository.deliveries({}, 10).map(({ noticeId }) => noticeId);
    clock.at += 30 * 24 * 3_600_000;
    repository.sweep();
    expect(known().sort()).toEqual(["evt_1", "evt_2"]);
    clock.at += 24 * 3_600_000;
    repository.sweep();
    expect(known()).toEqual(["evt_2"]);
    expect(repository.take(10)).toHaveLength(1);
  });

  describe("that is full", () => {
    const MINUTE_MS = 60_000;

    /** A log that says that it is full while it holds more notices than this. */
    function openedFor(most: number): ReturnType<typeof opened> & { known: () => string[] } {
      const store = nodeStore();
      const held = (): number =>
        Number(store.all("SELECT count(*) AS held FROM notices")[0]?.["held"]);
      const small: SqlStore = {
        ...store,
        bytes: () => (held() > most ? MAX_LOG_BYTES + 1 : MAX_LOG_BYTES),
      };
      const full = opened(small);
      full.repository.putEndpoint(endpoint());
      const known = (): string[] =>
        full.repository
          .deliveries({}, 100)
          .map(({ noticeId }) => noticeId)
          .sort();
      return { ...full, known };
    }

    test("forgets what is over before its time, a minute after something arrived, and never what is on its way", () => {
      const { repository, clock, known } = openedFor(1);
      repository.accept(notice({ id: "evt_away" }), null);
      repository.record(takeOne(repository), replied(500));
      for (const id of ["evt_2", "evt_3"]) {
        repository.accept(notice({ id }), null);
        repository.record(takeOne(repository), replied(200));
      }
      expect(repository.sweepAt()).toBe(start + MINUTE_MS);
      repository.sweep();
      expect(known()).toEqual(["evt_2", "evt_3", "evt_away"]);
      clock.at += MINUTE_MS;
      repository.sweep();
      expect(known()).toEqual(["evt_away"]);
      // There is room again: it is looked at once a day.
      expect(repository.sweepAt()).toBe(clock.at + 24 * 3_600_000);
    });

    test("of nothing but what is on its way keeps it all, and looks once a minute", () => {
      const { repository, clock, known } = openedFor(1);
      for (const id of ["evt_1", "evt_2", "evt_3"]) repository.accept(notice({ id }), null);
      clock.at += MINUTE_MS;
      repository.sweep();
      expect(known()).toEqual(["evt_1", "evt_2", "evt_3"]);
      expect(repository.sweepAt()).toBe(clock.at + MINUTE_MS);
    });

    test("forgets so many at once that a sweep ends, the oldest first", () => {
      const { repository, clock, known } = openedFor(1);
      for (let index = 0; index <= FORGOTTEN_AT_ONCE; index += 1) {
        clock.at += 1;
        repository.accept(notice({ id: `evt_${index}` }), null);
        repository.record(takeOne(repository), replied(200));
      }
      clock.at += MINUTE_MS;
      repository.sweep();
      expect(known()).toEqual([`evt_${FORGOTTEN_AT_ONCE}`]);
    });
  });

  test("keeps how a response begins beside the reply, and forgets it with the delivery", () => {
    const store = nodeStore();
    const { repository, clock } = opened(store);
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    repository.record(id, replied(200, { response: "thank you" }));
    expect(repository.delivery(id)).toMatchObject({
      body: expect.stringContaining('"answer":"A dog."'),
      attempts: [{ reply: replied(200), response: "thank you" }],
    });
    const kept = () => store.all("SELECT response FROM attempts WHERE reply NOT LIKE '%thank%'");
    expect(kept()).toEqual([{ response: "thank you" }]);
    clock.at += 31 * 24 * 3_600_000;
    repository.sweep();
    expect([kept(), repository.delivery(id)]).toEqual([[], null]);
  });

  test("sends again to where the endpoint is now", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    repository.record(id, replied(200));
    repository.putEndpoint(endpoint({ url: "https://moved.test/" }));
    expect(repository.delivery(id)?.delivery.url).toBe("https://one.test/");
    repository.redeliver(id);
    expect(repository.take(1)[0]?.url).toBe("https://moved.test/");
  });

  test("keeps what a late sender writes down of a delivery that another one made", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    const id = takeOne(repository);
    clock.at += LEASE_MS;
    expect(takeOne(repository)).toBe(id);
    repository.record(id, replied(200));
    repository.record(id, replied(500));
    expect(repository.delivery(id)?.delivery).toMatchObject({ state: "delivered", attempts: 1 });
    expect(repository.nextDueAt()).toBeNull();
  });
});

describe("an endpoint", () => {
  test("is sent a notice of its own, whether it asked for it or not", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint({ events: ["credit.low"] }));
    repository.putEndpoint(endpoint({ id: "whe_2", url: "https://two.test/" }));
    expect(repository.acceptFor(notice(), "whe_1")).toBe(true);
    expect(repository.acceptFor(notice({ id: "evt_2" }), "whe_none")).toBe(false);
    expect(repository.take(10).map(({ url }) => url)).toEqual(["https://one.test/"]);
  });

  test("that is deleted is told nothing more, and what was on its way there has failed", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.accept(notice(), null);
    expect([repository.deleteEndpoint("whe_1"), repository.deleteEndpoint("whe_1")]).toEqual([
      true,
      false,
    ]);
    repository.accept(notice({ id: "evt_2" }), null);
    expect([repository.endpoints(), repository.take(10), repository.nextDueAt()]).toEqual([
      [],
      [],
      null,
    ]);
    expect(repository.deliveries({}, 10)).toMatchObject([{ noticeId: "evt_1", state: "failed" }]);
    const [{ id } = { id: "" }] = repository.deliveries({}, 10);
    expect(repository.redeliver(id)).toBe(false);
  });

  test("that answers 410 is disabled at once, and what was on its way there has failed", () => {
    const { repository } = opened();
    repository.putEndpoint(endpoint());
    repository.putEndpoint(
      endpoint({ id: "whe_2", url: "https://two.test/", events: ["webhook_endpoint.disabled"] }),
    );
    repository.accept(notice(), null);
    repository.accept(notice({ id: "evt_2" }), null);
    const [first] = repository.take(1);
    repository.record(first?.id ?? "", replied(410));
    expect(repository.endpoint("whe_1")).toMatchObject({
      isEnabled: false,
      disabledReason: "gone",
    });
    const [told] = repository.take(10);
    expect([told?.url, JSON.parse(told?.body ?? "").data]).toEqual([
      "https://two.test/",
      { id: "whe_1", url: "https://one.test/", reason: "gone" },
    ]);
    expect([told?.accountId, told?.noticeId]).toEqual(["acc_1", expect.stringMatching(/^evt_/)]);
    expect(
      repository.deliveries({ endpointId: "whe_1" }, 10).every(({ state }) => state === "failed"),
    ).toBe(true);
  });

  test("that has done nothing but fail for five days is disabled; one success in between forgives", () => {
    const { repository, clock } = opened();
    repository.putEndpoint(endpoint());
    const fail = (id: string): void => {
      repository.accept(notice({ id }), null);
      const delivery = repository.take(10).find(({ noticeId }) => noticeId === id);
      repository.record(delivery?.id ?? "", replied(500));
    };
    fail("evt_1");
    clock.at += FAILING_FOR_MS - 1;
    repository.accept(notice({ id: "evt_2" }), null);
    for (const { id, noticeId } of repository.take(10))
      repository.record(id, replied(noticeId === "evt_2" ? 200 : 500));
    clock.at += 1;
    expect(repository.endpoint("whe_1")?.isEnabled).toBe(true);
    fail("evt_3");
    clock.at += FAILING_FOR_MS;
    for (const { id } of repository.take(10)) repository.record(id, replied(500));
    expect(repository.endpoint("whe_1")).toMatchObject({
      isEnabled: false,
      disabledReason: "failing",
    });
  });
});

describe("the schedule", () => {
  test("spreads waits by a tenth to either side", () => {
    expect([0, 0.5, 1].map((random) => waitBeforeNext(1, null, random))).toEqual([
      4500, 5000, 5500,
    ]);
    expect(waitBeforeNext(10, null, 0)).toBeNull();
  });

  test("reads Retry-After as seconds or as a date, and nothing else", () => {
    const date = new Date(start + 60_000).toUTCString();
    const texts = ["120", " 120 ", date, "soon", "1e3", "12 s", "1234567890123", null];
    expect(texts.map((text) => retryAfterMs(text, start))).toEqual([
      ...[120_000, 120_000, 60_000],
      ...[null, null, null, null, null],
    ]);
  });
});

test("of 3,000 deliveries with 30 % faults none is lost, none is processed twice, and none that never left is an attempt", () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const result = simulateDeliveries(3_000, seed);
  const law = { deliveries: 3_000, lost: 0, processedTwice: 0, blamed: 0 };
  expect(result, `SEED=${seed}`).toMatchObject(law);
  // The world must really have been cruel, or the law was never tried.
  expect(result.faults, `SEED=${seed}`).toBeGreaterThan(900);
  for (const name of ["repeats", "deaths", "givenUp", "unsent"] as const)
    expect(result[name], `${name}, SEED=${seed}`).toBeGreaterThan(0);
});
