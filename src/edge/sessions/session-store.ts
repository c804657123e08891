import type { SessionScope } from "#wire/api/accounts/sessions.ts";
import { type Check, isStrings, readChecked } from "../storage/stored-json.ts";

/** Who signed in. Times are milliseconds since 1970. */
export interface Session extends Opened {
  readonly id: string;
  readonly scopes: readonly SessionScope[];
  readonly createdAt: number;
  /** To the minute. */
  readonly lastUsedAt: number;
  readonly expiresAt: number;
}

/** What was opened, and with what. */
export interface Opened {
  /** Null: the administration. */
  readonly accountId: string | null;
  /** Null: the administrator opened it. */
  readonly keyId: string | null;
  /** SHA-256 of the secret that opened it, directly or by a code: the key's or the administrator's. */
  readonly openerSha256: string;
}

/** A page holds all sessions that one person has, and more. */
const MAX_LISTED = 100;

/** Expired rows that go with each new one: more than come, so that they never pile up. */
const ROWS_SWEPT = 10;

/** The sessions in D1, which is asked with each request: a session that was signed out is refused at once, everywhere. */
export class SessionTable {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Finds the session of a cookie by the SHA-256 of its value. */
  async find(tokenSha256: string): Promise<Session | undefined> {
    const row = await this.#db
      .prepare("SELECT * FROM sessions WHERE token_sha256 = ?")
      .bind(tokenSha256)
      .first<Row>();
    return row === null ? undefined : sessionOf(row);
  }

  /** Keeps a new session, and forgets some that are over at `now`. */
  async insert(session: Session, tokenSha256: string, now: number): Promise<void> {
    await this.#db.batch([
      this.#db
        .prepare(
          "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)",
        )
        .bind(now, ROWS_SWEPT),
      this.#db
        .prepare(
          `INSERT INTO sessions (id, token_sha256, account_id, key_id, opener_sha256, scopes, created_at, last_used_at,
                                 expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .bind(
          ...[session.id, tokenSha256, session.accountId, session.keyId, session.openerSha256],
          ...[JSON.stringify(session.scopes), session.createdAt, session.lastUsedAt],
          session.expiresAt,
        ),
    ]);
  }

  async touch(id: string, now: number): Promise<void> {
    await this.#db.prepare("UPDATE sessions SET last_used_at = ? WHERE id = ?").bind(now, id).run();
  }

  /** Lists the sessions of an account, or the administrator's (null), newest first. */
  async list(accountId: string | null): Promise<Session[]> {
    const { results } = await this.#db
      .prepare("SELECT * FROM sessions WHERE account_id IS ? ORDER BY created_at DESC, id LIMIT ?")
      .bind(accountId, MAX_LISTED)
      .all<Row>();
    return results.map(sessionOf);
  }

  /** Ends one session of an account, or of the administrator's; says whether there was one. */
  async end(accountId: string | null, id: string): Promise<boolean> {
    const { meta } = await this.#db
      .prepare("DELETE FROM sessions WHERE id = ? AND account_id IS ?")
      .bind(id, accountId)
      .run();
    return meta.changes > 0;
  }

  /** Ends all of them; returns how many there were. */
  async endAll(accountId: string | null): Promise<number> {
    const { results } = await this.#db
      .prepare("DELETE FROM sessions WHERE account_id IS ? RETURNING id")
      .bind(accountId)
      .all();
    return results.length;
  }
}

/** One-time codes in D1. */
export class CodeTable {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Keeps a code by its SHA-256, and forgets some that are over at `now`. */
  async insert(
    codeSha256: string,
    { accountId, keyId, openerSha256 }: Opened,
    expiresAt: number,
    now: number,
  ): Promise<void> {
    await this.#db.batch([
      this.#db
        .prepare(
          `DELETE FROM sign_in_codes WHERE code_sha256 IN
             (SELECT code_sha256 FROM sign_in_codes WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`,
        )
        .bind(now, ROWS_SWEPT),
      this.#db
        .prepare(
          "INSERT INTO sign_in_codes (code_sha256, account_id, key_id, opener_sha256, expires_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(codeSha256, accountId, keyId, openerSha256, expiresAt),
    ]);
  }

  /** Takes a code out, so that of two who have it one is let in. Undefined for one that is unknown, used or too old. */
  async take(codeSha256: string, now: number): Promise<Opened | undefined> {
    const row = await this.#db
      .prepare("DELETE FROM sign_in_codes WHERE code_sha256 = ? RETURNING *")
      .bind(codeSha256)
      .first<OpenedRow & { readonly expires_at: number }>();
    return row === null || row.expires_at <= now ? undefined : openedOf(row);
  }
}

interface OpenedRow {
  readonly account_id: string | null;
  readonly key_id: string | null;
  readonly opener_sha256: string;
}

interface Row extends OpenedRow {
  readonly id: string;
  readonly scopes: string;
  readonly created_at: number;
  readonly last_used_at: number;
  readonly expires_at: number;
}

/** A scope that this Worker does not know grants nothing here: a newer one may have written it. */
const areScopes = isStrings as Check<readonly SessionScope[]>;

function openedOf(row: OpenedRow): Opened {
  return { accountId: row.account_id, keyId: row.key_id, openerSha256: row.opener_sha256 };
}

function sessionOf(row: Row): Session {
  return {
    ...openedOf(row),
    id: row.id,
    scopes: readChecked("scopes of a session", areScopes, row.scopes),
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
