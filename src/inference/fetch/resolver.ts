import { lookup } from "node:dns/promises";
import type { Resolve } from "./destination.ts";

/** The machine's own way of looking names up, hosts file included; every address that it knows. */
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
