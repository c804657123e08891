import { ok, type Result, refuse } from "#domain/result.ts";
import { hashSecret, parseKey } from "#wire/key.ts";

/** What is kept of a key. The secret itself is kept nowhere. */
export interface KeyRecord {
  readonly id: string;
  readonly accountId: string;
  /** Lower-case hex SHA-256 of the secret. */
  readonly secretSha256: string;
}

/** Where keys are looked up by their public id. */
export interface KeyStore {
  find(id: string): Promise<KeyRecord | undefined>;
}

/** The store of an installation with a single key, given in a setting. */
export function singleKeyStore(record: KeyRecord): KeyStore {
  return { find: async (id) => (id === record.id ? record : undefined) };
}

/** Finds whose key this is. The refusal is for the log; the caller is never told which check failed. */
export async function authenticate(
  text: string,
  store: KeyStore,
): Promise<Result<KeyRecord, "malformed" | "mistyped" | "unknown" | "wrong secret">> {
  const key = parseKey(text);
  if (!key.ok) return key;
  const [record, hash] = await Promise.all([store.find(key.value.id), hashSecret(key.value)]);
  if (record === undefined) return refuse("unknown");
  return isEqual(hash, record.secretSha256) ? ok(record) : refuse("wrong secret");
}

/** Takes as long for a first wrong digit as for a last one, so that time does not tell how far a guess was right. */
function isEqual(left: string, right: string): boolean {
  const utf8 = new TextEncoder();
  const [a, b] = [utf8.encode(left), utf8.encode(right)];
  return a.length === b.length && crypto.subtle.timingSafeEqual(a, b);
}
