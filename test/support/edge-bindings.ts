import { randomBytes } from "node:crypto";
import { formatKey, generateKey, hashSecret } from "#wire/key.ts";
import { generateTicketKeys } from "#wire/ticket.ts";

/** What the Worker under test is bound to, and what only its tests may see (`TEST_*`). */
export interface TestBindings extends Record<string, string> {
  readonly TICKET_KEY: string;
  readonly API_KEY: string;
  readonly FUNCTION_SILENCE_SECONDS: string;
  /** The key whose record is `API_KEY`, as its owner holds it. */
  readonly TEST_API_KEY: string;
  /** The public half of `TICKET_KEY`. */
  readonly TEST_TICKET_KEYS: string;
}

/** Draws fresh keys for a test run, so that none is ever written down. */
export async function makeTestBindings(): Promise<TestBindings> {
  const ticketKeys = await generateTicketKeys("test");
  const key = generateKey("test", randomBytes);
  const record = { id: key.id, secret_sha256: await hashSecret(key), account: "acc_test" };
  return {
    TICKET_KEY: JSON.stringify(ticketKeys.signing),
    API_KEY: JSON.stringify(record),
    FUNCTION_SILENCE_SECONDS: "0.5",
    TEST_API_KEY: formatKey(key),
    TEST_TICKET_KEYS: JSON.stringify([ticketKeys.verification]),
  };
}
