import type { Log } from "./log.ts";

/** Longest request id that is repeated in a log line; ours have 36 characters. */
const MAX_REQUEST_ID_LENGTH = 64;

/** Version 00 has these four fields; later versions may add more behind them. Source: W3C Trace Context, section 3.2. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/;

/** Reads whose request this is, for the log: `request`, our own id, and `trace`, the trace id of W3C's `traceparent`. */
export function traceOf(headers: Headers): Readonly<Record<string, string>> {
  const request = headers.get("x-request-id");
  const [, trace] = TRACEPARENT.exec(headers.get("traceparent") ?? "") ?? [];
  return {
    ...(request === null ? {} : { request: request.slice(0, MAX_REQUEST_ID_LENGTH) }),
    ...(trace === undefined ? {} : { trace }),
  };
}

/** Makes a log whose every line also says whose request it is about. */
export function tracedLog(log: Log, headers: Headers): Log {
  const trace = traceOf(headers);
  return (event, fields) => log(event, { ...trace, ...fields });
}
