import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { micros } from "#domain/micros.ts";
import { placeOfRestore, restoreOn } from "#edge/backup/restore/restore.ts";
import { bookEvent } from "#edge/payments/book.ts";
import type { ProviderEvent } from "#edge/payments/provider.ts";
import worker from "#edge/worker.ts";
import type { UsageEvent } from "#wire/function/usage-event.ts";
import { holdRequest } from "../../support/ledger-builders.ts";
import {
  type Environment,
  emptyBackups,
  emptyEnvironment,
  namesBelow,
  restoreInto,
  verifyAll,
} from "./environments.ts";

const START = Date.now();
const MINUTE = 60_000;

let lost: Environment;
let fresh: Environment;

beforeEach(async () => {
  await emptyBackups();
  lost = await emptyEnvironment(env.LOST_DB);
  fresh = await emptyEnvironment(env.NEW_DB);
});

/** An account of a test's own: usage of before is not deleted. */
function newAccount(): string {
  return `acc_${crypto.randomUUID()}`;
}

async function entriesOf(environment: Environment, account: string): Promise<readonly string[]> {
  const { entries } = await environment.ledger(account).entries({ limit: 100 });
  return entries.map(({ kind, amount }) => `${kind} ${amount}`).toReversed();
}

async function usageOf(environment: Environment, key: string): Promise<object[]> {
  const reply = await environment.get("/v1/usage", key);
  return (await reply.json<{ data: object[] }>()).data;
}

/** Hands what a ledger tells the queue to the Worker of its environment. */
async function deliver(environment: Environment, events: readonly UsageEvent[]): Promise<void> {
  const messages = events.map((body) => ({
    ...{ id: body.id, timestamp: new Date(), attempts: 1, body },
  }));
  const batch = createMessageBatch("unmask-usage", messages);
  const context = createExecutionContext();
  await worker.queue?.(batch, environment.bindings, context);
  await getQueueResult(batch, context);
}

describe("a restore to a point in time", () => {
  test("has balances and keys as of that time, open holds given back, and nothing of later", async () => {
    const account = newAccount();
    const key = await lost.open(account, 1_000);
    await lost.answer(account, "ans_before");
    await lost.hold(account, "ans_open");
    await lost.backUp(START);
    await lost.answer(account, "ans_later");
    const later = await lost.open(newAccount(), 1_000);
    await lost.backUp(START + MINUTE);
    const restored = await restoreInto(fresh, START + 30_000);
    expect(restored).toMatchObject({ ledgers: 1, lines: 4, faults: [], tablesAt: START });
    expect(await entriesOf(fresh, account)).toEqual([
      ...["grant 1000", "hold 10", "capture 10", "hold 10", "release 10"],
    ]);
    expect(await fresh.ledger(account).balance()).toEqual({
      ...{ issuer: -1_000n, available: 990n, held: 0n, revenue: 10n },
    });
    const mine = await fresh.get("/v1/account", key);
    expect(await mine.json()).toMatchObject({ id: account, balance: { available_micros: 990 } });
    expect((await fresh.get("/v1/account", later)).status).toBe(401);
    await fresh.answer(account, "ans_after");
    expect(await fresh.ledger(account).balance()).toMatchObject({ available: 980n, held: 0n });
  });

  test("charges nothing twice: a request that was answered is asked again, and paid once", async () => {
    const account = newAccount();
    const idempotency = { scope: "key_1 /v1/answers order-1", fingerprint: "ab" };
    await lost.open(account, 1_000);
    await lost.answer(account, "ans_first", { idempotency });
    await lost.backUp(START);
    await restoreInto(fresh, START + 1);
    const other = { ...idempotency, fingerprint: "cd" };
    const refused = await fresh
      .ledger(account)
      .hold(holdRequest("ans_other", { accountId: account, idempotency: other }));
    expect(refused).toMatchObject({ refusal: { failure: { kind: "idempotency_mismatch" } } });
    await fresh.answer(account, "ans_again", { idempotency });
    expect(await fresh.ledger(account).balance()).toMatchObject({ available: 990n, revenue: 10n });
    const again = await fresh
      .ledger(account)
      .hold(holdRequest("ans_third", { accountId: account, idempotency }));
    expect(again).toMatchObject({ value: { kind: "replay" } });
  });

  test("keeps what is spent of a client token's cap, and gives back what its open holds had spent", async () => {
    const account = newAccount();
    const spendCap = { tokenId: "ctk_1", amount: micros(30), expiresAt: START + 86_400_000 };
    await lost.open(account, 1_000);
    await lost.answer(account, "ans_1", { spendCap });
    await lost.hold(account, "ans_open", { spendCap });
    await lost.backUp(START);
    await restoreInto(fresh, START + 1);
    const price = micros(20);
    await fresh.hold(account, "ans_2", { spendCap, amount: price });
    const beyond = await fresh
      .ledger(account)
      .hold(holdRequest("ans_3", { accountId: account, spendCap }));
    expect(beyond).toMatchObject({ refusal: { failure: { kind: "spend_limit_reached" } } });
  });

  test("hears payments once, whether the ledger or the tables were saved later", async () => {
    const account = newAccount();
    await lost.open(account, 0);
    const paid = (id: string, payment: string) =>
      ({
        ...{ id, type: "checkout.session.completed" },
        says: { kind: "word", payment, account, word: { kind: "paid", amount: micros(500) } },
      }) as const;
    await bookEvent(lost.bindings, "stripe", paid("evt_1", "pi_1"), START);
    await lost.backUp(START);
    await bookEvent(lost.bindings, "stripe", paid("evt_2", "pi_2"), START + 1);
    // Of the ledger alone: a snapshot of the tables is not due.
    await lost.backUp(START + MINUTE, false);
    await restoreInto(fresh, START + 2 * MINUTE);
    expect(await fresh.ledger(account).balance()).toMatchObject({ available: 1_000n });
    for (const event of [paid("evt_1", "pi_1"), paid("evt_2", "pi_2"), paid("evt_3", "pi_2")])
      await bookEvent(fresh.bindings, "stripe", event, START + 3 * MINUTE);
    const refund: ProviderEvent = {
      id: "evt_4",
      type: "charge.refunded",
      says: {
        kind: "word",
        payment: "pi_2",
        account: null,
        word: { kind: "refunded", total: micros(500) },
      },
    };
    await bookEvent(fresh.bindings, "stripe", refund, START + 4 * MINUTE);
    expect(await fresh.ledger(account).balance()).toMatchObject({ available: 500n });
  });

  test("lets in a key that was refused as long as it was not back", async () => {
    const account = newAccount();
    const key = await lost.open(account, 1_000);
    await lost.backUp(START);
    expect((await fresh.get("/v1/usage", key)).status).toBe(401);
    const at = new Date(START + 1).toISOString();
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const reply = await fresh.post("/v1/backups/restore", env.ADMIN_KEY, { at, cursor });
      expect(reply.status).toBe(200);
      cursor = (await reply.json<{ next_cursor: string | null }>()).next_cursor;
    }
    expect((await fresh.get("/v1/usage", key)).status).toBe(200);
  });

  test("has the usage of every charge that the ledger has, and of none besides", async () => {
    const account = newAccount();
    const key = await lost.open(account, 1_000);
    const charge = (id: string, at: number): UsageEvent => ({
      ...{ id, account, key: "key_1", model: "demo", micros: 10, steps: 4, at },
    });
    await lost.answer(account, `${account}1`);
    await deliver(lost, [charge(`${account}1`, Date.now())]);
    await lost.backUp(START);
    // In the snapshot of the tables is the first alone; in the ledger's last cut the second too.
    await lost.answer(account, `${account}2`);
    const at = START + MINUTE;
    await lost.backUp(at, false);
    await restoreInto(fresh, at + 1);
    expect(await usageOf(fresh, key)).toMatchObject([
      { answers: 2, steps: 8, charged_micros: 20, model: "demo" },
    ]);
  });

  test("goes on under a timeline of its own: what was booked after that time stays apart, and can be restored as well", async () => {
    const account = newAccount();
    await lost.open(account, 1_000);
    await lost.backUp(START);
    await lost.answer(account, "ans_lost");
    await lost.backUp(START + MINUTE);
    await restoreInto(fresh, START + 1);
    await fresh.answer(account, "ans_new");
    await fresh.answer(account, "ans_newer");
    expect(await fresh.backUp(START + 2 * MINUTE)).toMatchObject({ mismatches: 0, lines: 4 });
    expect(await verifyAll()).toMatchObject({ ledgers: 1, lines: 5, faults: [] });
    // The environment that was lost, and is not, must not write beside it.
    const errors = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await lost.backUp(START + 3 * MINUTE)).toMatchObject({ isRefused: true });
    errors.mockRestore();
    for (const [at, available] of [
      [START + MINUTE, 990n],
      [START + 2 * MINUTE, 980n],
    ] as const) {
      const third = await emptyEnvironment(env.LOST_DB);
      await restoreInto(third, at + 1, false);
      expect(await third.ledger(account).balance()).toMatchObject({ available });
    }
  });

  test("is broken off and called again anywhere: each call goes on, and one that is repeated changes nothing", async () => {
    const account = newAccount();
    await lost.open(account, 1_000);
    await lost.answer(account, "ans_1");
    await lost.backUp(START);
    const begun = await placeOfRestore(env.SHARED_BACKUPS, START + 1);
    if (!begun.ok) throw new Error(begun.refusal.kind);
    for (let place: typeof begun.value | null = begun.value; place !== null; ) {
      await restoreOn(fresh.bindings, place, true);
      const again: Awaited<ReturnType<typeof restoreOn>> = await restoreOn(
        fresh.bindings,
        place,
        true,
      );
      if (!again.ok) throw new Error(again.refusal.kind);
      place = again.value.next;
    }
    expect(await fresh.ledger(account).balance()).toMatchObject({ available: 990n });
    expect(await entriesOf(fresh, account)).toHaveLength(3);
    expect(await restoreInto(fresh, START + 1)).toMatchObject({ ledgers: 0, lines: 0, rows: 0 });
  });
});

describe("a restore refuses", () => {
  test("to write over a ledger that has entries of its own", async () => {
    const account = newAccount();
    await lost.open(account, 1_000);
    await lost.backUp(START);
    await fresh.open(account, 7);
    await expect(restoreInto(fresh, START + 1)).rejects.toThrow("already_exists");
    expect(await fresh.ledger(account).balance()).toMatchObject({ available: 7n });
  });

  test("a time before the first snapshot, and says of when the last is", async () => {
    await lost.open(newAccount(), 1_000);
    await lost.backUp(START);
    const last = new Date(START).toISOString();
    await expect(restoreInto(fresh, START - 1)).rejects.toThrow(`the last is of ${last}`);
  });
});

describe("a restore withstands", () => {
  test("a ledger whose lines were altered: it is told, the others are restored, and nobody can spend of it", async () => {
    const [bad, good] = [newAccount(), newAccount()];
    await lost.open(bad, 1_000);
    await lost.open(good, 1_000);
    await lost.backUp(START);
    const book = String(lost.bindings.LEDGER.getByName(bad).id);
    const [segment = ""] = await namesBelow(`ledger/${book}/`);
    const text = (await (await env.SHARED_BACKUPS.get(segment))?.text()) ?? "";
    await env.SHARED_BACKUPS.put(segment, text.replaceAll("1000", "9000"));
    const { faults, ledgers } = await restoreInto(fresh, START + 1);
    expect(ledgers).toBe(1);
    expect(faults).toHaveLength(1);
    expect(await fresh.ledger(good).balance()).toMatchObject({ available: 1_000n });
    await expect(fresh.hold(bad, "ans_1")).rejects.toThrow("being restored");
  });
});
