import type { Failure, FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { hashSecret, parseKey } from "#wire/api/accounts/key.ts";
import type { SessionScope, SignInBody } from "#wire/api/accounts/sessions.ts";
import { encodeBase62 } from "#wire/codec/base62.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { newId } from "../id.ts";
import { authenticate } from "../keys/authenticate.ts";
import { type KeyRecord, KeyTable } from "../keys/key-store.ts";
import { isSameSecret } from "../keys/same-secret.ts";
import { keylessScopes, scopesOfKey } from "./session-scopes.ts";
import { CodeTable, type Opened, type Session, SessionTable } from "./session-store.ts";

/** How long a session lives at most, and unused. Threat: a cookie out of a browser's profile; the administrator's opens more. */
const LIFE_MS = { account: 12 * 3_600_000, administrator: 3_600_000 } as const;
const IDLE_MS = { account: 30 * 60_000, administrator: 15 * 60_000 } as const;

/** A person goes from one window to another with it. */
const CODE_LIFE_MS = 10 * 60_000;

/** 256 and 128 random bits. Whoever has them is let in, so nobody must ever guess one. */
const TOKEN = { bytes: 32, digits: 43 } as const;
const CODE = { bytes: 16, digits: 22 } as const;
const CODE_PREFIX = "umc_";

/** What signing in reads besides what it is given. */
export interface SignInTools {
  readonly db: D1Database;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** None: nobody is administrator. */
  readonly adminKeys: readonly string[];
}

export interface SignedIn {
  readonly session: Session;
  /** What the cookie holds; kept nowhere. */
  readonly token: string;
}

/** Trades a key or a code for a session. Refuses with `unauthenticated`, whatever of it is wrong, and scopes that it cannot have. */
export async function signIn(
  body: SignInBody,
  tools: SignInTools,
): Promise<Result<SignedIn, Failure>> {
  const opened = await open(body, tools);
  const key = opened === undefined ? undefined : await keyOf(opened, tools);
  if (opened === undefined || !(await isOpen(opened, key, tools)))
    return refuse({ kind: "unauthenticated", wanted: "session" });
  const possible = possibleScopes(opened, key);
  const scopes = body.scopes ?? possible;
  const problems = scopes.flatMap((scope, index): readonly FieldProblem[] =>
    possible.includes(scope)
      ? []
      : [{ pointer: `/scopes/${index}`, message: "what was sent is not allowed this" }],
  );
  if (problems.length > 0) return refuse({ kind: "invalid_request", problems });
  const now = tools.now();
  const token = random(TOKEN);
  const session: Session = {
    ...opened,
    id: newId("ses"),
    scopes: [...new Set(scopes)],
    createdAt: now,
    lastUsedAt: now,
    expiresAt: now + LIFE_MS[roleOf(opened)],
  };
  await new SessionTable(tools.db).insert(session, await digestOf(token), now);
  return ok({ session, token });
}

/** Makes a code that opens the same. */
export async function makeCode(
  opened: Opened,
  { db, now }: SignInTools,
): Promise<{ readonly code: string; readonly expiresAt: number }> {
  const code = `${CODE_PREFIX}${random(CODE)}`;
  const expiresAt = now() + CODE_LIFE_MS;
  await new CodeTable(db).insert(await digestOf(code), opened, expiresAt, now());
  return { code, expiresAt };
}

/** Finds the session of a cookie while it is good. Refuses with `session_ended`, whatever ended it. */
export async function findSession(
  token: string,
  tools: SignInTools,
): Promise<Result<{ readonly session: Session; readonly key: KeyRecord | undefined }, Failure>> {
  const session = await new SessionTable(tools.db).find(await digestOf(token));
  if (session === undefined || tools.now() >= endOf(session))
    return refuse({ kind: "session_ended" });
  const key = await keyOf(session, tools);
  return (await isOpen(session, key, tools))
    ? ok({ session, key })
    : refuse({ kind: "session_ended" });
}

/** When a session ends if it is not used before. */
export function endOf(session: Session): number {
  return Math.min(session.expiresAt, session.lastUsedAt + IDLE_MS[roleOf(session)]);
}

export function roleOf({ accountId }: Pick<Opened, "accountId">): "account" | "administrator" {
  return accountId === null ? "administrator" : "account";
}

/** What a cookie, a code or the administrator's key is kept or compared as. */
export async function digestOf(text: string): Promise<string> {
  return await sha256Hex(new Uint8Array(new TextEncoder().encode(text)));
}

async function open(body: SignInBody, tools: SignInTools): Promise<Opened | undefined> {
  const { key: text, code, admin_key } = body;
  if (text !== undefined) return await openedByKey(text, tools);
  if (admin_key !== undefined) return await openedByAdministrator(admin_key, tools);
  return code?.startsWith(CODE_PREFIX)
    ? await new CodeTable(tools.db).take(await digestOf(code), tools.now())
    : undefined;
}

/** What a key opens. It is looked up anew, since whoever is let in stays for hours. */
export async function openedByKey(
  text: string,
  { db, now }: SignInTools,
): Promise<Opened | undefined> {
  const key = await authenticate(text, new KeyTable(db), now());
  const parsed = parseKey(text);
  if (!key.ok || !parsed.ok) return undefined;
  const { accountId, id: keyId } = key.value;
  return { accountId, keyId, openerSha256: await hashSecret(parsed.value) };
}

async function openedByAdministrator(
  text: string,
  tools: SignInTools,
): Promise<Opened | undefined> {
  const openerSha256 = await digestOf(text);
  const isKey = await isAdministrators(openerSha256, tools);
  return isKey ? { accountId: null, keyId: null, openerSha256 } : undefined;
}

/** Compares with each key; digests are of one length, so that time does not tell a key's, nor which of them a guess was like. */
async function isAdministrators(digest: string, { adminKeys }: SignInTools): Promise<boolean> {
  const matches = await Promise.all(
    adminKeys.map(async (key) => isSameSecret(digest, await digestOf(key))),
  );
  return matches.includes(true);
}

function possibleScopes(
  { accountId, keyId }: Opened,
  key: KeyRecord | undefined,
): readonly SessionScope[] {
  if (accountId === null) return ["admin"];
  return keyId === null ? keylessScopes : scopesOfKey(key?.scopes ?? []);
}

async function keyOf({ keyId }: Opened, { db }: SignInTools): Promise<KeyRecord | undefined> {
  return keyId === null ? undefined : await new KeyTable(db).find(keyId);
}

/** Whether what opened a session opens it still: the secret of its key, or the administrator's, without which nobody is or was one. */
async function isOpen(
  { keyId, openerSha256 }: Opened,
  key: KeyRecord | undefined,
  tools: SignInTools,
): Promise<boolean> {
  const { now } = tools;
  if (keyId === null) return await isAdministrators(openerSha256, tools);
  if (key === undefined || key.revokedAt !== null) return false;
  if (key.expiresAt !== null && now() >= key.expiresAt) return false;
  const { previous } = key;
  const isPrevious = previous?.secretSha256 === openerSha256 && now() < previous.expiresAt;
  return key.secretSha256 === openerSha256 || isPrevious;
}

function random({ bytes, digits }: { readonly bytes: number; readonly digits: number }): string {
  return encodeBase62(crypto.getRandomValues(new Uint8Array(bytes)), digits);
}
