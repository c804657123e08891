import * as z from "zod";

/** A header of replies that the API's description knows. */
export type ReplyHeader =
  | "Accept-Encoding"
  | "Accept-Ranges"
  | "Age"
  | "Allow"
  | "Cache-Control"
  | "Cache-Status"
  | "Content-Range"
  | "ETag"
  | "Idempotency-Replayed"
  | "Link"
  | "Location"
  | "Preference-Applied"
  | "RateLimit"
  | "RateLimit-Policy"
  | "Retry-After"
  | "Server-Timing"
  | "Set-Cookie"
  | "WWW-Authenticate"
  | "X-Content-Type-Options"
  | "X-Request-Id"
  | "X-Should-Retry"
  | "X-TypeSafe-Request-Id";

const headers: Readonly<Record<ReplyHeader, z.ZodType>> = {
  "Accept-Encoding": z.string().meta({ description: "With 415: how a body may be encoded." }),
  "Accept-Ranges": z.literal("bytes").meta({ description: "Parts can be asked for." }),
  Age: z.int().min(0).meta({ description: "Seconds since the answer was stored (RFC 9111)." }),
  Allow: z.string().meta({ description: "With 405: what is possible instead." }),
  "Cache-Control": z.string().meta({ description: "Who may keep the reply, and for how long." }),
  "Cache-Status": z.string().meta({
    description:
      "How the cache came into the answer (RFC 9211); `stored` only where it is known to be kept.",
    example: "unmask; hit; ttl=86400",
  }),
  "Content-Range": z.string().meta({
    description: "Which part this is, of how many bytes (RFC 9110); with 416 the bytes alone.",
    example: "bytes 0-1023/1872",
  }),
  ETag: z.string().meta({
    description:
      "Of an answer its replay digest: equal tags are equal answers. Of a file its SHA-256.",
  }),
  "Idempotency-Replayed": z
    .literal("true")
    .meta({ description: "The reply of an earlier request with the same Idempotency-Key." }),
  Link: z.string().meta({ description: 'Where the next page is, as rel="next" (RFC 8288).' }),
  Location: z.string().meta({ description: "Path to come back to." }),
  "Preference-Applied": z.string().meta({ description: "What of Prefer was done (RFC 7240)." }),
  RateLimit: z.string().meta({
    description: "What is left of each rate (draft-ietf-httpapi-ratelimit-headers-10).",
    example: '"rpm";r=599;t=42',
  }),
  "RateLimit-Policy": z.string().meta({
    description: "The rates themselves.",
    example: '"rpm";q=600;w=60',
  }),
  "Retry-After": z.int().min(0).meta({ description: "Seconds to wait before asking again." }),
  "Server-Timing": z.string().meta({
    description:
      "Milliseconds by part of the work; of steps also how many ran, of vision how many vectors were kept from an earlier question.",
  }),
  "Set-Cookie": z.string().meta({ description: "The session's cookie, or that it is over." }),
  "WWW-Authenticate": z.string().meta({ description: "With 401: how to authenticate." }),
  "X-Content-Type-Options": z.literal("nosniff"),
  "X-Request-Id": z.string().meta({ description: "Names this request in our log." }),
  "X-Should-Retry": z
    .enum(["true", "false"])
    .meta({ description: "To clients of OpenAI: whether the same request may succeed later." }),
  "X-TypeSafe-Request-Id": z
    .string()
    .meta({ description: "X-Request-Id, where Jev's clients look for it." }),
};

/** Each made once: the description refers to what is the same object. */
const described: ReadonlyMap<string, z.ZodType> = new Map(
  Object.entries(headers).map(([name, schema]) => [
    name,
    schema.optional().meta({ header: { id: name } }),
  ]),
);

const everywhere: readonly ReplyHeader[] = [
  "Cache-Control",
  "Server-Timing",
  "X-Content-Type-Options",
  "X-Request-Id",
];

/** Headers of a refusal, by what it is about. */
export const refusalHeaders: readonly ReplyHeader[] = [
  ...([
    "Accept-Encoding",
    "Allow",
    "Content-Range",
    "Cache-Status",
    "Idempotency-Replayed",
  ] as const),
  ...(["Location", "Preference-Applied", "RateLimit", "RateLimit-Policy", "Retry-After"] as const),
  ...(["Set-Cookie", "WWW-Authenticate", "X-Should-Retry"] as const),
  "X-TypeSafe-Request-Id",
];

/** Headers of whatever asks a question. */
export const askedHeaders: readonly ReplyHeader[] = [
  ...(["Age", "Cache-Status", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy"] as const),
];

/** Schema of a reply's headers: those named, and those of every reply. */
export function replyHeaders(names: readonly ReplyHeader[] = []): z.ZodObject {
  return z.object(
    Object.fromEntries([...everywhere, ...names].map((name) => [name, described.get(name)])),
  );
}
