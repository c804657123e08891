import * as z from "zod";
import { cancelAfterShape } from "../../headers/cancel-after.ts";
import { idempotencyKeyShape } from "../../headers/idempotency.ts";

/** A header of requests that the API's description knows. */
export type RequestHeader =
  | "Cache-Control"
  | "Cancel-After"
  | "Idempotency-Key"
  | "If-None-Match"
  | "If-Range"
  | "Last-Event-ID"
  | "Prefer"
  | "Range"
  | "X-Unmask-Session";

const headers: Readonly<Record<RequestHeader, z.ZodType>> = {
  "Cache-Control": z.string().meta({
    description: "no-store, no-cache, only-if-cached and max-age hold for our cache (RFC 9111).",
  }),
  "Cancel-After": z.string().regex(cancelAfterShape).meta({
    description:
      "As Replicate's clients send it: after so long the answer is told as it stands. The sooner of it and deadline_ms holds.",
    example: "1m30s",
  }),
  "Idempotency-Key": z.string().regex(idempotencyKeyShape).meta({
    description:
      "A repeated request gets the first reply and is charged once. Kept for 24 hours, per key and path.",
  }),
  "If-None-Match": z.string().meta({ description: "A tag that is known already, or *." }),
  "If-Range": z.string().meta({
    description: "A tag: if the file has another by now, Range does not count (RFC 9110).",
  }),
  "Last-Event-ID": z.string().meta({ description: "The last event that was heard." }),
  Prefer: z.string().meta({
    description: "wait=N waits N seconds for the end; respond-async not at all (RFC 7240).",
    example: "wait=10",
  }),
  Range: z.string().meta({
    description: "One part of the file; of several the whole is sent.",
    example: "bytes=1024-",
  }),
  "X-Unmask-Session": z.string().meta({
    description:
      "Anything: beside a session's cookie it shows that no other page's form sent the request.",
    example: "1",
  }),
};

/** Each made once: the description refers to what is the same object. */
const described: ReadonlyMap<string, z.ZodType> = new Map(
  Object.entries(headers).map(([name, schema]) => [
    name,
    schema.optional().meta({ param: { id: name } }),
  ]),
);

/** Schema of the named headers of a request, none of which must be sent. */
export function requestHeaders(names: readonly RequestHeader[]): z.ZodObject {
  return z.object(Object.fromEntries(names.map((name) => [name, described.get(name)])));
}
