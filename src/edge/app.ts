import { Hono } from "hono";
import { except } from "hono/combine";
import { timing } from "hono/timing";
import type { EdgeEnv } from "./env.ts";
import { adminKey } from "./guard/admin-key.ts";
import { apiKey } from "./guard/api-key.ts";
import { bodyLimit } from "./guard/body-limit.ts";
import { cors } from "./guard/cors.ts";
import { notFound, onFault } from "./guard/errors.ts";
import { requestId } from "./guard/request-id.ts";
import { scope } from "./guard/scope.ts";
import {
  changeAccount,
  createAccount,
  grantCredit,
  listAccounts,
  refundAnswer,
} from "./routes/accounts.ts";
import { createAnswer } from "./routes/answers.ts";
import { createClientToken } from "./routes/client-tokens.ts";
import { showHealth } from "./routes/health.ts";
import { createKey, listKeys, restrictKey, revokeKey, rotateKey } from "./routes/keys.ts";
import { listEntries } from "./routes/ledger.ts";
import { listModels } from "./routes/models.ts";
import { showOpenapi } from "./routes/openapi.ts";
import { createQuote } from "./routes/quotes.ts";
import { listUsage } from "./routes/usage.ts";

/** The table of contents: what every request passes, in order, and where it goes. */
export const app: Hono<EdgeEnv> = new Hono<EdgeEnv>();

app.use(requestId());
app.use(timing());
app.use("/v1/*", cors());
const administration = ["/v1/accounts/*", "/v1/keys/*"];
for (const path of administration) app.use(path, adminKey());
app.use("/v1/*", except(administration, apiKey()));
app.use("/v1/answers/*", scope("ask"));
app.use("/v1/quotes/*", scope("ask"));
app.use("/v1/usage/*", scope("usage"));
app.use("/v1/ledger/*", scope("usage"));
app.use("/v1/*", bodyLimit());

app.post("/v1/answers", createAnswer);
app.post("/v1/quotes", createQuote);
app.get("/v1/models", listModels);
app.post("/v1/client_tokens", createClientToken);
app.get("/v1/usage", listUsage);
app.get("/v1/ledger", listEntries);
app.post("/v1/accounts", createAccount);
app.get("/v1/accounts", listAccounts);
app.patch("/v1/accounts/:id", changeAccount);
app.post("/v1/accounts/:id/grants", grantCredit);
app.post("/v1/accounts/:id/refunds", refundAnswer);
app.post("/v1/keys", createKey);
app.get("/v1/keys", listKeys);
app.patch("/v1/keys/:id", restrictKey);
app.delete("/v1/keys/:id", revokeKey);
app.post("/v1/keys/:id/rotate", rotateKey);
app.get("/health", showHealth);
app.get("/openapi.json", showOpenapi);

app.notFound(notFound(app));
app.onError(onFault);
