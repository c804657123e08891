import type { KeyLimits, RateLimits } from "#domain/limits.ts";
import type { Retention } from "#domain/retention.ts";
import type { KeyEnvironment, KeyScope } from "#wire/api/accounts/key.ts";
import { keyLimitsBody, keyLimitsOf, rateLimitsOf } from "#wire/api/accounts/limits-body.ts";
import { isKeyLimits, isRateLimits, retentionIn } from "../accounts/stored-limits.ts";
import { type Check, isStrings, readChecked } from "../storage/stored-json.ts";

/** What is kept of a key. The secret itself is kept nowhere. Times are milliseconds since 1970. */
export interface KeyRecord {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly environment: KeyEnvironment;
  /** Lower-case hex SHA-256 of the secret. */
  readonly secretSha256: string;
  /** The secret before the last rotation, and until when it works too. */
  readonly previous: { readonly secretSha256: string; readonly expiresAt: number } | null;
  readonly scopes: readonly KeyScope[];
  readonly limits: KeyLimits;
  /** Limits of all keys of the account together. */
  readonly accountLimits: RateLimits;
  /** How long what its account asks is kept; absent, and what it does not say: as the installation sets it. */
  readonly accountRetention?: Partial<Retention>;
  /** Models that it may ask; null for all. */
  readonly models: readonly string[] | null;
  /** Origins that it works from; null for keys that stay on servers. */
  readonly origins: readonly string[] | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** To `LAST_USED_MS`; null or absent where it never was. */
  readonly lastUsedAt?: number | null;
}

/** How exactly it is known when a key was used: a write for each key and so long, and not one for each request. */
export const LAST_USED_MS: number = 10 * 60_000;

/** Where keys are looked up by their public id. */
export interface KeyStore {
  /** Finds a record; a store that remembers may give one that is at most `maxAgeMs` old. */
  find(id: string, maxAgeMs?: number): Promise<KeyRecord | undefined>;
}

/** A key's place in the order in which keys are listed. */
export type KeyPlace = readonly [createdAt: number, id: string];

/** The records in D1. */
export class KeyTable implements KeyStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async find(id: string): Promise<KeyRecord | undefined> {
    const row = await this.#db.prepare(`${SELECT} WHERE keys.id = ?`).bind(id).first<Row>();
    return row === null ? undefined : recordOf(row);
  }

  /** Lists the keys of an account, oldest first, revoked ones too. */
  async list(accountId: string, after: KeyPlace | undefined, count: number): Promise<KeyRecord[]> {
    const [createdAt, id] = after ?? [0, ""];
    const { results } = await this.#db
      .prepare(
        `${SELECT} WHERE keys.account_id = ? AND (keys.created_at, keys.id) > (?, ?)
         ORDER BY keys.created_at, keys.id LIMIT ?`,
      )
      .bind(accountId, createdAt, id, count)
      .all<Row>();
    return results.map(recordOf);
  }

  async insert(record: Omit<KeyRecord, "accountLimits" | "accountRetention">): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO keys (id, account_id, name, environment, secret_sha256, scopes, limits, models, origins,
                           created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .bind(
        record.id,
        record.accountId,
        record.name,
        record.environment,
        record.secretSha256,
        ...restrictionValues(record),
        record.createdAt,
        record.expiresAt,
      )
      .run();
  }

  /** Writes what may be changed of a key: its name and restrictions. Never who owns it, its secret or its revocation. */
  async restrict(record: KeyRecord): Promise<void> {
    await this.#db
      .prepare(
        "UPDATE keys SET name = ?, scopes = ?, limits = ?, models = ?, origins = ?, expires_at = ? WHERE id = ?",
      )
      .bind(record.name, ...restrictionValues(record), record.expiresAt, record.id)
      .run();
  }

  /** Puts a new secret in place; the present one works until `overlapEndsAt`, one before that no longer. False for a revoked key. */
  async rotate(id: string, secretSha256: string, overlapEndsAt: number): Promise<boolean> {
    const { meta } = await this.#db
      .prepare(
        `UPDATE keys SET previous_secret_sha256 = secret_sha256, previous_expires_at = ?, secret_sha256 = ?
         WHERE id = ? AND revoked_at IS NULL`,
      )
      .bind(overlapEndsAt, secretSha256, id)
      .run();
    return meta.changes === 1;
  }

  /** Notes that a key was used; of several Workers at once one writes. */
  async touch(id: string, now: number): Promise<void> {
    await this.#db
      .prepare(
        "UPDATE keys SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?1 - ?3)",
      )
      .bind(now, id, LAST_USED_MS)
      .run();
  }

  /** Counts the keys of an account that are not revoked. */
  async countLive(accountId: string): Promise<number> {
    const row = await this.#db
      .prepare("SELECT count(*) AS count FROM keys WHERE account_id = ? AND revoked_at IS NULL")
      .bind(accountId)
      .first<{ count: number }>();
    return row?.count ?? 0;
  }

  /** Revokes for ever; a second time changes nothing. */
  async revoke(id: string, now: number): Promise<void> {
    await this.#db
      .prepare("UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
      .bind(now, id)
      .run();
  }
}

const SELECT =
  "SELECT keys.*, accounts.limits AS account_limits, accounts.retention AS account_retention FROM keys JOIN accounts ON accounts.id = keys.account_id";

interface Row {
  readonly id: string;
  readonly account_id: string;
  readonly name: string;
  readonly environment: KeyEnvironment;
  readonly secret_sha256: string;
  readonly previous_secret_sha256: string | null;
  readonly previous_expires_at: number | null;
  readonly scopes: string;
  readonly limits: string;
  readonly account_limits: string;
  readonly account_retention: string | null;
  readonly models: string | null;
  readonly origins: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly last_used_at: number | null;
}

function restrictionValues(
  record: Pick<KeyRecord, "scopes" | "limits" | "models" | "origins">,
): (string | null)[] {
  const { scopes, limits, models, origins } = record;
  return [
    JSON.stringify(scopes),
    JSON.stringify(keyLimitsBody(limits)),
    models === null ? null : JSON.stringify(models),
    origins === null ? null : JSON.stringify(origins),
  ];
}

/** A scope that this Worker does not know grants nothing here: a newer one may have written it. */
const areScopes = isStrings as Check<readonly KeyScope[]>;

/** Throws StoredJsonError where what stands in D1 is not what was written there. */
function recordOf(row: Row): KeyRecord {
  const { previous_secret_sha256: secretSha256, previous_expires_at: expiresAt } = row;
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    environment: row.environment,
    secretSha256: row.secret_sha256,
    previous: secretSha256 === null || expiresAt === null ? null : { secretSha256, expiresAt },
    scopes: readChecked("scopes of a key", areScopes, row.scopes),
    limits: keyLimitsOf(readChecked("limits of a key", isKeyLimits, row.limits)),
    accountLimits: rateLimitsOf(
      readChecked("limits of an account", isRateLimits, row.account_limits),
    ),
    accountRetention: retentionIn(row.account_retention),
    models: row.models === null ? null : readChecked("models of a key", isStrings, row.models),
    origins: row.origins === null ? null : readChecked("origins of a key", isStrings, row.origins),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}
