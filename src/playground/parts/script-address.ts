import { OFFLINE_WORKER } from "../offline/names.ts";

interface ScriptPolicy {
  createScriptURL(url: string): string;
}

/** Scripts that the page starts beside itself: the worker that answers without sending, and the one that keeps the page's files. */
const known: ReadonlySet<string> = new Set([PRIVATE_WORKER, OFFLINE_WORKER]);

let policy: ScriptPolicy | undefined;

/** An address as the page's policy lets it be a script's (`trusted-types unmask-worker`, infra/site/headers.ts). Throws TypeError for any other. */
export function scriptAddress(address: string): string {
  if (!known.has(address)) throw new TypeError(`${address} is no script of this page`);
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy };
  };
  policy ??= trustedTypes?.createPolicy("unmask-worker", {
    createScriptURL: (url) => (known.has(url) ? url : ""),
  });
  return policy?.createScriptURL(address) ?? address;
}
