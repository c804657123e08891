import { env } from "cloudflare:workers";
import { type NewKeyBody, newKeySchema } from "#wire/keys.ts";
import { ask } from "../function-double.ts";

/** Sends a request as the administrator. */
export async function administer(method: string, path: string, body?: unknown): Promise<Response> {
  return await ask(path, {
    method,
    headers: { authorization: `Bearer ${env.ADMIN_KEY}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Makes a key of the tests' account, with what is given. */
export async function newKey(fields: object = {}): Promise<NewKeyBody> {
  const response = await administer("POST", "/v1/keys", {
    account: "acc_test",
    environment: "test",
    ...fields,
  });
  return newKeySchema.parse(await response.json());
}

/** Asks for something that only needs a key, and returns the status. */
export async function statusWith(key: string, headers: HeadersInit = {}): Promise<number> {
  const response = await ask("/v1/ledger", {
    headers: { authorization: `Bearer ${key}`, ...Object.fromEntries(new Headers(headers)) },
  });
  await response.body?.cancel();
  return response.status;
}
