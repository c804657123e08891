import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type ClientToken,
  isUploadToken,
  verifyClientToken,
} from "#wire/api/accounts/client-token.ts";
import { hashSecret, parseKey } from "#wire/api/accounts/key.ts";
import type { KeyRecord, KeyStore } from "./key-store.ts";
import { isSameSecret } from "./same-secret.ts";

/** Why someone is not let in: for the log; the caller is never told which check failed. */
export type Stranger =
  | "malformed"
  | "mistyped"
  | "unknown"
  | "wrong environment"
  | "wrong secret"
  | "expired"
  | "revoked";

/**
 * A secret that does not fit may be newer than the remembered record: it was rotated elsewhere. One look a second at most,
 * so that an attacker who knows an id and guesses secrets does not reach the store with each guess.
 */
const RECHECK_MS = 1_000;

/** Finds whose key this is. A typo is seen by the checksum and never reaches the store. */
export async function authenticate(
  text: string,
  store: KeyStore,
  now: number,
): Promise<Result<KeyRecord, Stranger>> {
  const key = parseKey(text);
  if (!key.ok) return key;
  const { id, environment } = key.value;
  const [record, hash] = await Promise.all([store.find(id), hashSecret(key.value)]);
  if (record === undefined) return refuse("unknown");
  const fitting = opens(hash, record, now) ? record : await store.find(id, RECHECK_MS);
  if (fitting === undefined || !opens(hash, fitting, now)) return refuse("wrong secret");
  if (fitting.environment !== environment) return refuse("wrong environment");
  return stillGood(fitting, now);
}

function opens(hash: string, { secretSha256, previous }: KeyRecord, now: number): boolean {
  const isPrevious =
    previous !== null && isSameSecret(hash, previous.secretSha256) && now < previous.expiresAt;
  return isSameSecret(hash, secretSha256) || isPrevious;
}

/** Finds whose client token this is, and narrows its key's record to what the token may do. */
export async function authenticateToken(
  text: string,
  secret: CryptoKey,
  store: KeyStore,
  now: number,
): Promise<Result<{ readonly key: KeyRecord; readonly token: ClientToken }, string>> {
  const token = await verifyClientToken(text, secret, now);
  if (!token.ok) return token;
  const record = await store.find(token.value.keyId);
  if (record === undefined) return refuse("unknown");
  const good = stillGood(record, now);
  return good.ok ? ok({ key: narrow(good.value, token.value), token: token.value }) : good;
}

/** What a token may do is what its key may do at this moment, and no more than what it was made for. */
function narrow(key: KeyRecord, token: ClientToken): KeyRecord {
  return {
    ...key,
    // `uploadOnly`, a guard, keeps a token of one upload from all else that this scope is for.
    scopes: key.scopes.filter((scope) =>
      isUploadToken(token) ? scope === "ask" : includes(token.scopes, scope),
    ),
    models: intersection(key.models, token.models),
    origins: intersection(key.origins, token.origins),
  };
}

function includes(scopes: readonly string[], scope: string): boolean {
  return scopes.includes(scope);
}

function intersection(
  left: readonly string[] | null,
  right: readonly string[] | null,
): readonly string[] | null {
  if (left === null || right === null) return left ?? right;
  return left.filter((item) => right.includes(item));
}

function stillGood(record: KeyRecord, now: number): Result<KeyRecord, Stranger> {
  if (record.revokedAt !== null) return refuse("revoked");
  return record.expiresAt !== null && now >= record.expiresAt ? refuse("expired") : ok(record);
}
