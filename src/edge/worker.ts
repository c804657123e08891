import { env, waitUntil } from "cloudflare:workers";
import { app } from "./app.ts";
import type { Bindings } from "./env.ts";
import { runScheduled } from "./scheduled.ts";
import { exportTelemetry } from "./telemetry/telemetry.ts";
import { consumeUsage } from "./usage/consume.ts";
import { isDeadQueue, keepDead } from "./usage/dead-messages.ts";

export { AnswerObject } from "./answers/hosting/answer-object.ts";
export { BatchObject } from "./batches/batch-object.ts";
export { CacheObject } from "./cache/cache-object.ts";
export { FleetObject } from "./fleet/fleet-object.ts";
export { LedgerObject } from "./ledger/ledger-object.ts";
export { WebhookObject } from "./webhooks/webhook-object.ts";

exportTelemetry({ ...env }, waitUntil);

const worker: ExportedHandler<Bindings> = {
  fetch: app.fetch,
  queue: async (batch, bindings) =>
    await (isDeadQueue(batch.queue) ? keepDead(batch, bindings) : consumeUsage(batch, bindings)),
  scheduled: runScheduled,
};

export default worker;
