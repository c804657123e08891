import * as z from "zod";
import type { WebhookTarget } from "#domain/notice.ts";
import { decodeBase64 } from "../codec/base64.ts";
import { webhookUrlSchema } from "./webhook-url.ts";

/** An address that is to be told one answer. */
export type WebhookBody =
  | string
  | {
      readonly url: string;
      /** `whsec_…` that signs what is sent there; the account's own when absent. */
      readonly secret?: string;
      /** Also tell `answer.draft` while it is made. */
      readonly drafts?: boolean;
    };

export const webhookBodySchema: z.ZodType<WebhookBody> = z.union([
  webhookUrlSchema,
  z.strictObject({
    url: webhookUrlSchema,
    secret: z
      .string()
      .max(128)
      .refine(isWebhookSecret, "must be whsec_ and 24 to 64 bytes as base64")
      .exactOptional(),
    drafts: z.boolean().exactOptional(),
  }),
]);

/** Fills in what a webhook leaves open. */
export function webhookOf(webhook: WebhookBody): WebhookTarget {
  return typeof webhook === "string"
    ? { url: webhook, secret: null, wantsDrafts: false }
    : { url: webhook.url, secret: webhook.secret ?? null, wantsDrafts: webhook.drafts ?? false };
}

function isWebhookSecret(text: string): boolean {
  if (!text.startsWith("whsec_")) return false;
  const size = decodeBase64(text.slice("whsec_".length))?.length ?? 0;
  return size >= 24 && size <= 64;
}
