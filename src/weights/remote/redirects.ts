import { networkFault } from "#domain/network-fault.ts";
import { WeightsError } from "../weights-error.ts";

/** More than any hub needs (renamed repository, its cache, its storage); a circle is found out by it. */
const MAX_REDIRECTS = 6;

/** What goes with a request to an origin. Secrets are for their own origin: the headers for any other must not have them. */
export type HeadersFor = (origin: string) => Readonly<Record<string, string>>;

/** Where a walk along redirects has come to. */
export interface Hop {
  readonly url: URL;
  readonly response: Response;
}

/** Sends one request and follows no redirect. Throws WeightsError where nobody replies; an abort rejects with its reason. */
export async function sendOnce(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers,
      redirect: "manual",
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const { says, isLasting } = networkFault(cause);
    throw new WeightsError(
      isLasting ? "store_refused" : "store_unavailable",
      `${plain(url)} cannot be reached: ${says}`,
      { cause, isUnreached: true },
    );
  }
}

/** Returns the address that a reply sends on to; undefined if it is no redirect. Throws WeightsError `store_refused` for one that must not be followed. */
export function redirectOf({ url, response }: Hop): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const location = response.headers.get("location") ?? "";
  if (!URL.canParse(location, url))
    throw new WeightsError("store_refused", `${plain(url)} sends on to no address`);
  const next = new URL(location, url);
  const isSafe =
    next.protocol === "https:" || (next.protocol === "http:" && url.protocol === "http:");
  if (!isSafe) {
    // What is read over plain http can be replaced by whoever stands between.
    throw new WeightsError(
      "store_refused",
      `${plain(url)} sends on to ${next.protocol}//${next.host}, which is not safe to follow`,
    );
  }
  return next;
}

/**
 * Follows redirects as long as they stay at their origin; the first that leads elsewhere is returned and not followed.
 * `onReply` sees every reply of this origin.
 */
export async function walkOrigin(
  start: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
  onReply: (hop: Hop) => void,
): Promise<{ readonly last: Hop; readonly leads?: URL }> {
  let url = start;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const last = { url, response: await sendOnce(url, headers, signal) };
    onReply(last);
    const next = redirectOf(last);
    if (next === undefined) return { last };
    await last.response.body?.cancel();
    if (next.origin !== start.origin) return { last, leads: next };
    url = next;
  }
  throw new WeightsError(
    "store_refused",
    `${plain(start)} sends on more than ${MAX_REDIRECTS} times`,
  );
}

/** Follows redirects between foreign origins to their end. */
export async function walkOn(
  start: URL,
  headersFor: HeadersFor,
  signal: AbortSignal | undefined,
): Promise<Hop> {
  let url = start;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const hop = { url, response: await sendOnce(url, headersFor(url.origin), signal) };
    const next = redirectOf(hop);
    if (next === undefined) return hop;
    await hop.response.body?.cancel();
    url = next;
  }
  throw new WeightsError(
    "store_refused",
    `${plain(start)} sends on more than ${MAX_REDIRECTS} times`,
  );
}

/** An address for messages: without its query, because a signature is a key for as long as it lives. */
export function plain(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
