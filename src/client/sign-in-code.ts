import type { SignInCodeBody } from "#wire/api/accounts/sessions.ts";
import { type ClientOptions, readObject, send } from "./send.ts";

/** Makes the address that opens the dashboard once, within minutes, for the account of the key in `options`. The code stands in the fragment, which browsers send nowhere. Rejects with UnmaskError. */
export async function dashboardAddress(
  options: ClientOptions,
  signal?: AbortSignal,
): Promise<string> {
  const response = await send(options, "/v1/sign_in_codes", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
    ...(signal === undefined ? {} : { signal }),
  });
  const { code } = await readObject<SignInCodeBody>(response);
  return `${options.baseUrl.replace(/\/$/, "")}/account#code=${code}`;
}
