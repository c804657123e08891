import type {
  DeliveryBody,
  DeliveryListQuery,
  RedeliverBody,
  RedeliveredBody,
} from "#wire/api/webhooks/deliveries.ts";
import type {
  ChangeEndpointBody,
  CreateEndpointBody,
  EndpointBody,
  NewEndpointBody,
  WebhookSecretBody,
} from "#wire/api/webhooks/endpoints.ts";
import {
  type ApiObject,
  type CallOptions,
  type ClientOptions,
  call,
  readObject,
  readPages,
  send,
} from "./send.ts";

export type Endpoint = EndpointBody;
export type NewEndpoint = NewEndpointBody;
export type Delivery = DeliveryBody;
export type DeliveryFilter = Pick<DeliveryListQuery, "endpoint" | "status" | "event">;

/** Says under which id a test was sent. */
export interface WebhookTest extends ApiObject {
  /** The `webhook-id` that the endpoint gets. */
  readonly notice: string;
}

/** Where an account is told what happened, and how that went. The key needs the scope `webhooks`. Methods reject with UnmaskError. */
export interface WebhookCalls {
  readonly endpoints: {
    list(options?: CallOptions): AsyncIterable<Endpoint>;
    get(id: string, options?: CallOptions): Promise<Endpoint>;
    /** Its secret is shown this once. */
    create(endpoint: CreateEndpointBody, options?: CallOptions): Promise<NewEndpoint>;
    change(id: string, change: ChangeEndpointBody, options?: CallOptions): Promise<Endpoint>;
    /** What was on its way there is given up. */
    delete(id: string, options?: CallOptions): Promise<void>;
    /** A new secret, shown this once; the present one signs too for a day. */
    rotateSecret(id: string, options?: CallOptions): Promise<NewEndpoint>;
    /** Sends a sample of an answer. */
    test(id: string, options?: CallOptions): Promise<WebhookTest>;
  };
  readonly deliveries: {
    /** Newest first, of the last 30 days. */
    list(filter?: DeliveryFilter, options?: CallOptions): AsyncIterable<Delivery>;
    /** With all its attempts. */
    get(id: string, options?: CallOptions): Promise<Delivery>;
    /** From the beginning of the schedule, under the same `webhook-id`. */
    redeliver(id: string, options?: CallOptions): Promise<RedeliveredBody>;
    redeliverRange(range: RedeliverBody, options?: CallOptions): Promise<RedeliveredBody>;
  };
  /** What signs deliveries to addresses that requests name without a secret of their own. */
  readonly secret: {
    get(options?: CallOptions): Promise<WebhookSecretBody>;
    rotate(options?: CallOptions): Promise<WebhookSecretBody>;
  };
}

/** Makes the calls. Reading is tried again where that may help; what changes something is sent once. */
export function createWebhookCalls(options: ClientOptions): WebhookCalls {
  const get = <Body extends ApiObject>(path: string, { signal }: CallOptions = {}): Promise<Body> =>
    call(options, path, signal === undefined ? {} : { signal });
  const write = async <Body extends ApiObject>(
    method: "POST" | "PATCH",
    path: string,
    body: object | undefined,
    { signal }: CallOptions = {},
  ): Promise<Body> =>
    await readObject(
      await send(options, path, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  const endpoint = (id: string): string => `/v1/webhook_endpoints/${encodeURIComponent(id)}`;
  const delivery = (id: string): string => `/v1/webhook_deliveries/${encodeURIComponent(id)}`;
  return {
    endpoints: {
      list: (call) => readPages(options, "/v1/webhook_endpoints", call),
      get: (id, call) => get(endpoint(id), call),
      create: (body, call) => write("POST", "/v1/webhook_endpoints", body, call),
      change: (id, change, call) => write("PATCH", endpoint(id), change, call),
      async delete(id, { signal } = {}) {
        const init = { method: "DELETE", ...(signal === undefined ? {} : { signal }) };
        await send(options, endpoint(id), init);
      },
      rotateSecret: (id, call) => write("POST", `${endpoint(id)}/rotate_secret`, undefined, call),
      test: (id, call) => write("POST", `${endpoint(id)}/test`, undefined, call),
    },
    deliveries: {
      list: ({ endpoint, status, event } = {}, call) => {
        const query = new URLSearchParams({
          limit: "100",
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(status === undefined ? {} : { status }),
          ...(event === undefined ? {} : { event }),
        });
        return readPages(options, `/v1/webhook_deliveries?${query}`, call);
      },
      get: (id, call) => get(delivery(id), call),
      redeliver: (id, call) => write("POST", `${delivery(id)}/redeliver`, undefined, call),
      redeliverRange: (range, call) =>
        write("POST", "/v1/webhook_deliveries/redeliver", range, call),
    },
    secret: {
      get: (call) => get("/v1/webhook_secret", call),
      rotate: (call) => write("POST", "/v1/webhook_secret/rotate", undefined, call),
    },
  };
}
