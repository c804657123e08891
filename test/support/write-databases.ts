// Writes what a release's own code leaves in the databases of its objects, as SQL text: the fixtures that every later
// release must open. Run once per release that changed a schema:
//
//   node test/support/write-databases.ts test/fixtures/databases/<release>

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { micros } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import { admit } from "#edge/answers/admit.ts";
import type { AnswerOrder } from "#edge/answers/storage/answer-order.ts";
import { AnswerRepository } from "#edge/answers/storage/answer-repository.ts";
import { AnswerRows } from "#edge/answers/storage/answer-rows.ts";
import { standardKeeping, storedAnswer } from "#edge/answers/storage/stored-answers.ts";
import { noProgress } from "#edge/answers/storage/stored-progress.ts";
import { openBatchOrders } from "#edge/batches/storage/batch-orders.ts";
import { openBatchRepository } from "#edge/batches/storage/batch-repository.ts";
import { openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import { openWebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import type { Endpoint } from "#edge/webhooks/storage/webhook-tables.ts";
import { batchTerms, endedAnswer, problem } from "./batches.ts";
import { question, untold } from "./edge-builders.ts";
import { holdRequest } from "./ledger-builders.ts";
import { nodeStore } from "./ledger-twin.ts";
import { kept } from "./orders.ts";

const nothingShown = await kept(question({ images: [] }));

/** When everything in the fixtures happened. */
const AT = Date.UTC(2026, 10, 27);

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("say which folder to write to");
mkdirSync(folder, { recursive: true });
for (const [name, fill] of Object.entries({
  ledger: fillLedger,
  "answer-running": fillRunningAnswer,
  "answer-ended": fillEndedAnswer,
  batch: fillBatch,
  webhooks: fillWebhooks,
})) {
  const database = new DatabaseSync(":memory:");
  fill(database);
  writeFileSync(path.join(folder, `${name}.sql`), dump(database));
}

/** A dollar, one answer charged in part and refunded, one given back, one under way for a client token, one told to be repeated. */
function fillLedger(database: DatabaseSync): void {
  const repository = openLedgerRepository(nodeStore(database), () => AT);
  repository.grant({ grantId: "gift", amount: micros(1_000_000), note: "welcome" });
  repository.setLowCreditAlert({ accountId: "acc_1", threshold: micros(999_995) });
  const idempotency = { scope: "key_1 /v1/answers order-1", fingerprint: "ab".repeat(32) };
  repository.hold(holdRequest("ans_charged", { idempotency }));
  const reply = storedAnswer.write(endedAnswer("ans_charged"));
  repository.capture({ holdId: "ans_charged", charge: micros(7), steps: 4, reply });
  repository.refund({
    ...{ refundId: "sorry", accountId: "acc_1", holdId: "ans_charged" },
    ...{ amount: micros(2), note: "late" },
  });
  repository.hold(holdRequest("ans_released"));
  repository.release("ans_released");
  const spendCap = { tokenId: "tok_1", amount: micros(100), expiresAt: AT + 60_000 };
  repository.hold(holdRequest("ans_open", { spendCap }));
}

function fillRunningAnswer(database: DatabaseSync): void {
  const repository = new AnswerRepository(
    new AnswerRows(nodeStore(database)),
    "ans_running",
    () => "evt_running",
  );
  repository.take(order("ans_running"));
  repository.attempt();
  repository.keep({
    modelDigest: "ab".repeat(32),
    started: { kind: "answer.started", imageVectors: 0, promptLength: 8, canvas: 4, steps: 4 },
    frames: [
      {
        ...{ kind: "answer.frame", step: 1, stableUntil: 1 },
        revealed: [{ position: 0, token: 5, text: "A", confidence: 0.5, step: 1 }],
      },
    ],
  });
}

function fillEndedAnswer(database: DatabaseSync): void {
  const repository = new AnswerRepository(
    new AnswerRows(nodeStore(database)),
    "ans_ended",
    () => "evt_ended",
  );
  repository.take(order("ans_ended"));
  const body = endedAnswer("ans_ended");
  repository.end({ body, tasks: ["settle", "tell"], at: AT, decoder: "2" }, noProgress);
}

/** Three items: one answered, one under way, one that could not be asked. */
function fillBatch(database: DatabaseSync): void {
  const store = nodeStore(database);
  const [repository, orders] = [openBatchRepository(store, () => AT), openBatchOrders(store)];
  const { job, webhook } = order("ans_item");
  for (const index of [0, 1]) {
    orders.keep(index, { job, deadlineMs: 1000, webhook, pool: "private" });
    repository.keep(index, { customId: `item-${index}`, quotedMicros: 10, error: null });
  }
  repository.keep(2, { customId: null, quotedMicros: 0, error: problem() });
  repository.begin(batchTerms({ createdAt: AT, deadlineAt: AT + 3_600_000, quotedMicros: 20 }));
  repository.takeNext("ans_item_0");
  repository.end(0, endedAnswer("ans_item_0"));
  orders.forget(0);
  repository.takeNext("ans_item_1");
}

/** Two endpoints, one of them disabled; a delivery that failed once, one that arrived, one to an address of a request's own. */
function fillWebhooks(database: DatabaseSync): void {
  let ids = 0;
  const repository = openWebhookRepository(nodeStore(database), {
    now: () => AT,
    random: () => 0.5,
    newId: (prefix) => `${prefix}_${++ids}`,
  });
  repository.putAccountSecrets({ secret: "whsec_account", previous: null });
  repository.putEndpoint(endpoint("whe_on", "https://on.test/", true));
  repository.accept(notice("evt_1"), null);
  repository.accept(notice("evt_2"), {
    ...{ url: "https://named.test/", secret: "whsec_named", wantsDrafts: false },
  });
  const [first, second] = repository.take(2);
  if (first === undefined || second === undefined) throw new Error("nothing is due");
  repository.record(first.id, {
    ...{ outcome: "response", status: 500, retry_after: null, location: null, duration_ms: 3 },
  });
  repository.record(second.id, {
    ...{ outcome: "response", status: 204, retry_after: null, location: null, duration_ms: 2 },
  });
  repository.putEndpoint(endpoint("whe_off", "https://off.test/", false));
}

function order(id: string): AnswerOrder {
  const prices = { view: 0n, linear: 1_000_000n, attention: 0n };
  const card = { ...untold, id: "demo", image: null, hitPrice: micros(0), prices };
  const job = admit(nothingShown, {
    ...{ id, accountId: "acc_1", card, warnings: [], createdAt: AT },
  });
  if (!job.ok) throw new Error(job.refusal.kind);
  return {
    ...{
      job: { ...job.value, question: nothingShown },
      keyId: "key_1",
      owner: null,
      requestId: "req_1",
      traceparent: null,
    },
    ...{ deadlineAt: null, isRepeatable: true, payment: { kind: "hold" }, cacheKey: null },
    ...{ follows: null, isAccepted: true, share: 4, hasPlace: true, numerics: null },
    keeping: standardKeeping,
    webhook: { url: "https://named.test/", secret: null, wantsDrafts: true },
  };
}

function endpoint(id: string, url: string, isEnabled: boolean): Endpoint {
  return {
    ...{ id, url, events: null, signing: "hmac", secret: `whsec_${id}`, publicKey: null },
    ...{ previous: null, isEnabled, disabledReason: isEnabled ? null : "owner" },
    ...{ failingSince: null, createdAt: AT },
  };
}

function notice(id: string): Notice {
  const data = { answer: "A dog.", tokens: [] };
  return { id, type: "answer.completed", accountId: "acc_1", at: AT, data };
}

/** The whole database as statements that make it again. */
function dump(database: DatabaseSync): string {
  const made = database
    .prepare("SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    .all() as { name: string; type: string; sql: string }[];
  const own = made.filter(({ name }) => !name.startsWith("sqlite_"));
  const rows = own
    .filter(({ type }) => type === "table")
    .flatMap(({ name }) =>
      database
        .prepare(`SELECT * FROM ${name}`)
        .all()
        .map((row) => insert(name, row)),
    );
  return `${[...own.map(({ sql }) => sql), ...rows].join(";\n")};\n`;
}

function insert(table: string, row: Record<string, unknown>): string {
  const values = Object.values(row).map((value) => {
    if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString("hex")}'`;
    return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value ?? "NULL");
  });
  return `INSERT INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${values.join(", ")})`;
}
