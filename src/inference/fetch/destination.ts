import { isIP } from "node:net";
import { ok, type Result, refuse } from "#domain/result.ts";
import { addressRefusal } from "#wire/function/fetch.ts";
import { isPublicAddress, NOT_PUBLIC } from "#wire/public-address.ts";
import { isLinkLocal, isThisMachine } from "./address.ts";

/** Looks a name up: all its addresses, as text. Rejects where there are none. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** What may be reached. */
export interface Reach {
  readonly resolve: Resolve;
  /** Also http, any port, and addresses of this machine and its networks: for tests and a stack on loopback only. */
  readonly allowsPrivate: boolean;
  /** Ports of this machine on which the system itself listens: out of reach even where private networks are allowed. */
  readonly forbiddenPorts: readonly number[];
}

/** Where an address leads, and the only IP addresses that may be connected to: each was checked. */
export interface Destination {
  readonly url: URL;
  readonly addresses: readonly string[];
}

/**
 * Checks where an address leads: once parsed, once looked up, every address of the name public. The connection is then to be
 * made to one of `addresses`, so that a name cannot change between the check and the use. Refuses with a reason that may be told.
 */
export async function findDestination(
  text: string,
  { resolve, allowsPrivate, forbiddenPorts }: Reach,
  signal: AbortSignal,
): Promise<Result<Destination, string>> {
  const refusal = addressRefusal(text, allowsPrivate);
  if (refusal !== null) return refuse(refusal);
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host];
  if (addresses.length === 0) return refuse("its host has no address");
  if (!allowsPrivate && !addresses.every(isPublicAddress)) return refuse(NOT_PUBLIC);
  if (addresses.some(isLinkLocal))
    return refuse("its host is on no network of ours or the internet");
  if (forbiddenPorts.includes(portOf(url)) && addresses.some(isThisMachine))
    return refuse("it leads to this service itself");
  return ok({ url, addresses });
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}
