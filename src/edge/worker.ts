import { app } from "./app.ts";
import type { Bindings } from "./env.ts";

const worker: ExportedHandler<Bindings> = { fetch: app.fetch };

export default worker;
