import { expect } from "vitest";
import { type SessionBody, type SignInBody, sessionSchema } from "#wire/api/accounts/sessions.ts";
import { checkedFetch } from "../checked-fetch.ts";

export const SITE = "https://unmask.test";

/** What a page of ours sends besides the cookie. */
export const page: Readonly<Record<string, string>> = {
  "x-unmask-session": "1",
  "sec-fetch-site": "same-origin",
  "content-type": "application/json",
};

let drawn = 0;

/** Signs in from a network of its own, unless `headers` name one. */
export async function postSession(
  body: SignInBody | object,
  headers: Readonly<Record<string, string>> = {},
  site: string = SITE,
): Promise<Response> {
  drawn += 1;
  return await checkedFetch(`${site}/v1/sessions`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { ...page, "cf-connecting-ip": `198.51.100.${drawn % 250}:${drawn}`, ...headers },
  });
}

/** A browser that is signed in. */
export interface Browser {
  readonly session: SessionBody;
  /** As the browser sends it. */
  readonly cookie: string;
  readonly send: (method: string, path: string, body?: object) => Promise<Response>;
}

/** Signs in, as a page of ours does. */
export async function signIn(body: SignInBody): Promise<Browser> {
  const response = await postSession(body);
  expect(response.status).toBe(201);
  const cookie = (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  return {
    session: sessionSchema.parse(await response.json()),
    cookie,
    send: async (method, path, sent) => await withCookie(cookie, method, path, sent),
  };
}

/** Sends a request as a page of ours does that has the cookie; `headers` replace what it sends. */
export async function withCookie(
  cookie: string,
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = page,
): Promise<Response> {
  return await checkedFetch(`${SITE}${path}`, {
    method,
    headers: { ...headers, cookie },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
