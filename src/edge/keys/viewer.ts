import type { ClientToken } from "#wire/api/accounts/client-token.ts";
import type { KeyRecord } from "./key-store.ts";

/**
 * Whose something is within its account: `sub:<subject>` of a client token that names one, else the token's own id; null is
 * the account's own, asked with a key.
 */
export type Owner = string | null;

/** The account, and the client token or subject, that look at something or own it. */
export interface Viewer {
  readonly accountId: string;
  readonly owner: Owner;
}

/** Says for which account and owner a request asks. */
export function viewerOf(key: KeyRecord, token: ClientToken | undefined): Viewer {
  return { accountId: key.accountId, owner: token === undefined ? null : ownerOf(token) };
}

/** Whose pool of the cache their answers come from: users of an app share answers only where their tokens were made for it. */
export function poolOwnerOf(key: KeyRecord, token: ClientToken | undefined): Owner {
  return token?.sharesCache === true ? null : viewerOf(key, token).owner;
}

/** A token of another subject, or of none, is another owner: ids of tokens begin with `ctk_`. */
export function ownerOf({ id, subject }: Pick<ClientToken, "id" | "subject">): string {
  return subject === null ? id : `sub:${subject}`;
}

/** A key sees everything of its account; a client token what it, or its subject, has asked. */
export function maySee({ accountId, owner }: Viewer, thing: Viewer): boolean {
  return accountId === thing.accountId && (owner === null || owner === thing.owner);
}
