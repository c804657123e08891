import { OFFLINE_WORKER } from "../offline/names.ts";

interface ScriptPolicy {
  createScriptURL(url: string): string;
}

/** Scripts that the page starts beside itself: the worker that answers without sending, and the one that keeps the page's files. */
function isKnown(address: string): boolean {
  return address === PRIVATE_WORKER || address === OFFLINE_WORKER;
}

let policy: ScriptPolicy | undefined;

/** An address as the page's policy lets it be a script's (`trusted-types unmask-worker`, infra/site/headers.ts). Throws TypeError for any other. */
export function scriptAddress(address: string): string {
  if (!isKnown(address)) throw new TypeError(`${address} is no script of this page`);
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy };
  };
  policy ??= trustedTypes?.createPolicy("unmask-worker", {
    createScriptURL: (url) => (isKnown(url) ? url : ""),
  });
  return policy?.createScriptURL(address) ?? address;
}
