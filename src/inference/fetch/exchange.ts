import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { Destination } from "./destination.ts";

/** What is sent. */
export interface Sent {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Threat: headers without end. Node refuses more; 16 KiB is what servers themselves allow. */
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Sends one request to an address that was checked (the next where one is out of reach), and to no other: the name is not looked up again, redirects are not
 * followed, no connection is kept. Resolves with the reply's head; its body is the caller's to read or to destroy. Rejects
 * where the host cannot be reached, breaks off, or the signal is aborted.
 */
export function exchange(
  { url, addresses }: Destination,
  { method, headers, body }: Sent,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const request: ClientRequest = send(url, {
    method,
    // Compressed bodies would be bombs that nobody counts.
    headers: { "accept-encoding": "identity", ...headers },
    agent: false,
    signal,
    maxHeaderSize: MAX_HEADER_BYTES,
    lookup: (_host, options, done) => {
      const checked = addresses.map((address) => ({ address, family: isIP(address) }));
      const [first] = checked;
      if (options.all === true) done(null, checked);
      else done(null, first?.address ?? "", first?.family);
    },
  });
  request.once("response", resolve);
  request.once("error", reject);
  request.end(body);
  return promise;
}
