import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import type { EdgeEnv } from "../../env.ts";

/**
 * The cookie of a session: out of reach of scripts, sent by no page of another site, and over HTTPS under the prefix that
 * no other host can set. Over plain HTTP, which is this machine's own alone (`maySignIn`), browsers refuse prefix and Secure.
 * Source: RFC 6265bis sections 4.1.2 and 4.1.3.
 */
const NAME = "unmask_session";

/** Reads what the cookie holds; undefined where there is none, or where the request says otherwise who asks. */
export function cookieOf(c: Context<EdgeEnv>): string | undefined {
  if (c.req.header("authorization") !== undefined) return undefined;
  return isSecure(c) ? getCookie(c, NAME, "host") : getCookie(c, NAME);
}

/** Gives the browser a session for so many seconds. */
export function giveCookie(c: Context<EdgeEnv>, token: string, seconds: number): void {
  setCookie(c, NAME, token, { ...optionsOf(c), maxAge: seconds });
}

/** Takes it away again. */
export function takeCookie(c: Context<EdgeEnv>): void {
  deleteCookie(c, NAME, optionsOf(c));
}

/** Whether a cookie would come here without travelling in the clear: over HTTPS, or without leaving this machine. */
export function maySignIn(c: Context<EdgeEnv>): boolean {
  const { hostname } = new URL(c.req.url);
  return isSecure(c) || /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[^.]+\.)*localhost)$/.test(hostname);
}

function isSecure(c: Context<EdgeEnv>): boolean {
  return new URL(c.req.url).protocol === "https:";
}

function optionsOf(c: Context<EdgeEnv>): CookieOptions {
  const options = { path: "/", httpOnly: true, sameSite: "Strict" } as const;
  return isSecure(c) ? { ...options, secure: true, prefix: "host" } : options;
}
