import * as z from "zod";
import type { NoticeType } from "#domain/notice.ts";
import { MAX_URL_LENGTH } from "../../function/fetch.ts";
import { type Page, pageSchema } from "../page.ts";
import { webhookUrlSchema } from "../webhook-url.ts";
import { noticeTypeSchema, noticeTypes } from "./notices.ts";

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

export interface WebhookSecretBody {
  readonly object: "webhook_secret";
  /** `whsec_…` that signs what goes to addresses that requests name without a secret of their own. */
  readonly secret: string;
  readonly previous_secret_expires_at: string | null;
}

/** What `POST /v1/webhook_endpoints/{id}/test` says of the sample that it sends. */
export interface WebhookTestBody {
  readonly object: "webhook_test";
  /** The sample's `webhook-id`. */
  readonly notice: string;
}

/** Threat: endpoints that multiply every answer. More than that a program of the owner's can spread them to. */
export const MAX_ENDPOINTS = 16;

const id = z.string().min(1).max(64);
const url = z.string().max(MAX_URL_LENGTH);
const events = z.array(noticeTypeSchema).min(1).max(noticeTypes.length).nullable();
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

export const webhookSecretSchema: z.ZodType<WebhookSecretBody> = z
  .strictObject({
    object: z.literal("webhook_secret"),
    secret: z.string(),
    previous_secret_expires_at: time.nullable(),
  })
  .meta({ id: "WebhookSecret" });

export const webhookTestSchema: z.ZodType<WebhookTestBody> = z
  .strictObject({ object: z.literal("webhook_test"), notice: id })
  .meta({ id: "WebhookTest" });
