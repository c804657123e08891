import * as z from "zod";
import { webhookUrlSchema } from "#wire/api/webhook-url.ts";
import { MAX_ENDPOINTS } from "#wire/api/webhooks/endpoints.ts";
import { noticeTypeSchema, noticeTypes } from "#wire/api/webhooks/notices.ts";
import type { StoredJson } from "../../storage/stored-json.ts";
import type { SavedEndpoint, SavedEndpoints } from "../../webhooks/storage/webhook-tables.ts";
import { storedInBucket } from "../formats.ts";

/** Where an account wants to be told, as of the moment that the object's name says: without it, so that equal ones are equal texts. */
export interface EndpointsCut extends SavedEndpoints {
  readonly account: string;
}

/** Secrets and private keys as they are made here; the longest, an Ed25519 key, has 69 characters. One that signs nothing would stop the teller. */
const secret = z.string().regex(/^whsec_(?:[A-Za-z0-9+/]{4}){4,32}(?:[A-Za-z0-9+/]{2,3}={1,2})?$/);
const privateKey = z.string().regex(/^whsk_(?:[A-Za-z0-9+/]{4}){16}$/);
const publicKey = z.string().regex(/^whpk_[A-Za-z0-9+/]{43}=$/);
const moment = z.int().nonnegative();

const common = {
  id: z.string().min(1).max(64),
  url: webhookUrlSchema,
  events: z.array(noticeTypeSchema).min(1).max(noticeTypes.length).nullable(),
  isEnabled: z.boolean(),
  disabledReason: z.enum(["gone", "failing", "owner"]).nullable(),
  createdAt: moment,
};

const endpointSchema: z.ZodType<SavedEndpoint> = z.discriminatedUnion("signing", [
  z.object({
    ...common,
    signing: z.literal("hmac"),
    secret,
    publicKey: z.null(),
    previous: z.object({ secret, expiresAt: moment }).nullable(),
  }),
  z.object({
    ...common,
    signing: z.literal("ed25519"),
    secret: privateKey,
    publicKey,
    previous: z.object({ secret: privateKey, expiresAt: moment }).nullable(),
  }),
]);

const cutSchema: z.ZodType<EndpointsCut> = z.object({
  account: z.string(),
  endpoints: z.array(endpointSchema).max(MAX_ENDPOINTS),
  secrets: z
    .object({ secret, previous: z.object({ secret, expiresAt: moment }).nullable() })
    .nullable(),
});

export const storedEndpoints: StoredJson<EndpointsCut> = storedInBucket(
  "webhook endpoints of an account",
  cutSchema,
);
