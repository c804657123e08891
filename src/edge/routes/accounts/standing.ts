import { type Forecast, forecast, forecastFrom } from "#domain/forecast.ts";
import { toNumber } from "#domain/micros.ts";
import type { StandingBody } from "#wire/api/accounts/account.ts";
import type { Account } from "../../accounts/account-store.ts";
import { type LedgerBinding, ledgerOf } from "../../ledger/ledger-client.ts";
import { UsageIndex } from "../../usage/usage-index.ts";

/** Beyond it no time is told: dates end. */
const LONGEST_DAYS = 36_500;

const DAY_MS = 24 * 3_600_000;

/** Says where an account's money stands: the balance by its ledger, the rate by the copy of usage, which is seconds behind. */
export async function standingOf(
  bindings: LedgerBinding & { readonly DB: D1Database },
  { id, createdAt }: Account,
  now: number,
): Promise<StandingBody> {
  const [balance, spent] = await Promise.all([
    ledgerOf(bindings, id).balance(),
    new UsageIndex(bindings.DB).spentSince(id, forecastFrom(now)),
  ]);
  return {
    balance: {
      available_micros: toNumber(balance.available),
      held_micros: toNumber(balance.held),
      spent_micros: toNumber(balance.revenue),
    },
    forecast: forecastBody(forecast(balance.available, spent, createdAt, now), now),
  };
}

function forecastBody(
  { daysObserved, spendPerDay, daysLeft }: Forecast,
  now: number,
): StandingBody["forecast"] {
  const isTold = daysLeft !== null && daysLeft <= LONGEST_DAYS;
  return {
    days_observed: Math.round(daysObserved * 10) / 10,
    spend_per_day_micros: toNumber(spendPerDay),
    days_left: daysLeft,
    empty_at: isTold ? new Date(now + daysLeft * DAY_MS).toISOString() : null,
  };
}
