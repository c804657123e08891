import type { ClientTokenBody, ClientTokenRequest } from "#wire/api/accounts/client-token.ts";
import { type ClientOptions, readObject, send } from "./send.ts";

/** What the playground asks with: a client token, never an account's key. */
export interface PlaygroundPass {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** As long as a token may live. */
const TTL_SECONDS = 3600;

/** Half a dollar: more than a person spends in an hour of trying, and what a lost pass can cost at most. */
const SPEND_CAP_MICROS = 500_000;

/** Under which its questions stand in the seller's ledger; two tabs see the same answers by it. */
const SUBJECT = "playground";

const request: ClientTokenRequest = {
  ttl_seconds: TTL_SECONDS,
  spend_cap_micros: SPEND_CAP_MICROS,
  subject: SUBJECT,
  scopes: ["ask"],
  share_cache: false,
};

/** Trades the key of `options` for a pass of an hour. The key is in this one request. Rejects with UnmaskError. */
export async function tradeForPass(options: ClientOptions): Promise<PlaygroundPass> {
  const response = await send(options, "/v1/client_tokens", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const { token, expires_at } = await readObject<ClientTokenBody>(response);
  return { token, expiresAt: Date.parse(expires_at) };
}

/** The address that opens the playground with a pass. It stands in the fragment, which browsers send nowhere: no log and no server sees it. */
export function playgroundAddress(baseUrl: string, { token }: PlaygroundPass): string {
  return `${baseUrl.replace(/\/$/, "")}/#pass=${token}`;
}
