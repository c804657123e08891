import type { SignInCodeBody, SignInCodeRequest } from "#wire/api/accounts/sessions.ts";
import { type CallOptions, type ClientOptions, readObject, send } from "./send.ts";

export type { SignInCodeBody, SignInCodeRequest };

/**
 * Makes a code that opens the dashboard once, within minutes: of the account of the key in `options`, or, where that is the
 * administrator's, of what is asked for. Rejects with UnmaskError.
 */
export async function makeSignInCode(
  options: ClientOptions,
  asked: SignInCodeRequest = {},
  { signal }: CallOptions = {},
): Promise<SignInCodeBody> {
  const response = await send(options, "/v1/sign_in_codes", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(asked),
    ...(signal === undefined ? {} : { signal }),
  });
  return await readObject(response);
}

/** The address that signs in with a code. The code stands in the fragment, which browsers send nowhere. */
export function dashboardAddress(baseUrl: string, { code }: Pick<SignInCodeBody, "code">): string {
  return `${baseUrl.replace(/\/$/, "")}/account#code=${code}`;
}
