import type { PlaygroundPass } from "#client/playground-pass.ts";

/** Reads the pass in an address's fragment: a token says itself when it ends. Null where there is none. */
export function passOf(fragment: string): PlaygroundPass | null {
  const token = new URLSearchParams(fragment.replace(/^#/, "")).get("pass");
  const expiresAt = token === null ? null : endOf(token);
  return token === null || expiresAt === null ? null : { token, expiresAt };
}

/** When a token ends; it is not checked here, since only the service can. Source: RFC 7519 sections 3 and 4.1.4. */
function endOf(token: string): number | null {
  const payload = token.split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/");
  if (payload === undefined) return null;
  try {
    const { exp } = JSON.parse(atob(payload)) as { readonly exp?: unknown };
    return typeof exp === "number" ? exp * 1000 : null;
  } catch {
    return null;
  }
}
