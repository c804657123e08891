import { z } from "zod";
import type { NoticeType } from "#domain/notice.ts";
import { MAX_URL_LENGTH } from "../function/fetch.ts";
import { answerSchema } from "./answers/responses.ts";
import { type Page, type PageQuery, pageFields, pageSchema } from "./page.ts";

/** An endpoint without what signs. Times are RFC 3339, UTC. */
export interface EndpointBody {
  readonly id: string;
  readonly object: "webhook_endpoint";
  readonly url: string;
  /** Null for everything but `answer.draft`. */
  readonly events: readonly NoticeType[] | null;
  readonly signing: "hmac" | "ed25519";
  /** `whpk_…` that verifies; null for a secret. */
  readonly public_key: string | null;
  readonly enabled: boolean;
  /** `gone`: it answered 410 · `failing`: for five days · `owner`: by its owner. Null while it is enabled. */
  readonly disabled_reason: "gone" | "failing" | "owner" | null;
  readonly created_at: string;
  /** Until when the secret before the last rotation signs too. */
  readonly previous_secret_expires_at: string | null;
}

/** An endpoint as it is shown once. */
export interface NewEndpointBody extends EndpointBody {
  /** `whsec_…`; null for Ed25519, whose private key leaves us never. */
  readonly secret: string | null;
}

export interface CreateEndpointBody {
  readonly url: string;
  readonly events?: readonly NoticeType[] | null;
  readonly signing?: "hmac" | "ed25519";
}

export interface ChangeEndpointBody {
  readonly url?: string;
  readonly events?: readonly NoticeType[] | null;
  readonly enabled?: boolean;
}

/** A delivery with, where it is shown alone, its attempts. */
export interface DeliveryBody {
  readonly id: string;
  readonly object: "webhook_delivery";
  /** Which notice: the `webhook-id`. */
  readonly notice: string;
  readonly event: NoticeType;
  /** Null where the request named its own address. */
  readonly endpoint: string | null;
  readonly url: string;
  readonly status: "waiting" | "delivered" | "failed";
  readonly attempt_count: number;
  readonly created_at: string;
  readonly next_attempt_at: string | null;
  readonly attempts?: readonly AttemptBody[];
}

export interface AttemptBody {
  readonly number: number;
  readonly at: string;
  readonly duration_ms: number;
  /** HTTP status of the receiver; null where there was none. */
  readonly status: number | null;
  /** Where a redirect pointed to, which is never followed. */
  readonly location: string | null;
  /** What went wrong where there is no status. */
  readonly failure: string | null;
}

export interface WebhookSecretBody {
  readonly object: "webhook_secret";
  /** `whsec_…` that signs what goes to addresses that requests name without a secret of their own. */
  readonly secret: string;
  readonly previous_secret_expires_at: string | null;
}

export interface DeliveryListQuery extends PageQuery {
  readonly endpoint?: string | undefined;
  readonly status?: "waiting" | "delivered" | "failed" | undefined;
  readonly event?: NoticeType | undefined;
}

/** Body of `POST /v1/webhook_deliveries/redeliver`. Times are RFC 3339. */
export interface RedeliverBody {
  readonly endpoint?: string;
  readonly status?: "waiting" | "delivered" | "failed";
  readonly since: string;
  /** Now, when absent. */
  readonly until?: string;
}

export interface RedeliveredBody {
  readonly object: "redelivery";
  readonly count: number;
}

/** What `POST /v1/webhook_endpoints/{id}/test` says of the sample that it sends. */
export interface WebhookTestBody {
  readonly object: "webhook_test";
  /** The sample's `webhook-id`. */
  readonly notice: string;
}

/** Threat: endpoints that multiply every answer. More than that a program of the owner's can spread them to. */
export const MAX_ENDPOINTS = 16;

/**
 * Schema of an address that is to be told something, as far as that is the same everywhere. The edge refuses besides what
 * its fetch hop would never send to (`addressRefusal`), and the hop checks where the name leads.
 */
export const webhookUrlSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(MAX_URL_LENGTH)
  .refine(isWebhookUrl, "must be an https address without a user name, password or fragment")
  .meta({ description: "An https address." });

function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username + password === "" && !text.includes("#");
}

/** Every type of notice, for schemas and the API's description. */
export const noticeTypes: readonly [NoticeType, ...NoticeType[]] = [
  "answer.completed",
  "answer.partial",
  "answer.failed",
  "answer.draft",
  "batch.completed",
  "credit.low",
  "webhook_endpoint.disabled",
];
const noticeType: z.ZodType<NoticeType> = z.enum(noticeTypes);
const id = z.string().min(1).max(64);
const url = z.string().max(MAX_URL_LENGTH);
const events = z.array(noticeType).min(1).max(noticeTypes.length).nullable();
const status = z.enum(["waiting", "delivered", "failed"]);
const count = z.int().nonnegative();
const time = z.iso.datetime();

export const createEndpointSchema: z.ZodType<CreateEndpointBody> = z
  .strictObject({
    url: webhookUrlSchema,
    events: events.exactOptional().meta({ description: "null (default): all but answer.draft." }),
    signing: z.enum(["hmac", "ed25519"]).exactOptional(),
  })
  .meta({ id: "CreateWebhookEndpoint" });

export const changeEndpointSchema: z.ZodType<ChangeEndpointBody> = z
  .strictObject({
    url: webhookUrlSchema.exactOptional(),
    events: events.exactOptional(),
    enabled: z.boolean().exactOptional(),
  })
  .meta({ id: "ChangeWebhookEndpoint" });

const endpointFields = {
  id,
  object: z.literal("webhook_endpoint"),
  url,
  events,
  signing: z.enum(["hmac", "ed25519"]),
  public_key: z.string().nullable(),
  enabled: z.boolean(),
  disabled_reason: z.enum(["gone", "failing", "owner"]).nullable(),
  created_at: time,
  previous_secret_expires_at: time.nullable(),
};

export const endpointSchema: z.ZodType<EndpointBody> = z
  .strictObject(endpointFields)
  .meta({ id: "WebhookEndpoint" });

export const newEndpointSchema: z.ZodType<NewEndpointBody> = z
  .strictObject({ ...endpointFields, secret: z.string().nullable() })
  .meta({ id: "NewWebhookEndpoint" });

export const endpointListSchema: z.ZodType<Page<EndpointBody>> = pageSchema(
  endpointSchema,
  "WebhookEndpointList",
);

export const deliverySchema: z.ZodType<DeliveryBody> = z
  .strictObject({
    id,
    object: z.literal("webhook_delivery"),
    notice: id,
    event: noticeType,
    endpoint: id.nullable(),
    url,
    status,
    attempt_count: count,
    created_at: time,
    next_attempt_at: time.nullable(),
    attempts: z
      .array(
        z.strictObject({
          number: count,
          at: time,
          duration_ms: z.number().nonnegative(),
          status: z.int().nullable(),
          location: z.string().nullable(),
          failure: z.string().nullable(),
        }),
      )
      .exactOptional(),
  })
  .meta({ id: "WebhookDelivery" });

export const deliveryListSchema: z.ZodType<Page<DeliveryBody>> = pageSchema(
  deliverySchema,
  "WebhookDeliveryList",
);

export const deliveryListQuerySchema: z.ZodType<DeliveryListQuery> = z.strictObject({
  ...pageFields,
  endpoint: id.optional(),
  status: status.optional(),
  event: noticeType.optional(),
});

export const webhookSecretSchema: z.ZodType<WebhookSecretBody> = z
  .strictObject({
    object: z.literal("webhook_secret"),
    secret: z.string(),
    previous_secret_expires_at: time.nullable(),
  })
  .meta({ id: "WebhookSecret" });

export const redeliverSchema: z.ZodType<RedeliverBody> = z
  .strictObject({
    endpoint: id.exactOptional(),
    status: status.exactOptional(),
    since: time,
    until: time.exactOptional(),
  })
  .meta({ id: "RedeliverWebhooks" });

export const redeliveredSchema: z.ZodType<RedeliveredBody> = z
  .strictObject({ object: z.literal("redelivery"), count })
  .meta({ id: "RedeliveredWebhooks" });

export const webhookTestSchema: z.ZodType<WebhookTestBody> = z
  .strictObject({ object: z.literal("webhook_test"), notice: id })
  .meta({ id: "WebhookTest" });

/** Body that receivers of a notice are sent: an answer as `GET /v1/answers/{id}` has it, a batch, or what the type is about. */
export function noticeSchema(type: NoticeType): z.ZodType {
  const data = type.startsWith("answer.") ? answerSchema : z.looseObject({});
  return z.strictObject({ type: z.literal(type), timestamp: z.iso.datetime(), data });
}
