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

/** A host that speaks HTTP, and not in a way that ends in an answer. Its message may be told. */
export class PeerError extends Error {
  override readonly name = "PeerError";
}

/** Threat: headers without end. Node refuses more; 16 KiB is what servers themselves allow. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Threat: answers that are only ever announced (1xx), each of which costs a parse. Honest servers send one or two. */
const MAX_ANNOUNCEMENTS = 16;

/**
 * Sends one request to an address that was checked (the next where one is out of reach), and to no other: the name is not
 * looked up again, redirects are not followed, no connection is kept. Resolves with the reply's head; its body is the
 * caller's to read or to destroy. Rejects where the host cannot be reached, breaks off, wants another protocol, or the
 * signal is aborted. Whatever the peer does it settles by then, and leaves no connection behind.
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
  const giveUp = (words: string): void => {
    const cause = new PeerError(words);
    request.destroy(cause);
    reject(cause);
  };
  request.once("response", (reply) => {
    const { statusCode: status = 0 } = reply;
    // A switch without the headers of one reads as an answer; nothing that may follow it is HTTP.
    if (status === 101) giveUp(OTHER_PROTOCOL);
    else if (status < 200 || status > 599) giveUp("its host answered with a status that is none");
    else resolve(reply);
  });
  // Without a listener Node drops the connection and tells nobody.
  request.once("upgrade", (_reply, socket) => {
    socket.destroy();
    giveUp(OTHER_PROTOCOL);
  });
  let announcements = 0;
  request.on("information", () => {
    announcements += 1;
    if (announcements > MAX_ANNOUNCEMENTS) giveUp("its host only ever announces an answer");
  });
  // Stays: a connection may also break once the head is there, and an error that nobody hears ends the process.
  request.on("error", reject);
  // The last event of every request, and the only one of some.
  request.once("close", () => reject(new PeerError("its host broke the connection off")));
  request.end(body);
  return promise;
}

const OTHER_PROTOCOL = "its host wants to speak another protocol";
