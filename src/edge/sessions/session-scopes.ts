import type { KeyScope } from "#wire/api/accounts/key.ts";
import { SESSION_SCOPES, type SessionScope } from "#wire/api/accounts/sessions.ts";

/** What a key must be allowed, for a session of it to be. */
const needed: Readonly<Record<Exclude<SessionScope, "admin">, KeyScope>> = {
  usage: "usage",
  answers: "ask",
  replay: "ask",
  webhooks: "webhooks",
  keys: "keys",
};

/** All that sessions of a key may be for. */
export function scopesOfKey(scopes: readonly KeyScope[]): readonly SessionScope[] {
  return SESSION_SCOPES.filter((scope) => scope !== "admin" && scopes.includes(needed[scope]));
}

/** All that a session of an account may be for which no key stands behind: nothing that is charged, which is always a key's. */
export const keylessScopes: readonly SessionScope[] = SESSION_SCOPES.filter(
  (scope) => scope !== "admin" && scope !== "replay",
);

/** What a session's scopes allow, in the terms of keys, as which the routes know it. Nothing needs `jobs` of its own: it goes with `ask`. */
export function keyScopesOf(scopes: readonly SessionScope[]): readonly KeyScope[] {
  const allowed = scopes.flatMap((scope) => (scope === "admin" ? [] : [needed[scope]]));
  return [
    ...new Set(allowed.flatMap((one): KeyScope[] => (one === "ask" ? [one, "jobs"] : [one]))),
  ];
}
