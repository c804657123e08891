import type { NoticeType } from "#domain/notice.ts";
import { verifyMessage } from "#wire/codec/standard-webhooks.ts";
import { UnmaskError } from "./errors.ts";

/** What a webhook tells. */
export interface Notice {
  readonly type: NoticeType;
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  /** Of `answer.*` the answer. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** The request does not come from the service, or is a repetition of one that did. Reply with a 4xx. */
export class WebhookError extends UnmaskError {
  override readonly name = "WebhookError";
}

/**
 * Reads a webhook and checks that it was sent by the service within five minutes of `now` (milliseconds since 1970).
 * `keys`: `whsec_…` or `whpk_…`, two while one is replaced. The same notice may come twice: its `webhook-id` header is then
 * the same. Rejects with WebhookError. Source: Standard Webhooks 1.0.
 */
export async function readWebhook(
  request: Request,
  keys: string | undefined | readonly string[],
  now: number = Date.now(),
): Promise<Notice> {
  // A variable of the environment may not be set: nothing would verify, and nobody would know why.
  if (keys === undefined || keys.length === 0)
    throw new WebhookError("there is no secret or key to check the webhook with");
  const body = textOf(await request.arrayBuffer());
  if (body === null || !(await verifyMessage(request.headers, body, [keys].flat(), now)))
    throw new WebhookError("the signature, or the age, of the webhook is wrong");
  try {
    return JSON.parse(body) as Notice;
  } catch (cause) {
    // Whoever holds the secret has signed it, and it is not this service.
    throw new WebhookError("the webhook is signed with the secret, and its body is no JSON", {
      cause,
    });
  }
}

/** Reads text that stands for these bytes and no others: `Request.text()` drops a byte order mark, and the signature is of the bytes. */
function textOf(bytes: ArrayBuffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof TypeError) return null;
    throw cause;
  }
}
