import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AnswerEvent, AnswerFrame } from "#domain/event.ts";
import { answersOf } from "#edge/answers/answer-client.ts";
import { batchesOf } from "#edge/batches/batch-client.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import answerEnded010 from "../../fixtures/databases/0.1.0/answer-ended.sql?raw";
import answerRunning010 from "../../fixtures/databases/0.1.0/answer-running.sql?raw";
import batch010 from "../../fixtures/databases/0.1.0/batch.sql?raw";
import ledger010 from "../../fixtures/databases/0.1.0/ledger.sql?raw";
import webhooks010 from "../../fixtures/databases/0.1.0/webhooks.sql?raw";
import answerEnded020 from "../../fixtures/databases/0.2.0-dev.1/answer-ended.sql?raw";
import answerRunning020 from "../../fixtures/databases/0.2.0-dev.1/answer-running.sql?raw";
import batch020 from "../../fixtures/databases/0.2.0-dev.1/batch.sql?raw";
import ledger020 from "../../fixtures/databases/0.2.0-dev.1/ledger.sql?raw";
import webhooks020 from "../../fixtures/databases/0.2.0-dev.1/webhooks.sql?raw";
import answerEnded021 from "../../fixtures/databases/0.2.0-dev.2/answer-ended.sql?raw";
import answerRunning021 from "../../fixtures/databases/0.2.0-dev.2/answer-running.sql?raw";
import batch021 from "../../fixtures/databases/0.2.0-dev.2/batch.sql?raw";
import ledger021 from "../../fixtures/databases/0.2.0-dev.2/ledger.sql?raw";
import webhooks021 from "../../fixtures/databases/0.2.0-dev.2/webhooks.sql?raw";
import { digest, eventReply, functionReplies } from "../function-double.ts";

const RELEASES = [
  {
    release: "0.1.0",
    rows: {
      answerEnded: answerEnded010,
      answerRunning: answerRunning010,
      batch: batch010,
      ledger: ledger010,
      webhooks: webhooks010,
    },
  },
  {
    release: "0.2.0-dev.1",
    rows: {
      answerEnded: answerEnded020,
      answerRunning: answerRunning020,
      batch: batch020,
      ledger: ledger020,
      webhooks: webhooks020,
    },
  },
  {
    release: "0.2.0-dev.2",
    rows: {
      answerEnded: answerEnded021,
      answerRunning: answerRunning021,
      batch: batch021,
      ledger: ledger021,
      webhooks: webhooks021,
    },
  },
];

const viewer = { accountId: "acc_1", owner: null };

function frame(step: number, text: string, token: number): AnswerFrame {
  const revealed = [{ position: step - 1, token, text, confidence: 0.5, step }];
  return { kind: "answer.frame", step, revealed, stableUntil: step, hasText: true };
}

/** What the function says of the answer that was under way: the step that was told already, and the rest. */
const frames = [frame(1, "A", 5), frame(2, " dog", 6)];
const whole: readonly AnswerEvent[] = [
  { kind: "answer.started", imageVectors: 0, promptLength: 8, canvas: 4, steps: 4 },
  ...frames,
  {
    ...{ kind: "answer.completed", answer: "A dog", confidence: 0.5, digest, decoder: "2" },
    tokens: frames.flatMap(({ revealed }) => revealed),
    usage: {
      imageVectors: 0,
      promptLength: 8,
      canvas: 4,
      steps: 2,
      forwardPasses: 2,
      refreshes: 2,
      rows: 24,
    },
  },
];

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const delivered = { outcome: "response", status: 204, retry_after: null, location: null };
  functionReplies(({ url }) =>
    url.endsWith(FETCH_PATH) ? Response.json({ ...delivered, duration_ms: 1 }) : eventReply(whole),
  );
});
afterEach(() => vi.restoreAllMocks());

/** When all that they left is due; its rows are of one morning. */
const inAnHour = (rows: string): string =>
  rows.replaceAll(/17957[34]\d{7}/g, String(Date.now() + 3_600_000));

/** Leaves rows in an object and has its next instance open them. */
async function leave(object: DurableObjectStub, rows: string): Promise<void> {
  const killed = runInDurableObject(object, async (_, state) => {
    await state.storage.deleteAll();
    state.storage.sql.exec(rows);
    await state.storage.setAlarm(Date.now() + 3_600_000);
    await state.storage.sync();
    state.abort("a newer version is deployed");
  });
  await killed.catch(() => undefined);
}

async function rowsOf(object: DurableObjectStub, query: string): Promise<object[]> {
  return await runInDurableObject(object, (_, { storage }) => storage.sql.exec(query).toArray());
}

test.each(RELEASES)(
  "what release $release left under way is made, paid and told by the Worker of today",
  async ({ rows }) => {
    const { answerEnded, answerRunning, batch, ledger, webhooks } = rows;
    await leave(
      env.LEDGER.getByName("acc_1"),
      inAnHour(ledger.replaceAll("ans_open", "ans_running")),
    );
    const secret = `whsec_${"A".repeat(32)}`;
    const told = webhooks.replaceAll(/whsec_(account|whe_on|whe_off|named)/g, secret);
    await leave(env.WEBHOOKS.getByName("acc_1"), told);

    await leave(env.ANSWERS.getByName("ans_running"), answerRunning);
    // The hold was for 10, which is then all that is charged.
    expect(await answersOf(env).wait("ans_running", viewer, null)).toMatchObject({
      ...{ status: "completed", answer: "A dog", charged_micros: 10, warnings: [] },
    });
    expect(await ledgerOf(env, "acc_1").balance()).toMatchObject({ held: 0n, revenue: 15n });

    await leave(env.ANSWERS.getByName("ans_running"), answerRunning);
    expect(await answersOf(env).cancel("ans_running", viewer)).toMatchObject({
      ...{ status: "cancelled", answer: "A", usage: { steps: 1 } },
    });
    // The object has one answer, and knows no other.
    expect(await answersOf(env).read("ans_other", viewer)).toBeNull();

    await leave(env.ANSWERS.getByName("ans_ended"), answerEnded);
    await runDurableObjectAlarm(env.ANSWERS.getByName("ans_ended"));
    // Nothing is left to do, so that it is looked at only to be forgotten.
    const due = "SELECT answer, at > 0 AS rests FROM due";
    await vi.waitFor(async () =>
      expect(await rowsOf(env.ANSWERS.getByName("ans_ended"), due)).toEqual([
        { answer: "ans_ended", rests: 1 },
      ]),
    );

    await leave(env.BATCHES.getByName("bat_1"), inAnHour(batch));
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(env.BATCHES.getByName("bat_1"));
        expect(await batchesOf(env).read("bat_1", viewer)).toMatchObject({
          status: "completed",
          counts: { total: 3, completed: 2, failed: 1 },
        });
      },
      { timeout: 10_000, interval: 100 },
    );

    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(env.WEBHOOKS.getByName("acc_1"));
        const query = "SELECT id FROM deliveries WHERE state <> 'delivered'";
        expect(await rowsOf(env.WEBHOOKS.getByName("acc_1"), query)).toEqual([]);
      },
      { timeout: 10_000, interval: 100 },
    );
  },
);
