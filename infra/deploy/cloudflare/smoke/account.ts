import { createAdminClient } from "#client/admin.ts";
import { RefusedError } from "#client/errors.ts";

const ACCOUNT = "smoke";

/** A cent a day: what a few answers cost, whoever forgets the account. */
const CREDIT_MICROS = 10_000;

/** Lends a key of an account for trying an edge out; revoked in the end. */
export async function withSmokeKey<Value>(
  baseUrl: string,
  adminKey: string,
  use: (key: string) => Promise<Value>,
): Promise<Value> {
  const admin = createAdminClient({ baseUrl, apiKey: adminKey });
  try {
    await admin.createAccount({ id: ACCOUNT, name: "Tries deployments out" });
  } catch (cause) {
    if (!(cause instanceof RefusedError) || cause.code !== "already_exists") throw cause;
  }
  const today = new Date().toISOString().slice(0, 10);
  await admin.grant(ACCOUNT, { id: `smoke-${today}`, amount_micros: CREDIT_MICROS });
  const { id, key } = await admin.createKey({
    account: ACCOUNT,
    name: "npm run deploy",
    environment: "test",
    scopes: ["ask", "webhooks"],
  });
  try {
    return await use(key);
  } finally {
    await admin.revokeKey(id);
  }
}
