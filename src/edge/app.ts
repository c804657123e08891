import { Hono } from "hono";
import { timing } from "hono/timing";
import type { EdgeEnv } from "./env.ts";
import { apiKey } from "./guard/api-key.ts";
import { bodyLimit } from "./guard/body-limit.ts";
import { notFound, onFault } from "./guard/errors.ts";
import { requestId } from "./guard/request-id.ts";
import { createAnswer } from "./routes/answers.ts";
import { showHealth } from "./routes/health.ts";
import { listModels } from "./routes/models.ts";
import { showOpenapi } from "./routes/openapi.ts";

/** The table of contents: what every request passes, in order, and where it goes. */
export const app: Hono<EdgeEnv> = new Hono<EdgeEnv>();

app.use(requestId());
app.use(timing());
app.use("/v1/*", apiKey());
app.use("/v1/*", bodyLimit());

app.post("/v1/answers", createAnswer);
app.get("/v1/models", listModels);
app.get("/health", showHealth);
app.get("/openapi.json", showOpenapi);

app.notFound(notFound(app));
app.onError(onFault);
