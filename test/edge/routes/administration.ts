import { env } from "cloudflare:workers";
import { micros } from "#domain/micros.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { type NewKeyBody, newKeySchema } from "#wire/api/accounts/keys.ts";
import { holdRequest } from "../../support/ledger-builders.ts";
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

/** Opens an account with a key, whose objects no other test calls; `fields` are the key's. It has a dollar where `credit` says nothing else. */
export async function openAccount(
  fields: object = {},
  credit = 1_000_000,
): Promise<{ readonly id: string; readonly key: string }> {
  const opened = await administer("POST", "/v1/accounts", { name: "Somebody" });
  const { id }: { id: string } = await opened.json();
  if (credit > 0) await administer("POST", `/v1/accounts/${id}/grants`, { amount_micros: credit });
  return { id, key: (await newKey({ account: id, ...fields })).key };
}

/** Opens an account with a key and a thousand micro-dollars, of which an answer was charged so many. */
export async function accountWithCharge(
  answer: string,
  charge: number,
): Promise<{ readonly account: string; readonly key: string }> {
  const { id, key } = await openAccount({}, 1_000);
  const amount = micros(charge);
  const ledger = ledgerOf(env, id);
  await ledger.hold(holdRequest(answer, { accountId: id, amount }));
  await ledger.capture({ holdId: answer, charge: amount, steps: 4, reply: null });
  return { account: id, key };
}

/** Asks for something that only needs a key, and returns the status. */
export async function statusWith(key: string, headers: HeadersInit = {}): Promise<number> {
  const response = await ask("/v1/usage", {
    headers: { authorization: `Bearer ${key}`, ...Object.fromEntries(new Headers(headers)) },
  });
  await response.body?.cancel();
  return response.status;
}
