import { useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { OwnAccountBody } from "#wire/api/accounts/account.ts";
import { Fact } from "../../parts/fact.tsx";
import { SpendChart } from "../chart/spend-chart.tsx";
import { counted, exactMoney, roundMoney } from "../data/amounts.ts";
import { daysUntil, spendOf } from "../data/spend.ts";
import { ResourceView, useResource } from "../frame/list-view.tsx";
import { SectionHead, type SectionProps } from "../frame/section.tsx";
import { useKeyNames } from "./key-names.ts";
import { TopUp } from "./top-up.tsx";

/** Money left, what is spent, and until when it lasts. */
export function OverviewView({ dashboard }: SectionProps): JSX.Element {
  const { value } = useResource(dashboard.account);
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title={value?.name ?? "Overview"}
        lead="What is left, what is spent, and until when it lasts."
        topics={["account", "usage"]}
      />
      <section class="card" aria-label="Balance">
        <ResourceView resource={dashboard.account} of="the balance">
          {(account: OwnAccountBody) => (
            <>
              <Balance account={account} />
              <TopUp {...{ dashboard, account }} />
            </>
          )}
        </ResourceView>
      </section>
      <SpendCard dashboard={dashboard} />
    </>
  );
}

function Balance({ account }: { readonly account: OwnAccountBody }): JSX.Element {
  const { balance, forecast, credit_low_micros: line } = account;
  const { owed_micros: owed } = balance;
  return (
    <>
      <div class="balance">
        <div>
          <p class="fine">Left to spend</p>
          <p class="sum">{roundMoney(balance.available_micros)}</p>
        </div>
        <p class="until">{untilText(account)}</p>
      </div>
      <dl class="figures">
        <Fact name="Held for answers under way">{exactMoney(balance.held_micros)}</Fact>
        <Fact name="Spent so far">{exactMoney(balance.spent_micros)}</Fact>
        <Fact name="A day, lately">{exactMoney(forecast.spend_per_day_micros)}</Fact>
        <Fact name="Webhooks are told below">
          {line === null ? "no line drawn" : exactMoney(line)}
        </Fact>
        {owed > 0 && (
          <Fact name="Owed">
            {exactMoney(owed)}
            <span class="fine"> a payment was taken back; new credit settles it first</span>
          </Fact>
        )}
      </dl>
    </>
  );
}

/** Until when the money lasts, in a sentence. */
function untilText({ balance, forecast }: OwnAccountBody): JSX.Element {
  const { days_left: days, empty_at: at, days_observed: observed } = forecast;
  if (balance.available_micros <= 0)
    return <strong class="bad">Nothing is left: questions are refused until credit comes.</strong>;
  if (days === null) return <>Nothing is being spent: it lasts until there are questions.</>;
  if (days > FAR_DAYS) return <>More than a year until zero at this pace.</>;
  const whole = Math.floor(days);
  return (
    <>
      <strong class={whole < SOON_DAYS ? "bad" : ""}>
        {whole === 0 ? "Less than a day" : counted(whole, "day")} until zero
      </strong>
      {at === null ? "S" : `About ${dateText(at)}, s`}pending as in the last{" "}
      {observed < 2 ? "day" : counted(Math.round(observed), "day")}.
    </>
  );
}

/** Beyond it a forecast of days says nothing: nobody asks the same for a year. */
const FAR_DAYS = 365;

/** Fewer days than that, and somebody should act this week. */
const SOON_DAYS = 7;

const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

function dateText(at: string): string {
  return date.format(new Date(at));
}

const ranges = [7, 30, 90] as const;

function SpendCard({ dashboard }: SectionProps): JSX.Element {
  const { days: count } = useSyncExternalStore(dashboard.filters.subscribe, dashboard.filters.get);
  const nameOf = useKeyNames(dashboard);
  return (
    <section class="card" aria-labelledby="spend-title">
      <div class="row between">
        <h2 id="spend-title">Spend by day and key</h2>
        <fieldset class="switch">
          <legend class="unseen">Days shown</legend>
          {ranges.map((days) => (
            <label class={days === count ? "on" : ""}>
              <input
                type="radio"
                name="days"
                checked={days === count}
                onChange={() => dashboard.narrow({ days })}
              />
              {days} days
            </label>
          ))}
        </fieldset>
      </div>
      <ResourceView resource={dashboard.usage} of="spend">
        {(rows) => {
          const spend = spendOf(rows, daysUntil(dashboard.now(), count));
          return spend.total === 0 ? (
            <p class="empty">
              Nothing was spent in these days. <a href="/">Ask a picture</a>, or let a program{" "}
              <a href="/docs/quickstarts/ask">ask one</a>: each answer appears here within seconds.
            </p>
          ) : (
            <SpendChart {...{ spend, nameOf }} />
          );
        }}
      </ResourceView>
    </section>
  );
}
