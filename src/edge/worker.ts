import { app } from "./app.ts";
import type { Bindings } from "./env.ts";
import { consumeUsage } from "./usage/consume.ts";

export { CacheObject } from "./delivery/cache-object.ts";
export { WebhookObject } from "./delivery/webhook-object.ts";
export { AnswerObject } from "./jobs/answer-object.ts";
export { BatchObject } from "./jobs/batch-object.ts";
export { LedgerObject } from "./ledger/ledger-object.ts";

const worker: ExportedHandler<Bindings> = { fetch: app.fetch, queue: consumeUsage };

export default worker;
