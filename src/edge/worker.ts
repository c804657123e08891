import { app } from "./app.ts";
import type { Bindings } from "./env.ts";
import { consumeUsage } from "./usage/consume.ts";

export { LedgerObject } from "./ledger/ledger-object.ts";

const worker: ExportedHandler<Bindings> = { fetch: app.fetch, queue: consumeUsage };

export default worker;
