import { randomBytes } from "node:crypto";
import { readD1Migrations } from "@cloudflare/vitest-plugin";
import { formatKey, generateKey } from "#wire/api/accounts/key.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { isFull } from "./full.ts";

/** What the Worker under test is bound to, and what only its tests may see (`TEST_*`). */
export interface TestBindings extends Record<string, string> {
  readonly TICKET_KEY: string;
  readonly ADMIN_KEY: string;
  /** The demo model, known whole: most tests have no function that tells it. */
  readonly MODEL: string;
  readonly MODEL_CARDS: string;
  readonly FUNCTION_SILENCE_SECONDS: string;
  readonly TOP_UP: string;
  /** A key of the account `acc_test` with every scope, as its owner holds it. */
  readonly TEST_API_KEY: string;
  /** The public half of `TICKET_KEY`. */
  readonly TEST_TICKET_KEYS: string;
  /** "1" in `npm run test:full`: the Worker's tests see no environment. */
  readonly TEST_FULL: string;
  /** What `applyD1Migrations` takes, as JSON. */
  readonly TEST_MIGRATIONS: string;
}

/** All that a card says of the demo model, at prices of the tests' own. */
const demoCard = {
  image: {
    ...{ aspect: "pad", grid_pinpoints: [[96, 96]], max_tiles: 1 },
    ...{ view_pixels: 96, patch_pixels: 16 },
  },
  abilities: {
    canvas: { default: 32, recommended: 32, limit: 512 },
    ...{ system_messages: false, several_pictures: false, several_turns: true },
  },
  read: { style: "lines" },
  price_picos: { view: 2_000_000, linear: 20_000, attention: 10 },
  downloadable: true,
};

/** Draws fresh keys for a test run, so that none is ever written down. */
export async function makeTestBindings(): Promise<TestBindings> {
  const ticketKeys = await generateTicketKeys("test");
  const key = generateKey("test", randomBytes);
  return {
    TICKET_KEY: JSON.stringify(ticketKeys.signing),
    ADMIN_KEY: randomBytes(32).toString("hex"),
    MODEL: "unmask-demo",
    MODEL_CARDS: JSON.stringify({ "unmask-demo": demoCard }),
    FUNCTION_SILENCE_SECONDS: "1",
    TOP_UP: JSON.stringify({
      provider: "stripe",
      url: "https://checkout.test/pay",
      secret: `whsec_${randomBytes(16).toString("hex")}`,
    }),
    TEST_API_KEY: formatKey(key),
    TEST_TICKET_KEYS: JSON.stringify([ticketKeys.verification]),
    TEST_FULL: isFull ? "1" : "",
    TEST_MIGRATIONS: JSON.stringify(await readD1Migrations("infra/edge/migrations")),
  };
}
