import { readFileSync } from "node:fs";

/** An operation's example: a command that runs as printed, after those before it in the list. */
export interface OperationExample {
  readonly curl: string;
  readonly status: number;
  /** Shell variables that later examples use, and where in the reply they stand. */
  readonly saves?: Readonly<Record<string, string>>;
}

/** What a running system replied to an example. */
export interface RecordedReply {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
}

/** Remade by `node infra/site/docs/reference/record.ts`. */
export const RECORDED_FILE = "infra/site/docs/reference/recorded.json";

const KEY = '-H "Authorization: Bearer $UNMASK_KEY"';
const ADMIN = '-H "Authorization: Bearer $UNMASK_ADMIN_KEY"';
const JSON_BODY = '-H "Content-Type: application/json"';

function get(path: string, key: string = KEY): string {
  return `curl -s "$UNMASK_URL${path}"${key === "" ? "" : ` \\\n  ${key}`}`;
}

function send(
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  key: string,
  body?: object,
): string {
  const verb = method === "POST" ? (body === undefined ? " -X POST" : "") : ` -X ${method}`;
  const type = body === undefined ? "" : ` ${JSON_BODY}`;
  const data = body === undefined ? "" : ` \\\n  -d '${JSON.stringify(body)}'`;
  return `curl -s${verb} "$UNMASK_URL${path}" \\\n  ${key}${type}${data}`;
}

/** A body in which the shell fills in what earlier replies said. */
function sendWith(path: string, body: string, key: string = KEY): string {
  return `curl -s "$UNMASK_URL${path}" \\\n  ${key} ${JSON_BODY} \\\n  -d "${body.replaceAll('"', '\\"')}"`;
}

/** What pages of the dashboard send; curl keeps the cookie in a file. */
const PAGE = '-b session.txt -H "X-Unmask-Session: 1" -H "Origin: $UNMASK_URL"';
const COOKIE = "-b session.txt";

/** By operation, in an order in which each finds what it needs. `cat.jpg`: `/samples/cat.jpg`. */
export const operationExamples: Readonly<Record<string, OperationExample>> = {
  showWelcome: { curl: get("/", ""), status: 200 },
  showHealth: { curl: get("/health", ""), status: 200 },
  showOpenapi: { curl: get("/openapi.json", ""), status: 200 },
  showOpenapiWithoutWebhooks: { curl: get("/openapi-without-webhooks.json", ""), status: 200 },
  listModels: { curl: get("/v1/models"), status: 200 },
  showModel: { curl: get("/v1/models/unmask-demo"), status: 200 },
  showModelBundle: {
    curl: get("/v1/models/unmask-demo/bundle"),
    status: 200,
    saves: { VERSION: "version" },
  },
  downloadModelManifest: {
    curl: `curl -s -r 0-255 "$UNMASK_URL/v1/models/unmask-demo/bundle/$VERSION/manifest.json" \\\n  ${KEY}`,
    status: 206,
  },
  downloadModelBlob: {
    curl: `BLOB=$(curl -s "$UNMASK_URL/v1/models/unmask-demo/bundle/$VERSION/manifest.json" ${KEY} \\
  | grep -o '"tokenizer_config.json":{[^}]*' | grep -o '[0-9a-f]\\{64\\}')
curl -s -r 0-63 "$UNMASK_URL/v1/models/unmask-demo/bundle/$VERSION/blobs/$BLOB" \\\n  ${KEY}`,
    status: 206,
  },
  createQuote: {
    curl: send("POST", "/v1/quotes", KEY, {
      width: 96,
      height: 96,
      question: "What is this?",
      canvas: 16,
    }),
    status: 200,
  },
  createScores: {
    curl: sendWith(
      "/v1/scores",
      `{"question": "What is this?", "answers": ["A cat.", "A dog."], "image": "data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"}`,
    ),
    status: 200,
  },
  uploadImage: {
    curl: `curl -s "$UNMASK_URL/v1/images" \\\n  ${KEY} \\\n  -H "Content-Type: image/jpeg" --data-binary @cat.jpg`,
    status: 201,
    saves: { IMAGE: "id" },
  },
  showImage: { curl: get("/v1/images/$IMAGE"), status: 200 },
  createAnswer: {
    curl: `curl -s "$UNMASK_URL/v1/answers" \\\n  ${KEY} \\\n  -F image=@cat.jpg -F question="What is this?"`,
    status: 200,
    saves: { ANSWER: "id" },
  },
  showAnswer: { curl: get("/v1/answers/$ANSWER"), status: 200 },
  showAnswerEvents: { curl: get("/v1/answers/$ANSWER/events"), status: 200 },
  cancelAnswer: { curl: send("POST", "/v1/answers/$ANSWER/cancel", KEY), status: 200 },
  replayAnswer: { curl: send("POST", "/v1/answers/$ANSWER/replay", KEY), status: 200 },
  createBatch: {
    curl: sendWith(
      "/v1/batches",
      '{"items": [{"custom_id": "a", "question": "What is this?"}, {"custom_id": "b", "question": "Is there a cat?"}], "defaults": {"image": {"id": "$IMAGE"}, "canvas": 16}}',
    ),
    status: 202,
    saves: { BATCH: "id" },
  },
  showBatch: { curl: get("/v1/batches/$BATCH"), status: 200 },
  listBatchResults: { curl: get("/v1/batches/$BATCH/results"), status: 200 },
  cancelBatch: { curl: send("POST", "/v1/batches/$BATCH/cancel", KEY), status: 200 },
  deleteBatch: {
    curl: `sleep 2; ${send("DELETE", "/v1/batches/$BATCH", KEY)}`,
    status: 204,
  },
  listBatches: { curl: get("/v1/batches?limit=1"), status: 200 },
  createChatCompletion: {
    curl: `curl -s "$UNMASK_URL/v1/chat/completions" \\\n  ${KEY} ${JSON_BODY} \\\n  -d @- <<END\n{"model": "unmask-demo", "messages": [{"role": "user", "content": [\n  {"type": "text", "text": "What is this?"},\n  {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"}}\n]}]}\nEND`,
    status: 200,
  },
  createResponse: {
    curl: sendWith(
      "/v1/responses",
      '{"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "$IMAGE"}, {"type": "input_text", "text": "What is this?"}]}]}',
    ),
    status: 200,
    saves: { RESPONSE: "id" },
  },
  showResponse: { curl: get("/v1/responses/$RESPONSE"), status: 200 },
  listResponseInputItems: { curl: get("/v1/responses/$RESPONSE/input_items"), status: 200 },
  cancelResponse: { curl: send("POST", "/v1/responses/$RESPONSE/cancel", KEY), status: 200 },
  deleteResponse: { curl: send("DELETE", "/v1/responses/$RESPONSE", KEY), status: 200 },
  createDecision: {
    curl: sendWith(
      "/v1/decisions",
      `{"model": "unmask-demo", "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"}]}], "questions": [{"type": "predicate", "instructions": "Is this an animal?"}, {"type": "choice", "instructions": "What is this?", "choices": [{"value": "cat"}, {"value": "dog"}]}]}`,
    ),
    status: 200,
  },
  createSystemOne: {
    curl: sendWith(
      "/v1/systemone",
      `{"state": null, "images": ["data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"], "questions": {"animal": {"type": "noul", "instructions": "Is this an animal?"}}}`,
    ),
    status: 200,
  },
  createQuery: {
    curl: sendWith(
      "/v1/query",
      `{"question": "What is this?", "image_url": "data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"}`,
    ),
    status: 200,
  },
  createCaption: {
    curl: sendWith(
      "/v1/caption",
      `{"length": "short", "image_url": "data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"}`,
    ),
    status: 200,
  },
  detect: {
    curl: sendWith(
      "/v1/detect",
      `{"object": "cat", "image_url": "data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"}`,
    ),
    status: 400,
  },
  point: {
    curl: sendWith(
      "/v1/point",
      `{"object": "cat", "image_url": "data:image/jpeg;base64,$(base64 < cat.jpg | tr -d '\\n')"}`,
    ),
    status: 400,
  },
  segment: { curl: send("POST", "/v1/segment", KEY, { object: "dog" }), status: 400 },
  deleteImage: { curl: send("DELETE", "/v1/images/$IMAGE", KEY), status: 204 },
  createClientToken: {
    curl: send("POST", "/v1/client_tokens", KEY, {
      subject: "user-42",
      ttl_seconds: 300,
      spend_cap_micros: 20_000,
      scopes: ["ask"],
    }),
    status: 201,
  },
  createSignInCode: {
    curl: send("POST", "/v1/sign_in_codes", KEY, {}),
    status: 201,
    saves: { CODE: "code" },
  },
  createSession: {
    curl: sendWith("/v1/sessions", '{"code": "$CODE"}', PAGE.replace("-b", "-c")),
    status: 201,
  },
  showSession: { curl: get("/v1/session", COOKIE), status: 200 },
  listSessions: { curl: get("/v1/sessions", COOKIE), status: 200 },
  showOwnAccount: { curl: get("/v1/account", COOKIE), status: 200 },
  endOtherSession: {
    curl: `OTHER=$(${sendWith("/v1/sessions", '{"key": "$UNMASK_KEY"}', PAGE.replace("-b session.txt ", ""))} |\n  sed 's/.*"id":"\\(ses_[^"]*\\)".*/\\1/')\n${send("DELETE", "/v1/sessions/$OTHER", PAGE)}`,
    status: 204,
  },
  endSession: { curl: send("DELETE", "/v1/session", PAGE), status: 204 },
  endAllSessions: {
    curl: `${sendWith("/v1/sessions", '{"key": "$UNMASK_KEY"}', PAGE.replace("-b", "-o session.json -c"))}\n${send("DELETE", "/v1/sessions", PAGE)}`,
    status: 200,
  },
  listUsage: { curl: get("/v1/usage?limit=2"), status: 200 },
  listEntries: { curl: get("/v1/ledger?limit=2"), status: 200 },
  listRefusals: { curl: get("/v1/refusals?limit=2"), status: 200 },
  createEndpoint: {
    curl: send("POST", "/v1/webhook_endpoints", KEY, {
      url: "http://127.0.0.1:8790/",
      events: ["answer.completed", "credit.low"],
    }),
    status: 201,
    saves: { ENDPOINT: "id" },
  },
  showEndpoint: { curl: get("/v1/webhook_endpoints/$ENDPOINT"), status: 200 },
  changeEndpoint: {
    curl: send("PATCH", "/v1/webhook_endpoints/$ENDPOINT", KEY, { events: null }),
    status: 200,
  },
  rotateEndpointSecret: {
    curl: send("POST", "/v1/webhook_endpoints/$ENDPOINT/rotate_secret", KEY),
    status: 200,
  },
  testEndpoint: {
    curl: send("POST", "/v1/webhook_endpoints/$ENDPOINT/test", KEY),
    status: 202,
  },
  listEndpoints: { curl: get("/v1/webhook_endpoints"), status: 200 },
  listDeliveries: {
    curl: get("/v1/webhook_deliveries?limit=1"),
    status: 200,
    saves: { DELIVERY: "data.0.id" },
  },
  showDelivery: { curl: get("/v1/webhook_deliveries/$DELIVERY"), status: 200 },
  redeliverOne: {
    curl: send("POST", "/v1/webhook_deliveries/$DELIVERY/redeliver", KEY),
    status: 202,
  },
  redeliverMany: {
    curl: send("POST", "/v1/webhook_deliveries/redeliver", KEY, {
      status: "failed",
      since: "2026-11-01T00:00:00Z",
    }),
    status: 202,
  },
  deleteEndpoint: { curl: send("DELETE", "/v1/webhook_endpoints/$ENDPOINT", KEY), status: 204 },
  showWebhookSecret: { curl: get("/v1/webhook_secret"), status: 200 },
  rotateWebhookSecret: { curl: send("POST", "/v1/webhook_secret/rotate", KEY), status: 200 },
  createAccount: {
    curl: send("POST", "/v1/accounts", ADMIN, { id: "emmy", name: "Emmy" }),
    status: 201,
  },
  listAccounts: { curl: get("/v1/accounts?limit=1", ADMIN), status: 200 },
  showAccount: { curl: get("/v1/accounts/emmy", ADMIN), status: 200 },
  changeAccount: {
    curl: send("PATCH", "/v1/accounts/emmy", ADMIN, { credit_low_micros: 100_000 }),
    status: 200,
  },
  grantCredit: {
    curl: send("POST", "/v1/accounts/emmy/grants", ADMIN, {
      id: "payment-1",
      amount_micros: 1_000_000,
    }),
    status: 201,
  },
  listAccountEntries: { curl: get("/v1/accounts/emmy/ledger?kind=grant", ADMIN), status: 200 },
  listAccountUsage: { curl: get("/v1/accounts/emmy/usage", ADMIN), status: 200 },
  showMetrics: { curl: get("/v1/metrics", ADMIN), status: 200 },
  listFunctions: { curl: get("/v1/functions", ADMIN), status: 200 },
  runBackup: { curl: send("POST", "/v1/backups/run", ADMIN, {}), status: 200 },
  showBackups: { curl: get("/v1/backups", ADMIN), status: 200 },
  verifyBackup: { curl: send("POST", "/v1/backups/verify", ADMIN, {}), status: 200 },
  resendDeadMessages: { curl: send("POST", "/v1/dead_messages/resend", ADMIN, {}), status: 200 },
  // Here the accounts are still there, and nothing is written over.
  restoreBackup: {
    curl: send("POST", "/v1/backups/restore", ADMIN, { at: "2100-01-01T00:00:00Z" }),
    status: 409,
  },
  // No function registers on this machine: with FUNCTION_KEYS the signature is looked at first.
  hearFunction: {
    curl: send("POST", "/v1/functions/heartbeats", '-H "Authorization: Bearer eyJ…"', {
      url: "https://gpu-1.fn.example",
      instance: "0b6c5f1e-2f4c",
      sent_at: 1_790_000_000_000,
      model: "llada-v",
      provider: "cuda",
      digest: null,
      numerics: null,
      state: "loading",
      eta_seconds: 42,
      loaded_in_ms: null,
      queued_steps: 0,
      ms_per_step: null,
      running: 0,
      waiting: 0,
      places: 4,
      queue_length: 16,
      sleeps: false,
    }),
    status: 401,
  },
  // Nobody takes money on this machine: with TOP_UP the provider's signature is looked at first.
  receivePayment: {
    curl: send("POST", "/v1/payments/stripe", '-H "Stripe-Signature: t=1,v1=00"', {
      id: "evt_1",
      type: "checkout.session.completed",
    }),
    status: 404,
  },
  listPaymentEvents: { curl: get("/v1/payment_events?state=parked", ADMIN), status: 200 },
  assignPaymentEvent: {
    curl: send("POST", "/v1/payment_events/stripe:evt_1/assign", ADMIN, { account: "emmy" }),
    status: 404,
  },
  createKey: {
    curl: send("POST", "/v1/keys", ADMIN, {
      account: "emmy",
      name: "shop",
      limits: { spend_per_day_micros: 500_000 },
    }),
    status: 201,
    saves: { KEY_ID: "id", CUSTOMER_KEY: "key" },
  },
  refundAnswer: {
    curl: `ANSWER=$(curl -s "$UNMASK_URL/v1/answers" \\\n  -H "Authorization: Bearer $CUSTOMER_KEY" \\\n  -F image=@cat.jpg -F question="What is this?" |\n  sed 's/.*"id":"\\(ans_[^"]*\\)".*/\\1/')\n${sendWith("/v1/accounts/emmy/refunds", '{"id": "refund-1", "answer": "$ANSWER", "amount_micros": 10}', ADMIN)}`,
    status: 201,
  },
  listKeys: { curl: get("/v1/keys?account=emmy", ADMIN), status: 200 },
  restrictKey: {
    curl: send("PATCH", "/v1/keys/$KEY_ID", ADMIN, { models: ["unmask-demo"] }),
    status: 200,
  },
  rotateKey: {
    curl: send("POST", "/v1/keys/$KEY_ID/rotate", ADMIN, { overlap_seconds: 3600 }),
    status: 200,
  },
  // A few seconds behind, as the list is.
  listAnswers: { curl: get("/v1/answers?limit=2"), status: 200 },
  deleteAnswer: {
    curl: `ANSWER=$(curl -s "$UNMASK_URL/v1/answers" \\\n  ${KEY} \\\n  -F image=@cat.jpg -F question="What is this?" -F cache=off |\n  sed 's/.*"id":"\\(ans_[^"]*\\)".*/\\1/')\n${send("DELETE", "/v1/answers/$ANSWER", KEY)}`,
    status: 204,
  },
  revokeKey: { curl: send("DELETE", "/v1/keys/$KEY_ID", ADMIN), status: 200 },
  eraseOwnAccount: {
    curl: send("POST", "/v1/account/erase", KEY, { confirm: "another account" }),
    status: 400,
  },
  eraseAccount: {
    curl: send("POST", "/v1/accounts/emmy/erase", ADMIN, { confirm: "emmy" }),
    status: 202,
    saves: { ERASURE: "id" },
  },
  showErasure: { curl: `curl -s "$UNMASK_URL/v1/erasures/$ERASURE"`, status: 202 },
};

/** Replies as they were recorded, by operation. */
export function readRecorded(): Readonly<Record<string, RecordedReply>> {
  return JSON.parse(readFileSync(RECORDED_FILE, "utf8")) as Record<string, RecordedReply>;
}

/** More of a reply than a person reads; the rest is left out and said so. */
const MAX_LINES = 60;

/** A reply as Markdown. */
export function recordedText({ status, contentType, body }: RecordedReply): string {
  if (body === "") return `\`\`\`http\nHTTP/1.1 ${status}\n\`\`\``;
  // A part of a document is none.
  const isJson = contentType?.includes("json") === true && status !== 206;
  const lines = (isJson ? JSON.stringify(JSON.parse(body), null, 2) : body.trim()).split("\n");
  const shown = lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), "…"] : lines;
  return `Reply ${status}:\n\n\`\`\`${isJson ? "json" : "text"}\n${shown.join("\n")}\n\`\`\``;
}
