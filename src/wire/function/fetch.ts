import * as z from "zod";
import { MAX_NAME_LENGTH } from "../limits.ts";
import { localHostRefusal } from "../public-address.ts";

/**
 * The hop by which the edge reaches addresses that callers name: `POST /v1/fetch` of the function, with
 * `Authorization: Bearer <ticket>` for exactly this body. A Worker cannot pin the address that it has checked; the
 * function resolves, checks every address and connects to the one that it checked.
 *
 * A picture comes back as `application/octet-stream`, or as a refusal (`refusal.ts`: `image_fetch_timeout`,
 * `image_fetch_blocked`, `image_fetch_refused`, `image_fetch_failed`, `image_file_too_large`, each with `image: 0`). A delivery comes back as
 * `DeliveryReply`, whatever became of it.
 */
export const FETCH_PATH = "/v1/fetch";

/** Threat: an address that fills logs and resolvers. 2,048 is what browsers and proxies agree on. */
export const MAX_URL_LENGTH = 2048;

/** Ports that public services of the web listen on; others are somebody's database. */
const PORTS: readonly string[] = ["", "443", "8443"];

/**
 * Ports at which no request of the web may be sent wherever it leads: what listens there would take one for its own
 * protocol. Source: WHATWG Fetch, "bad port".
 */
const BAD_PORTS: ReadonlySet<number> = new Set([
  ...[0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95],
  ...[101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179],
  ...[389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601],
  ...[636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566],
  ...[6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
]);

/**
 * Says, without asking anybody, why an address is never fetched from or sent to; null where that depends on where its name
 * leads. The edge asks before it keeps an address, the fetch hop before it looks its name up. `allowsPrivate`: also http,
 * other ports, and private networks. What is said may be told to the caller.
 */
export function addressRefusal(text: string, allowsPrivate: boolean): string | null {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) return "it is no address";
  const url = new URL(text);
  if (url.protocol !== "https:" && !(allowsPrivate && url.protocol === "http:"))
    return "only https addresses are fetched";
  if (url.username !== "" || url.password !== "")
    return "an address must not have a user name or password";
  if (url.port !== "" && BAD_PORTS.has(Number(url.port))) return `port ${url.port} is not allowed`;
  if (allowsPrivate) return null;
  if (!PORTS.includes(url.port)) return `port ${url.port} is not allowed`;
  return localHostRefusal(url);
}

/** Body of a delivery at most: Standard Webhooks advises under 20 KB; 64 KiB holds the longest answer with its tokens. */
export const MAX_DELIVERY_BYTES: number = 64 * 1024;

/**
 * Header by which the edge asks for the beginning of a receiver's response: "1". A header, because orders and replies are read
 * strictly: a hop of before takes no notice of it, and an edge of before, which does not send it, is told nothing that it would refuse.
 */
export const RESPONSE_WANTED_HEADER = "unmask-response-wanted";

/**
 * Of a receiver's response at most. Threat: a body without end, which would be read, stored and shown. An error page's first
 * sentence or a problem document fits in 1 KiB.
 */
export const MAX_RESPONSE_BYTES = 1024;

export type FetchOrder = ImageFetch | Delivery;

export interface ImageFetch {
  readonly purpose: "image";
  readonly url: string;
  readonly timeout_ms: number;
}

export interface Delivery {
  readonly purpose: "webhook";
  readonly url: string;
  /** Sent as they are, besides `content-type: application/json` and `user-agent`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeout_ms: number;
}

/** What became of a delivery. Of the receiver's body at most `MAX_RESPONSE_BYTES` are read, and only where the edge wants them. */
export type DeliveryReply =
  | {
      readonly outcome: "response";
      readonly status: number;
      /** `Retry-After` as the receiver sent it. */
      readonly retry_after: string | null;
      /** `Location` of a redirect, which is never followed. */
      readonly location: string | null;
      /** To the head of the response. */
      readonly duration_ms: number;
      /**
       * First bytes of the body as text, in which what is no UTF-8 or would steer a terminal is U+FFFD: untrusted, whatever it says.
       * Absent where it was not wanted, and from hops of before.
       */
      readonly response?: string;
    }
  | {
      readonly outcome: "failed";
      readonly reason: "timeout" | "blocked" | "unreachable";
      /** For the delivery log: what happened, without addresses of ours. */
      readonly detail: string;
      readonly duration_ms: number;
    };

const url = z.string().min(1).max(MAX_URL_LENGTH);
const timeout = z.int().min(1).max(60_000);
const text = z.string().max(MAX_URL_LENGTH);
const duration = z.number().nonnegative();

/** Schema of the order's JSON. */
export const fetchOrderSchema: z.ZodType<FetchOrder> = z.discriminatedUnion("purpose", [
  z.strictObject({ purpose: z.literal("image"), url, timeout_ms: timeout }),
  z.strictObject({
    purpose: z.literal("webhook"),
    url,
    headers: z.record(z.string().max(MAX_NAME_LENGTH), text),
    body: z.string().max(MAX_DELIVERY_BYTES),
    timeout_ms: timeout,
  }),
]);

/** Schema of the reply to a delivery. */
export const deliveryReplySchema: z.ZodType<DeliveryReply> = z.discriminatedUnion("outcome", [
  z.strictObject({
    outcome: z.literal("response"),
    status: z.int().min(100).max(599),
    retry_after: text.nullable(),
    location: text.nullable(),
    duration_ms: duration,
    // A byte never becomes more than one UTF-16 unit.
    response: z.string().max(MAX_RESPONSE_BYTES).exactOptional(),
  }),
  z.strictObject({
    outcome: z.literal("failed"),
    reason: z.enum(["timeout", "blocked", "unreachable"]),
    detail: text,
    duration_ms: duration,
  }),
]);
