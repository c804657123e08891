import type { Notices } from "./notices.ts";
import type { WebhookObject } from "./webhook-object.ts";

/** Reaches the tellers of notices, one per account. */
export function noticesOf({
  WEBHOOKS,
}: {
  readonly WEBHOOKS: DurableObjectNamespace<WebhookObject>;
}): Notices {
  return {
    accept: async (notice, target) =>
      await WEBHOOKS.getByName(notice.accountId).accept(notice, target),
    acceptAt: async (notice, target) =>
      await WEBHOOKS.getByName(notice.accountId).acceptAt(notice, target),
  };
}
