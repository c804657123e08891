import { lookup, Resolver } from "node:dns/promises";
import type { Resolve } from "./destination.ts";

/**
 * The machine's own way of looking names up, hosts file included; every address that it knows. For a stack on loopback:
 * each look-up keeps one of the process's four threads, also after the signal, until the system has given up.
 */
export const systemResolve: Resolve = async (host, signal) => {
  const cancelled = Promise.withResolvers<never>();
  const cancel = (): void => cancelled.reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const found = await Promise.race([lookup(host, { all: true }), cancelled.promise]);
    return found.map(({ address }) => address);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
};

/** A name server that is alive answers in milliseconds; a second try covers a packet that was lost. */
const QUERY = { timeout: 2_000, tries: 2 };

/**
 * Asks the machine's name servers (or `servers`), without the hosts file: public names are not in there. A name whose
 * servers say nothing keeps no thread, so that it holds up nobody else's look-up, and is dropped with the signal.
 */
export function dnsResolve(servers?: readonly string[]): Resolve {
  return async (host, signal) => {
    signal.throwIfAborted();
    const resolver = new Resolver(QUERY);
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      signal.throwIfAborted();
      const found = answers.flatMap((answer) =>
        answer.status === "fulfilled" ? answer.value : [],
      );
      const [first] = answers;
      if (found.length === 0 && first.status === "rejected") throw first.reason;
      return found;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

/** How names are looked up: with the hosts file only where private addresses may be reached. */
export function resolverFor(allowsPrivate: boolean): Resolve {
  return allowsPrivate ? systemResolve : dnsResolve();
}
