import type { Context, MiddlewareHandler } from "hono";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { AccountTable } from "../../accounts/account-store.ts";
import type { EdgeEnv } from "../../env.ts";
import type { KeyRecord } from "../../keys/key-store.ts";
import { keyScopesOf } from "../../sessions/session-scopes.ts";
import { type Session, SessionTable } from "../../sessions/session-store.ts";
import { findSession, type SignInTools } from "../../sessions/sign-in.ts";
import { settingsOf } from "../../settings.ts";
import { refused } from "../errors.ts";
import { cookieOf, takeCookie } from "./session-cookie.ts";
import { scopesFor } from "./session-routes.ts";

/** What pages send beside the cookie with whatever changes something: no form can, and no page of another origin without a preflight. */
export const SESSION_HEADER = "x-unmask-session";

/** How old the word of a session's last use may be: a write a minute, and not one for each request of a page. */
const TOUCH_MS = 60_000;

/**
 * Lets a session pass where its cookie is for this route and nothing else says who asks; everything else goes through
 * `otherwise`. A session stands in place of its key, with what of it the session was opened for.
 */
export function sessionOr(otherwise: MiddlewareHandler<EdgeEnv>): MiddlewareHandler<EdgeEnv> {
  return async function sessionOr(c, next) {
    const token = cookieOf(c);
    const scopes = token === undefined ? undefined : scopesFor(c.req.method, c.req.path);
    if (token === undefined || scopes === undefined) return await otherwise(c, next);
    const origin = mustBeOurPage(c);
    if (!origin.ok) return refused(c, origin.refusal);
    const found = await findSession(token, signInTools(c));
    if (!found.ok) {
      takeCookie(c);
      return refused(c, found.refusal);
    }
    const { session, key } = found.value;
    if (scopes.length > 0 && !scopes.some((scope) => session.scopes.includes(scope)))
      return refused(c, { kind: "scope_missing", scope: scopes.join(" or "), holder: "session" });
    const now = Date.now();
    if (Math.abs(now - session.lastUsedAt) >= TOUCH_MS)
      c.executionCtx.waitUntil(new SessionTable(c.env.DB).touch(session.id, now));
    c.set("session", session);
    // Without a key the routes take a session for the administrator's: one of an account that is gone must be none.
    const standIn = await standInOf(c, session, key);
    if (standIn !== undefined) c.set("key", standIn);
    else if (session.accountId !== null) return refused(c, { kind: "session_ended" });
    return await next();
  };
}

/** Lets sessions alone pass, and who is to be given one: a page of this very address, or a program that says so. */
export function sessionOrSignIn(): MiddlewareHandler<EdgeEnv> {
  return sessionOr(async function signIn(c, next) {
    if (c.req.method !== "POST") return refused(c, { kind: "unauthenticated", wanted: "session" });
    const origin = mustBeOurPage(c);
    return origin.ok ? await next() : refused(c, origin.refusal);
  });
}

export function signInTools(c: Context<EdgeEnv>): SignInTools {
  return { db: c.env.DB, now: Date.now, adminKeys: settingsOf(c.env).adminKeys };
}

/**
 * Threat: another page has the browser send our cookie. SameSite=Strict keeps it from pages of other sites; this keeps out
 * what is of the same site and another origin, and browsers without SameSite. Source: OWASP, "Cross-Site Request Forgery
 * Prevention"; W3C Fetch Metadata.
 */
function mustBeOurPage(c: Context<EdgeEnv>): Result<void, Failure> {
  const [site, origin] = [c.req.header("sec-fetch-site"), c.req.header("origin")];
  const isSafe = ["GET", "HEAD"].includes(c.req.method);
  // `none`: a person opened a download by hand.
  const isOurs = site === undefined || site === "same-origin" || (isSafe && site === "none");
  const isFromHere = origin === undefined || origin === new URL(c.req.url).origin;
  const isSaid = isSafe || site !== undefined || origin !== undefined;
  if (!isOurs || !isFromHere || !isSaid) return refuse({ kind: "session_forged", lacks: "origin" });
  return isSafe || c.req.header(SESSION_HEADER) !== undefined
    ? ok(undefined)
    : refuse({ kind: "session_forged", lacks: "header" });
}

/** The key as which the routes know a session; undefined for the administrator's, and where its account is gone. */
async function standInOf(
  c: Context<EdgeEnv>,
  { id, accountId, scopes, createdAt }: Session,
  key: KeyRecord | undefined,
): Promise<KeyRecord | undefined> {
  const allowed = keyScopesOf(scopes);
  if (key !== undefined)
    return { ...key, scopes: key.scopes.filter((scope) => allowed.includes(scope)) };
  const account = accountId === null ? undefined : await new AccountTable(c.env.DB).find(accountId);
  if (account === undefined) return undefined;
  return {
    id,
    accountId: account.id,
    name: "session",
    environment: "live",
    // Opens nothing: no digest is empty.
    secretSha256: "",
    previous: null,
    scopes: allowed,
    limits: { ...account.limits, spendPerDayMicros: null, spendPerMonthMicros: null },
    accountLimits: account.limits,
    accountRetention: account.retention,
    models: null,
    origins: null,
    createdAt,
    // The keys that it makes outlive it, as those of a person do.
    expiresAt: null,
    revokedAt: null,
  };
}
