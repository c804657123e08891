/** Why a request got no reply, as far as its error tells. */
export interface NetworkFault {
  /** What is the matter, as the end of a sentence: "nothing listens there". */
  readonly says: string;
  /** The same request will not fare better later: the address is wrong, or who answers there is not who it should be. */
  readonly isLasting: boolean;
}

const passing = (says: string): NetworkFault => ({ says, isLasting: false });
const lasting = (says: string): NetworkFault => ({ says, isLasting: true });

const TIMED_OUT: NetworkFault = passing("it did not answer in time");
const BROKEN_OFF: NetworkFault = passing("the connection broke off");
const NO_HTTP: NetworkFault = lasting("what answers there does not speak HTTP");
const NO_TLS: NetworkFault = lasting(
  "what answers there does not speak TLS; is it http:// and not https://?",
);

/** By the code that Node or its fetch gives. Sources: Node's errors of `dns`, `net` and `tls`; undici's errors; llhttp's. */
const BY_CODE: Readonly<Record<string, NetworkFault>> = {
  ECONNREFUSED: passing("nothing listens there"),
  ECONNRESET: BROKEN_OFF,
  EPIPE: BROKEN_OFF,
  UND_ERR_SOCKET: BROKEN_OFF,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: BROKEN_OFF,
  ETIMEDOUT: TIMED_OUT,
  UND_ERR_CONNECT_TIMEOUT: TIMED_OUT,
  UND_ERR_HEADERS_TIMEOUT: TIMED_OUT,
  UND_ERR_BODY_TIMEOUT: TIMED_OUT,
  EHOSTUNREACH: passing("there is no way to that host"),
  ENETUNREACH: passing("there is no way to that network"),
  EADDRNOTAVAIL: lasting("that address is none that can be connected to"),
  EAI_AGAIN: passing("its name could not be looked up just now"),
  ENOTFOUND: lasting("there is no host of that name"),
  ERR_INVALID_URL: lasting("that is no address; write it with http:// or https://"),
  UND_ERR_INVALID_ARG: lasting("that is no address; write it with http:// or https://"),
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  UND_ERR_HEADERS_OVERFLOW: lasting("its headers are larger than is read"),
};

/**
 * Finds out what is the matter from what `fetch` threw, however deep in its causes it stands. What is not known is passing and
 * is told in the error's own words.
 */
export function networkFault(error: unknown): NetworkFault {
  let told: string | undefined;
  for (const { code, message } of chain(error)) {
    const known = BY_CODE[code];
    if (known !== undefined) return known;
    if (/^HPE_/.test(code) || /does not match the HTTP/.test(message)) return NO_HTTP;
    if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code))
      return lasting(`its certificate is not to be trusted (${code})`);
    if (/^bad port$/i.test(message))
      return lasting("that port is one that no HTTP client connects to");
    if (/^unknown scheme$/i.test(message))
      return lasting("that is no address; write it with http:// or https://");
    if (message !== "" && message !== "fetch failed") told = message;
  }
  return passing(told ?? "the request failed");
}

/** An error and its causes, outermost first; of several attempts at one host the first stands for all. */
function* chain(error: unknown): Generator<{ readonly code: string; readonly message: string }> {
  // Eight are more than any error here has, and a cause can be its own.
  for (let depth = 0, next = error; depth < 8 && next instanceof Error; depth++) {
    const { code } = next as { readonly code?: unknown };
    yield { code: typeof code === "string" ? code : "", message: next.message };
    next = next.cause ?? (next instanceof AggregateError ? next.errors[0] : undefined);
  }
}
