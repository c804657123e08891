import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type SessionBody,
  type SignedOutBody,
  type SignInCodeBody,
  signInCodeRequestSchema,
  signInSchema,
} from "#wire/api/accounts/sessions.ts";
import type { Page } from "#wire/api/page.ts";
import { AccountTable } from "../../accounts/account-store.ts";
import type { EdgeEnv } from "../../env.ts";
import { giveCookie, maySignIn, takeCookie } from "../../guard/callers/session-cookie.ts";
import { signInTools } from "../../guard/callers/session-guard.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { bearerOf } from "../../headers/bearer.ts";
import { networkOf, SignInAttempts } from "../../sessions/attempts.ts";
import { type Opened, type Session, SessionTable } from "../../sessions/session-store.ts";
import { digestOf, endOf, makeCode, openedByKey, roleOf, signIn } from "../../sessions/sign-in.ts";
import { readBody } from "../body.ts";
import { pageReply } from "../list.ts";

/** `POST /v1/sessions`: trades a key, a one-time code or the administrator's key for a session, whose cookie the reply sets. */
export async function createSession(c: Context<EdgeEnv>): Promise<Response> {
  if (!maySignIn(c)) return refused(c, { kind: "https_required" });
  const body = await readBody(c, signInSchema);
  if (!body.ok) return refused(c, body.refusal);
  const attempts = new SignInAttempts(c.env.DB, Date.now);
  const network = networkOf(c.req.header("cf-connecting-ip") ?? null);
  const allowed = await attempts.check(network);
  if (!allowed.ok) return refused(c, allowed.refusal);
  const signedIn = await signIn(body.value, signInTools(c));
  if (!signedIn.ok) {
    if (signedIn.refusal.kind === "unauthenticated") await attempts.failed(network);
    return refused(c, signedIn.refusal);
  }
  const { session, token } = signedIn.value;
  giveCookie(c, token, Math.floor((session.expiresAt - session.createdAt) / 1000));
  return c.json(sessionBody(session, session.id), 201, { "cache-control": "no-store" });
}

/** `GET /v1/session`: the one that asks. */
export function showSession(c: Context<EdgeEnv>): Response {
  const session = c.get("session");
  return c.json(sessionBody(session, session.id), 200, { "cache-control": "no-store" });
}

/** `DELETE /v1/session`: signs out. */
export async function endSession(c: Context<EdgeEnv>): Promise<Response> {
  const { accountId, id } = c.get("session");
  await new SessionTable(c.env.DB).end(accountId, id);
  takeCookie(c);
  return c.body(null, 204);
}

/** `GET /v1/sessions`: those of the account, or the administrator's, newest first; they fit a page. */
export async function listSessions(c: Context<EdgeEnv>): Promise<Response> {
  const { accountId, id } = c.get("session");
  const now = Date.now();
  const sessions = await new SessionTable(c.env.DB).list(accountId);
  const page: Page<SessionBody> = {
    object: "list",
    data: sessions
      .filter((session) => endOf(session) > now)
      .map((session) => sessionBody(session, id)),
    has_more: false,
    next_cursor: null,
  };
  return pageReply(c, page);
}

/** `DELETE /v1/sessions`: signs out everywhere, here too. */
export async function endAllSessions(c: Context<EdgeEnv>): Promise<Response> {
  const count = await new SessionTable(c.env.DB).endAll(c.get("session").accountId);
  takeCookie(c);
  return c.json({ object: "signed_out", count } satisfies SignedOutBody);
}

/** `DELETE /v1/sessions/{id}`: signs one out, wherever it is. */
export async function endOtherSession(c: Context<EdgeEnv>): Promise<Response> {
  const isEnded = await new SessionTable(c.env.DB).end(
    c.get("session").accountId,
    c.req.param("id") ?? "",
  );
  return isEnded ? c.body(null, 204) : refusedMissing(c, "session");
}

/** `POST /v1/sign_in_codes`: makes a code that opens the dashboard once, for a key's own account or as the administrator says. */
export async function createSignInCode(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, signInCodeRequestSchema);
  if (!body.ok) return refused(c, body.refusal);
  const { account, role = "account" } = body.value;
  const opened = await openedFor(c, account, role === "administrator");
  if (!opened.ok) return refused(c, opened.refusal);
  const { code, expiresAt } = await makeCode(opened.value, signInTools(c));
  const reply: SignInCodeBody = {
    object: "sign_in_code",
    code,
    role,
    account: opened.value.accountId,
    expires_at: new Date(expiresAt).toISOString(),
  };
  return c.json(reply, 201, { "cache-control": "no-store" });
}

/** What a code is to open, for who asks. */
async function openedFor(
  c: Context<EdgeEnv>,
  account: string | undefined,
  isAdministration: boolean,
): Promise<Result<Opened, Failure>> {
  const key = c.get("key");
  if (key !== undefined) {
    if (isAdministration) return refusedField("/role", "a key opens its own account only");
    if (account !== undefined && account !== key.accountId)
      return refusedField("/account", "a key opens its own account only");
    const opened = await openedByKey(bearerOf(c), signInTools(c));
    return opened === undefined ? refuse({ kind: "unauthenticated" }) : ok(opened);
  }
  // The administrator, by key or by session: the code is as good as that.
  const openerSha256 = c.get("session")?.openerSha256 ?? (await digestOf(bearerOf(c)));
  if (isAdministration) {
    return account === undefined
      ? ok({ accountId: null, keyId: null, openerSha256 })
      : refusedField("/account", "the administrator's view is no account's");
  }
  if (account === undefined || (await new AccountTable(c.env.DB).find(account)) === undefined)
    return refusedField("/account", "there is no such account");
  return ok({ accountId: account, keyId: null, openerSha256 });
}

function refusedField(pointer: string, message: string): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: [{ pointer, message }] });
}

function sessionBody(session: Session, currentId: string): SessionBody {
  return {
    id: session.id,
    object: "session",
    role: roleOf(session),
    account: session.accountId,
    key: session.keyId,
    scopes: session.scopes,
    current: session.id === currentId,
    created_at: timeOf(session.createdAt),
    last_used_at: timeOf(session.lastUsedAt),
    expires_at: timeOf(session.expiresAt),
    idle_expires_at: timeOf(endOf(session)),
  };
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
