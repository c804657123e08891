import { Hono } from "hono";
import { except } from "hono/combine";
import { timing } from "hono/timing";
import type { EdgeEnv } from "./env.ts";
import { adminKey } from "./guard/admin-key.ts";
import { apiKey } from "./guard/api-key.ts";
import { bodyLimit } from "./guard/body-limit.ts";
import { countRefusals } from "./guard/callers/count-refusals.ts";
import { keyOrAdmin } from "./guard/callers/key-or-admin.ts";
import { sessionOr, sessionOrSignIn } from "./guard/callers/session-guard.ts";
import { contentEncoding } from "./guard/content-encoding.ts";
import { cors } from "./guard/cors.ts";
import { errorShape, isOpenAiClient, jevReplies } from "./guard/error-shape.ts";
import { isServed, notFound, onFault } from "./guard/errors.ts";
import { keyOnly } from "./guard/key-only.ts";
import { nosniff } from "./guard/nosniff.ts";
import { requestId } from "./guard/request-id.ts";
import { scope, uploadOnly } from "./guard/scope.ts";
import { trace } from "./guard/trace.ts";
import { showOwnAccount } from "./routes/accounts/account.ts";
import {
  changeAccount,
  createAccount,
  grantCredit,
  listAccounts,
  refundAnswer,
} from "./routes/accounts/accounts.ts";
import {
  listAccountEntries,
  listAccountUsage,
  listFunctions,
  showAccount,
} from "./routes/accounts/administration.ts";
import { createClientToken } from "./routes/accounts/client-tokens.ts";
import { createKey, listKeys, restrictKey, revokeKey, rotateKey } from "./routes/accounts/keys.ts";
import { listEntries } from "./routes/accounts/ledger.ts";
import {
  assignPaymentEvent,
  listPaymentEvents,
  receivePayment,
} from "./routes/accounts/payments.ts";
import { listRefusals } from "./routes/accounts/refusals.ts";
import {
  createSession,
  createSignInCode,
  endAllSessions,
  endOtherSession,
  endSession,
  listSessions,
  showSession,
} from "./routes/accounts/sessions.ts";
import { listUsage } from "./routes/accounts/usage.ts";
import {
  cancelAnswer,
  createAnswer,
  deleteAnswer,
  listAnswers,
  showAnswer,
  showAnswerEvents,
} from "./routes/answers/answers.ts";
import {
  cancelBatch,
  createBatch,
  deleteBatch,
  listBatches,
  listBatchResults,
  showBatch,
} from "./routes/answers/batches.ts";
import { deleteImage, showImage, uploadImage } from "./routes/answers/images.ts";
import { createQuote } from "./routes/answers/quotes.ts";
import { replayAnswer } from "./routes/answers/replays.ts";
import { createScores } from "./routes/answers/scores.ts";
import { restoreBackup, runBackupNow, showBackups, verifyBackup } from "./routes/backups.ts";
import { showBlob, showBundle, showManifest } from "./routes/bundles.ts";
import { createChatCompletion } from "./routes/compatible/chat-completions.ts";
import { createDecision, createSystemOne } from "./routes/compatible/decisions.ts";
import { listModels, showModel } from "./routes/compatible/models.ts";
import { createCaption, createQuery } from "./routes/compatible/moondream.ts";
import { createDetection, createPoint, refusePlace } from "./routes/compatible/moondream-places.ts";
import { createResponse } from "./routes/compatible/responses/create-response.ts";
import {
  cancelResponse,
  deleteResponse,
  listInputItems,
  showResponse,
} from "./routes/compatible/responses/stored-responses.ts";
import { resendDeadMessages } from "./routes/dead-messages.ts";
import { eraseAccount, eraseOwnAccount, showErasure } from "./routes/erasures.ts";
import { showHealth } from "./routes/health.ts";
import { hearFunction } from "./routes/heartbeats.ts";
import { showMetrics } from "./routes/metrics.ts";
import { showOpenapi, showOpenapiWithoutWebhooks } from "./routes/openapi/openapi.ts";
import {
  listDeliveries,
  redeliverMany,
  redeliverOne,
  showDelivery,
} from "./routes/webhooks/webhook-deliveries.ts";
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  listEndpoints,
  rotateEndpointSecret,
  showEndpoint,
  testEndpoint,
} from "./routes/webhooks/webhook-endpoints.ts";
import { rotateWebhookSecret, showWebhookSecret } from "./routes/webhooks/webhook-secret.ts";
import { showWelcome } from "./routes/welcome.ts";

/** The table of contents: what every request passes, in order, and where it goes. */
export const app: Hono<EdgeEnv> = new Hono<EdgeEnv>();

app.use(requestId());
app.use(nosniff());
app.use(trace());
app.use(countRefusals());
app.use(timing());
const isModels = (path: string): boolean => /^\/v1\/models(?:\/|$)/.test(path);
const moondream = ["/v1/query", "/v1/caption", "/v1/detect", "/v1/point", "/v1/segment"];
const compatible = ["/v1/chat/*", "/v1/responses/*", "/v1/decisions", ...moondream];
for (const path of compatible) app.use(path, errorShape());
app.use("/v1/systemone", jevReplies());
// Also where OpenAI's clients ask for what is theirs alone, `/v1/embeddings`, `POST /v1/images/edits` and the like, or miss `/v1`:
// what is not served here.
app.use(
  errorShape(
    (c) => isOpenAiClient(c) && (isModels(c.req.path) || !isServed(app, c.req.path, c.req.method)),
  ),
);
app.use("/v1/*", cors());
const administration = ["/v1/accounts/*", "/v1/functions", "/v1/metrics", "/v1/payment_events/*"];
// Of whoever holds the administrator's key, and of no page of a browser.
const operation = ["/v1/backups", "/v1/backups/*", "/v1/dead_messages/*"];
for (const path of operation) app.use(path, adminKey());
for (const path of administration) app.use(path, sessionOr(adminKey()));
const eithers = ["/v1/keys/*", "/v1/sign_in_codes"];
for (const path of eithers) app.use(path, sessionOr(keyOrAdmin()));
for (const path of ["/v1/session", "/v1/sessions", "/v1/sessions/:id"])
  app.use(path, sessionOrSignIn());
// Who sends payments is known by their signature, and so are functions; who has an erasure's id may see how far it is.
const signed = ["/v1/payments/*", "/v1/functions/*", "/v1/erasures/*"];
const sessions = ["/v1/session", "/v1/sessions/*"];
const guarded = [...administration, ...operation, ...eithers, ...sessions, ...signed];
app.use("/v1/*", except(guarded, sessionOr(apiKey())));
app.use("/v1/*", uploadOnly());
app.use("/v1/answers/*", scope("ask"));
app.use("/v1/batches/*", scope("ask"));
app.use("/v1/quotes/*", scope("ask"));
app.use("/v1/scores", scope("ask"));
app.use("/v1/images/*", scope("ask"));
app.use("/v1/models/:id/bundle/*", scope("ask"));
for (const path of [...compatible, "/v1/systemone"]) app.use(path, scope("ask"));
for (const path of ["/v1/webhook_endpoints/*", "/v1/webhook_deliveries/*", "/v1/webhook_secret/*"])
  app.use(path, scope("webhooks"));
app.use("/v1/keys/*", scope("keys"));
app.use("/v1/account", scope("usage"));
app.use("/v1/account/erase", scope("keys"));
app.use("/v1/refusals", scope("usage"));
app.use("/v1/usage/*", scope("usage"));
app.use("/v1/ledger/*", scope("usage"));
app.use("/v1/*", contentEncoding());
for (const path of [
  "/v1/account",
  "/v1/account/erase",
  "/v1/keys/*",
  "/v1/ledger/*",
  "/v1/refusals",
])
  app.use(path, keyOnly());
app.use("/v1/sign_in_codes", keyOnly());
for (const path of ["/v1/webhook_endpoints/*", "/v1/webhook_secret/*"]) app.use(path, keyOnly());
app.use("/v1/*", bodyLimit());

app.post("/v1/answers", createAnswer);
app.get("/v1/answers", listAnswers);
app.get("/v1/answers/:id", showAnswer);
app.get("/v1/answers/:id/events", showAnswerEvents);
app.delete("/v1/answers/:id", deleteAnswer);
app.post("/v1/answers/:id/cancel", cancelAnswer);
app.post("/v1/answers/:id/replay", replayAnswer);
app.post("/v1/batches", createBatch);
app.get("/v1/batches", listBatches);
app.get("/v1/batches/:id", showBatch);
app.get("/v1/batches/:id/results", listBatchResults);
app.delete("/v1/batches/:id", deleteBatch);
app.post("/v1/batches/:id/cancel", cancelBatch);
app.post("/v1/quotes", createQuote);
app.post("/v1/scores", createScores);
app.post("/v1/images", uploadImage);
app.get("/v1/images/:id", showImage);
app.delete("/v1/images/:id", deleteImage);
app.get("/v1/models", listModels);
app.get("/v1/models/:id", showModel);
app.get("/v1/models/:id/bundle", showBundle);
app.get("/v1/models/:id/bundle/:version/manifest.json", showManifest);
app.get("/v1/models/:id/bundle/:version/blobs/:sha256", showBlob);
app.post("/v1/chat/completions", createChatCompletion);
app.post("/v1/responses", createResponse);
app.get("/v1/responses/:id", showResponse);
app.delete("/v1/responses/:id", deleteResponse);
app.get("/v1/responses/:id/input_items", listInputItems);
app.post("/v1/responses/:id/cancel", cancelResponse);
app.post("/v1/decisions", createDecision);
app.post("/v1/systemone", createSystemOne);
app.post("/v1/query", createQuery);
app.post("/v1/caption", createCaption);
app.post("/v1/detect", createDetection);
app.post("/v1/point", createPoint);
app.post("/v1/segment", refusePlace);
app.post("/v1/webhook_endpoints", createEndpoint);
app.get("/v1/webhook_endpoints", listEndpoints);
app.get("/v1/webhook_endpoints/:id", showEndpoint);
app.patch("/v1/webhook_endpoints/:id", changeEndpoint);
app.delete("/v1/webhook_endpoints/:id", deleteEndpoint);
app.post("/v1/webhook_endpoints/:id/rotate_secret", rotateEndpointSecret);
app.post("/v1/webhook_endpoints/:id/test", testEndpoint);
app.get("/v1/webhook_secret", showWebhookSecret);
app.post("/v1/webhook_secret/rotate", rotateWebhookSecret);
app.get("/v1/webhook_deliveries", listDeliveries);
app.post("/v1/webhook_deliveries/redeliver", redeliverMany);
app.get("/v1/webhook_deliveries/:id", showDelivery);
app.post("/v1/webhook_deliveries/:id/redeliver", redeliverOne);
app.post("/v1/client_tokens", createClientToken);
app.post("/v1/sessions", createSession);
app.get("/v1/sessions", listSessions);
app.delete("/v1/sessions", endAllSessions);
app.delete("/v1/sessions/:id", endOtherSession);
app.get("/v1/session", showSession);
app.delete("/v1/session", endSession);
app.post("/v1/sign_in_codes", createSignInCode);
app.get("/v1/account", showOwnAccount);
app.post("/v1/account/erase", eraseOwnAccount);
app.get("/v1/erasures/:id", showErasure);
app.get("/v1/usage", listUsage);
app.get("/v1/refusals", listRefusals);
app.get("/v1/ledger", listEntries);
app.post("/v1/accounts", createAccount);
app.get("/v1/accounts", listAccounts);
app.get("/v1/accounts/:id", showAccount);
app.patch("/v1/accounts/:id", changeAccount);
app.get("/v1/accounts/:id/ledger", listAccountEntries);
app.get("/v1/accounts/:id/usage", listAccountUsage);
app.get("/v1/functions", listFunctions);
app.post("/v1/functions/heartbeats", hearFunction);
app.get("/v1/metrics", showMetrics);
app.get("/v1/backups", showBackups);
app.post("/v1/backups/run", runBackupNow);
app.post("/v1/backups/verify", verifyBackup);
app.post("/v1/backups/restore", restoreBackup);
app.post("/v1/dead_messages/resend", resendDeadMessages);
app.post("/v1/payments/:provider", receivePayment);
app.get("/v1/payment_events", listPaymentEvents);
app.post("/v1/payment_events/:id/assign", assignPaymentEvent);
app.post("/v1/accounts/:id/erase", eraseAccount);
app.post("/v1/accounts/:id/grants", grantCredit);
app.post("/v1/accounts/:id/refunds", refundAnswer);
app.post("/v1/keys", createKey);
app.get("/v1/keys", listKeys);
app.patch("/v1/keys/:id", restrictKey);
app.delete("/v1/keys/:id", revokeKey);
app.post("/v1/keys/:id/rotate", rotateKey);
app.get("/", showWelcome);
app.get("/health", showHealth);
app.get("/openapi.json", showOpenapi);
app.get("/openapi-without-webhooks.json", showOpenapiWithoutWebhooks);

app.notFound(notFound(app));
app.onError(onFault);
