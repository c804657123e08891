import type { Answer } from "#client/answer-stream.ts";
import { type ApiObject, type ClientOptions, call, send } from "#client/send.ts";
import type { OwnAccountBody } from "#wire/api/accounts/account.ts";
import type {
  AccountBody,
  ChangeAccountBody,
  CreateAccountBody,
  GrantBody,
  GrantedBody,
  RefundBody,
  RefundedBody,
} from "#wire/api/accounts/accounts.ts";
import type {
  FunctionBody,
  RegisteredFunctionBody,
  ShownAccountBody,
} from "#wire/api/accounts/administration.ts";
import type {
  CreateKeyBody,
  KeyBody,
  NewKeyBody,
  RestrictKeyBody,
} from "#wire/api/accounts/keys.ts";
import type { PaymentEventBody } from "#wire/api/accounts/payments.ts";
import type { RefusalRow } from "#wire/api/accounts/refusals.ts";
import type { SessionBody } from "#wire/api/accounts/sessions.ts";
import type { LedgerEntryBody, UsageRow } from "#wire/api/accounts/usage.ts";
import type { AnswerSummaryBody } from "#wire/api/answers/answer-list.ts";
import type { ReplayBody } from "#wire/api/answers/replays.ts";
import type { Page } from "#wire/api/page.ts";
import type { DeliveryBody } from "#wire/api/webhooks/deliveries.ts";
import type {
  ChangeEndpointBody,
  CreateEndpointBody,
  EndpointBody,
  NewEndpointBody,
  WebhookTestBody,
} from "#wire/api/webhooks/endpoints.ts";
import type { SignInBy } from "./shapes.ts";

/** Fields of a query; what is null is left out. */
export type Query = Readonly<Record<string, string | null>>;

/** What the dashboard asks of the service. Every call rejects with UnmaskError; none is tried again by itself. */
export interface Api {
  session(): Promise<SessionBody>;
  signIn(by: SignInBy): Promise<SessionBody>;
  signOut(): Promise<void>;
  signOutEverywhere(): Promise<void>;
  sessions(after: string | null): Promise<Page<SessionBody>>;
  endSession(id: string): Promise<void>;
  account(): Promise<OwnAccountBody>;
  /** All rows of a time: `from` and `to` are days, both included. */
  usage(from: string, to: string): Promise<readonly UsageRow[]>;
  refusals(from: string, to: string): Promise<readonly RefusalRow[]>;
  ledger(query: Query, after: string | null): Promise<Page<LedgerEntryBody>>;
  keys(query: Query, after: string | null): Promise<Page<KeyBody>>;
  createKey(key: Omit<CreateKeyBody, "account">, account: string | null): Promise<NewKeyBody>;
  restrictKey(id: string, change: RestrictKeyBody): Promise<KeyBody>;
  rotateKey(id: string, overlapSeconds: number): Promise<NewKeyBody>;
  revokeKey(id: string): Promise<KeyBody>;
  endpoints(): Promise<Page<EndpointBody>>;
  createEndpoint(endpoint: CreateEndpointBody): Promise<NewEndpointBody>;
  changeEndpoint(id: string, change: ChangeEndpointBody): Promise<EndpointBody>;
  deleteEndpoint(id: string): Promise<void>;
  rotateEndpointSecret(id: string): Promise<NewEndpointBody>;
  testEndpoint(id: string): Promise<WebhookTestBody>;
  deliveries(query: Query, after: string | null): Promise<Page<DeliveryBody>>;
  delivery(id: string): Promise<DeliveryBody>;
  redeliver(id: string): Promise<void>;
  answers(query: Query, after: string | null): Promise<Page<AnswerSummaryBody>>;
  answer(id: string): Promise<Answer>;
  /** Made afresh and charged, once under one `idempotencyKey`. */
  replay(id: string, idempotencyKey: string): Promise<ReplayBody>;
  readonly admin: AdminApi;
}

/** What an administrator's session may ask beside. */
export interface AdminApi {
  accounts(after: string | null): Promise<Page<AccountBody>>;
  account(id: string): Promise<ShownAccountBody>;
  createAccount(account: CreateAccountBody): Promise<AccountBody>;
  changeAccount(id: string, change: ChangeAccountBody): Promise<AccountBody>;
  grant(id: string, grant: GrantBody): Promise<GrantedBody>;
  refund(id: string, refund: RefundBody): Promise<RefundedBody>;
  ledger(id: string, after: string | null): Promise<Page<LedgerEntryBody>>;
  functions(): Promise<Page<FunctionBody | RegisteredFunctionBody>>;
  payments(query: Query, after: string | null): Promise<Page<PaymentEventBody>>;
  assignPayment(id: string, account: string): Promise<PaymentEventBody>;
}

/** Says to the service that the page itself asks, and no form of another site. */
const SESSION_HEADER = "x-unmask-session";

/** Rows of a list that is read whole, and how many pages of it at most: five keys on ninety days are five. */
const WHOLE_PAGE = "100";
const MOST_PAGES = 40;

/** Makes the calls over the cookie of this browser. */
export function createApi(options: Pick<ClientOptions, "baseUrl" | "fetch">): Api {
  const client: ClientOptions = { ...options, retries: 0 };
  const headers = { [SESSION_HEADER]: "1" };
  const get = async <Body extends ApiObject>(path: string): Promise<Body> =>
    await call(client, path, { headers });
  const write = async <Body extends ApiObject>(
    method: string,
    path: string,
    body: object = {},
  ): Promise<Body> =>
    await call(client, path, {
      method,
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const bare = async (method: string, path: string): Promise<void> => {
    await send(client, path, { method, headers });
  };
  const post = async <Body extends ApiObject>(path: string): Promise<Body> =>
    await call(client, path, { method: "POST", headers });
  const whole = async <Row>(path: string, query: Query): Promise<readonly Row[]> => {
    const rows: Row[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const page: Page<Row> = await get(withQuery(path, { ...query, limit: WHOLE_PAGE, after }));
      rows.push(...page.data);
      after = page.next_cursor;
      if (after === null) break;
    }
    return rows;
  };
  return {
    session: () => get("/v1/session"),
    signIn: (by) => write("POST", "/v1/sessions", by),
    signOut: () => bare("DELETE", "/v1/session"),
    signOutEverywhere: () => bare("DELETE", "/v1/sessions"),
    sessions: (after) => get(withQuery("/v1/sessions", { after })),
    endSession: (id) => bare("DELETE", at("sessions", id)),
    account: () => get("/v1/account"),
    usage: (from, to) => whole("/v1/usage", { from, to }),
    refusals: (from, to) => whole("/v1/refusals", { from, to }),
    ledger: (query, after) => get(withQuery("/v1/ledger", { ...query, after })),
    keys: (query, after) => get(withQuery("/v1/keys", { ...query, limit: WHOLE_PAGE, after })),
    createKey: (key, account) =>
      write("POST", "/v1/keys", account === null ? key : { ...key, account }),
    restrictKey: (id, change) => write("PATCH", at("keys", id), change),
    rotateKey: (id, overlapSeconds) =>
      write("POST", `${at("keys", id)}/rotate`, { overlap_seconds: overlapSeconds }),
    revokeKey: (id) => call(client, at("keys", id), { method: "DELETE", headers }),
    endpoints: () => get("/v1/webhook_endpoints"),
    createEndpoint: (endpoint) => write("POST", "/v1/webhook_endpoints", endpoint),
    changeEndpoint: (id, change) => write("PATCH", at("webhook_endpoints", id), change),
    deleteEndpoint: (id) => bare("DELETE", at("webhook_endpoints", id)),
    rotateEndpointSecret: (id) => post(`${at("webhook_endpoints", id)}/rotate_secret`),
    testEndpoint: (id) => post(`${at("webhook_endpoints", id)}/test`),
    deliveries: (query, after) => get(withQuery("/v1/webhook_deliveries", { ...query, after })),
    delivery: (id) => get(at("webhook_deliveries", id)),
    redeliver: (id) => bare("POST", `${at("webhook_deliveries", id)}/redeliver`),
    answers: (query, after) => get(withQuery("/v1/answers", { ...query, after })),
    answer: (id) => get(at("answers", id)),
    replay: (id, idempotencyKey) =>
      call(client, `${at("answers", id)}/replay`, {
        method: "POST",
        headers: { ...headers, "idempotency-key": idempotencyKey },
      }),
    admin: {
      accounts: (after) => get(withQuery("/v1/accounts", { after })),
      account: (id) => get(at("accounts", id)),
      createAccount: (account) => write("POST", "/v1/accounts", account),
      changeAccount: (id, change) => write("PATCH", at("accounts", id), change),
      grant: (id, grant) => write("POST", `${at("accounts", id)}/grants`, grant),
      refund: (id, refund) => write("POST", `${at("accounts", id)}/refunds`, refund),
      ledger: (id, after) => get(withQuery(`${at("accounts", id)}/ledger`, { after })),
      functions: () => get("/v1/functions"),
      payments: (query, after) => get(withQuery("/v1/payment_events", { ...query, after })),
      assignPayment: (id, account) =>
        write("POST", `${at("payment_events", id)}/assign`, { account }),
    },
  };
}

function at(list: string, id: string): string {
  return `/v1/${list}/${encodeURIComponent(id)}`;
}

/** A path with those fields of a query that are said. */
export function withQuery(path: string, query: Query): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) fields.set(name, value);
  const text = fields.toString();
  return text === "" ? path : `${path}?${text}`;
}
