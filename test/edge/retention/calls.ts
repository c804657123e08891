import { ask } from "../function-double.ts";

/** Sends a request with a key. */
export async function askedAs(
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return await ask(path, {
    method,
    headers: { ...headers, authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
