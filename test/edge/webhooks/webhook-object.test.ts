import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { SqlStore, SqlValue } from "#edge/storage/sql-store.ts";
import { openWebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { functionReplies } from "../function-double.ts";
import {
  deliveriesOf,
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  tell,
  type WebhookOwner,
  webhookOwner,
} from "../routes/webhook-calls.ts";

afterEach(silenceWebhooks);

const DAY_MS = 24 * 3_600_000;

function alarmOf({ account }: WebhookOwner): Promise<number | null> {
  return runInDurableObject(env.WEBHOOKS.getByName(account), (_, { storage }) =>
    storage.getAlarm(),
  );
}

/** Waits until so many deliveries have arrived and the object has gone to rest. */
async function delivered(owner: WebhookOwner, count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const states = (await deliveriesOf(owner)).map(({ status }) => status);
      expect(states).toEqual(Array.from({ length: count }, () => "delivered"));
      expect((await alarmOf(owner)) ?? 0).toBeGreaterThan(Date.now() + DAY_MS / 2);
    },
    { timeout: 5_000, interval: 20 },
  );
}

/** A repository in a real object, and how many rows its calls read, as they are billed. */
async function rowsRead(receivers: number): Promise<Readonly<Record<"due" | "take", number>>> {
  return await runInDurableObject(env.WEBHOOKS.getByName(crypto.randomUUID()), (_, { storage }) => {
    let rows = 0;
    const store: SqlStore = {
      all: <Row extends Record<string, SqlValue>>(
        query: string,
        bindings: readonly SqlValue[] = [],
      ) => {
        const cursor = storage.sql.exec<Row>(query, ...bindings);
        const found = cursor.toArray();
        rows += cursor.rowsRead;
        return found;
      },
      transaction: (work) => storage.transactionSync(work),
      bytes: () => storage.sql.databaseSize,
    };
    let ids = 0;
    const tools = { now: () => 0, random: () => 0.5, newId: () => `id_${++ids}` };
    const repository = openWebhookRepository(store, tools);
    for (let index = 0; index < receivers; index += 1)
      repository.accept(
        { id: `evt_${index}`, type: "answer.completed", accountId: "acc", at: 0, data: {} },
        { url: `https://host${index}.test/`, secret: "whsec_x", wantsDrafts: false },
      );
    const readBy = (call: () => unknown): number => {
      rows = 0;
      call();
      return rows;
    };
    return { due: readBy(() => repository.nextDueAt()), take: readBy(() => repository.take(6)) };
  });
}

describe("an account's webhooks", () => {
  test("are swept a day after the first notice, however many come meanwhile", async () => {
    const owner = await webhookOwner();
    receiverReplies(owner, () => replied(204));
    await endpointOf(owner);
    await tell(owner.account);
    await delivered(owner, 1);
    const first = await alarmOf(owner);
    for (let count = 2; count <= 4; count += 1) {
      await tell(owner.account);
      await delivered(owner, count);
    }
    expect(await alarmOf(owner)).toBe(first);
  });

  test("have no alarm and no rows where nobody listens", async () => {
    const owner = await webhookOwner();
    await tell(owner.account);
    const tables = await runInDurableObject(
      env.WEBHOOKS.getByName(owner.account),
      (_, { storage }) =>
        ["account", "notices", "deliveries", "receivers"].flatMap((table) =>
          storage.sql.exec(`SELECT * FROM ${table}`).toArray(),
        ),
    );
    expect([tables, await alarmOf(owner)]).toEqual([[], null]);
  });

  test("that could not be sent because of us are sent as soon as we can again, as a first attempt", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const owner = await webhookOwner();
    await endpointOf(owner);
    const refused = { requestId: "whd", instance: "/v1/fetch" };
    const down = functionReplies(
      async () => await refusalResponse({ kind: "overloaded", retryAfterSeconds: 1 }, refused),
    );
    await tell(owner.account);
    await vi.waitFor(() => expect(down.sent.length).toBeGreaterThan(0), { timeout: 5_000 });
    expect(await deliveriesOf(owner)).toMatchObject([{ status: "waiting", attempt_count: 0 }]);
    receiverReplies(owner, () => replied(204));
    await delivered(owner, 1);
    expect(await deliveriesOf(owner)).toMatchObject([{ attempt_count: 1 }]);
  });

  test("cost the same rows to accept and to take, whether they wait for ten receivers or for a thousand", async () => {
    expect(await rowsRead(1_000)).toEqual(await rowsRead(10));
  });
});
