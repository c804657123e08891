import { networkFault } from "#domain/network-fault.ts";
import { retryAfterOf } from "./retries.ts";
import { WeightsError } from "./weights-error.ts";

/** Sorts what the SDK throws. An abort comes out as the signal's own reason. */
export function toWeightsError(
  cause: unknown,
  doing: string,
  signal: AbortSignal | undefined,
): WeightsError {
  signal?.throwIfAborted();
  if (cause instanceof WeightsError) return cause;
  const status = httpStatus(cause);
  if (status === undefined) {
    const { says, isLasting } = networkFault(cause);
    const code = isLasting ? "store_refused" : "store_unavailable";
    return new WeightsError(code, `${doing}: ${says}`, { cause, isUnreached: true });
  }
  const name = cause instanceof Error ? cause.name : "";
  const says = `${doing}: ${status} ${name}`;
  if (status === 404) return new WeightsError("not_found", says, { cause });
  if (status === 401 || status === 403) return new WeightsError("access_denied", says, { cause });
  if (status === 412) return new WeightsError("object_changed", says, { cause });
  const isBusy =
    status >= 500 ||
    status === 408 ||
    status === 429 ||
    /^(?:SlowDown|RequestTimeout|ThrottlingException)$/.test(name);
  if (!isBusy) return new WeightsError("store_refused", says, { cause });
  const { "retry-after": header, date } = responseHeaders(cause);
  const retryAfterMs = retryAfterOf(header, date);
  return new WeightsError("store_unavailable", says, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Headers of the reply that the SDK hangs on its errors, names in lower case. */
function responseHeaders(cause: unknown): Readonly<Record<string, string | undefined>> {
  if (typeof cause !== "object" || cause === null || !("$response" in cause)) return {};
  const response = cause.$response;
  if (typeof response !== "object" || response === null || !("headers" in response)) return {};
  return { ...(response.headers as Record<string, string | undefined>) };
}

function httpStatus(cause: unknown): number | undefined {
  if (typeof cause !== "object" || cause === null || !("$metadata" in cause)) return undefined;
  const metadata = cause.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) {
    return undefined;
  }
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}
