import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { type AdminClient, createAdminClient, readUsage } from "#client/admin.ts";
import { RefusedError } from "#client/errors.ts";
import { KEY_SCOPES } from "#wire/api/accounts/key.ts";
import { readState, writeWhole } from "./state.ts";

/** What the command line and other programs on this machine read to find the API. */
export interface LocalAccess {
  readonly url: string;
  /** Key of the account `local`. */
  readonly key: string;
  readonly admin_key: string;
}

const ACCOUNT = "local";

/** Ten dollars: thousands of answers of the demo model, and a sum that a person can follow going down. */
const CREDIT_MICROS = 10_000_000;

/** Reads what an earlier start left, so that commands copied then still work. */
export function readLocalAccess(file: string): Partial<LocalAccess> {
  return existsSync(file) ? readState<Partial<LocalAccess>>(file, "it") : {};
}

/** Leaves address and keys where the command line looks for them, readable by their owner only. */
export function writeLocalAccess(file: string, access: LocalAccess): void {
  writeWhole(file, access);
}

/** Draws an administrator's key. */
export function newAdminKey(): string {
  return `uma_${randomBytes(32).toString("hex")}`;
}

/** Opens the account `local` with credit and returns a key for it: the known one while it works, otherwise a new one. */
export async function openLocalAccount(
  url: string,
  adminKey: string,
  knownKey: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const client = createAdminClient({ baseUrl: url, apiKey: adminKey });
  await openAccount(client, signal);
  const grant = { id: "first-start", amount_micros: CREDIT_MICROS };
  await client.grant(ACCOUNT, grant, { signal });
  if (knownKey !== undefined && (await isGood(url, knownKey, signal))) return knownKey;
  const { key } = await client.createKey(
    { account: ACCOUNT, name: "npm start", environment: "test", scopes: KEY_SCOPES },
    { signal },
  );
  return key;
}

async function openAccount(client: AdminClient, signal: AbortSignal): Promise<void> {
  try {
    await client.createAccount({ id: ACCOUNT, name: "This machine" }, { signal });
  } catch (cause) {
    if (!(cause instanceof RefusedError) || cause.problem.code !== "already_exists") throw cause;
  }
}

async function isGood(url: string, key: string, signal: AbortSignal): Promise<boolean> {
  try {
    await Array.fromAsync(readUsage({ baseUrl: url, apiKey: key }, {}, { signal }));
    return true;
  } catch (cause) {
    if (cause instanceof RefusedError && cause.problem.code === "unauthenticated") return false;
    throw cause;
  }
}
