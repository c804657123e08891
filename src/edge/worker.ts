import { env, waitUntil } from "cloudflare:workers";
import { app } from "./app.ts";
import type { Bindings } from "./env.ts";
import { runScheduled } from "./scheduled.ts";
import { pinned } from "./storage/jurisdiction.ts";
import { exportTelemetry } from "./telemetry/telemetry.ts";
import { consumeUsage } from "./usage/consume.ts";
import { isDeadQueue, keepDead } from "./usage/dead-messages.ts";

export { AnswerObject } from "./answers/hosting/answer-object.ts";
export { BatchObject } from "./batches/batch-object.ts";
export { CacheObject } from "./cache/cache-object.ts";
export { FleetObject } from "./fleet/fleet-object.ts";
export { LedgerObject } from "./ledger/ledger-object.ts";
export { RetentionObject } from "./retention/retention-object.ts";
export { WebhookObject } from "./webhooks/webhook-object.ts";

exportTelemetry({ ...env }, waitUntil);

const worker: ExportedHandler<Bindings> = {
  fetch: (request, bindings, context) => app.fetch(request, pinned(bindings), context),
  queue: async (batch, bound) => {
    const bindings = pinned(bound);
    await (isDeadQueue(batch.queue) ? keepDead(batch, bindings) : consumeUsage(batch, bindings));
  },
  scheduled: (controller, bound) => runScheduled(controller, pinned(bound)),
};

export default worker;
