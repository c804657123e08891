import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { ShownAccountBody } from "#wire/api/accounts/administration.ts";
import type { LedgerEntryBody } from "#wire/api/accounts/usage.ts";
import { exactMoney, roundMoney } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { createList } from "../data/list.ts";
import { createResource } from "../data/resource.ts";
import { ListView, ResourceView } from "../frame/list-view.tsx";
import { Entries } from "../views/entries.tsx";
import { Keys } from "../views/keys-view.tsx";
import { MoneyForm } from "./money-form.tsx";

export interface AccountDetailProps {
  readonly dashboard: Dashboard;
  readonly id: string;
  readonly onBack: () => void;
}

/** One account as its administrator sees it: money, grants, refunds, keys, ledger. */
export function AccountDetail({ dashboard, id, onBack }: AccountDetailProps): JSX.Element {
  const { api, reporter } = dashboard;
  const [account] = useState(() => createResource(() => api.admin.account(id), reporter));
  const [ledger] = useState(() => createList((after) => api.admin.ledger(id, after), reporter));
  const [keys] = useState(() => createList((after) => api.keys({ account: id }, after), reporter));
  const [moving, move] = useState<"grant" | "refund" | null>(null);
  return (
    <>
      <button type="button" class="quiet back" onClick={onBack}>
        ← All accounts
      </button>
      <section class="card" aria-label="Account">
        <ResourceView resource={account} of="the account">
          {(shown: ShownAccountBody) => <Money {...{ shown, move }} />}
        </ResourceView>
      </section>
      <Keys {...{ dashboard }} list={keys} account={id}>
        {(make) => (
          <div class="section-head">
            <h2>Keys</h2>
            <button type="button" onClick={make}>
              Make a key
            </button>
          </div>
        )}
      </Keys>
      <section class="card" aria-labelledby="entries-title">
        <h2 id="entries-title">Ledger</h2>
        <ListView list={ledger} of="ledger entries" empty={<p>No entries: grant it credit.</p>}>
          {(entries: readonly LedgerEntryBody[]) => (
            <Entries
              {...{ entries }}
              nameOf={(key) => key?.slice(0, 8) ?? ""}
              now={dashboard.now()}
            />
          )}
        </ListView>
      </section>
      {moving !== null && (
        <MoneyForm
          {...{ dashboard, id }}
          kind={moving}
          onClose={() => move(null)}
          onMoved={() => {
            move(null);
            void account.load();
            void ledger.load();
          }}
        />
      )}
    </>
  );
}

function Money({
  shown,
  move,
}: {
  readonly shown: ShownAccountBody;
  readonly move: (kind: "grant" | "refund") => void;
}): JSX.Element {
  const { name, id, balance, forecast, limits } = shown;
  const { owed_micros: owed } = balance;
  const figures: readonly (readonly [name: string, value: string])[] = [
    ["Held", exactMoney(balance.held_micros)],
    ["Spent so far", exactMoney(balance.spent_micros)],
    ["A day, lately", exactMoney(forecast.spend_per_day_micros)],
    ["Days until zero", daysText(forecast.days_left)],
    ["Requests a minute", limits.requests_per_minute.toLocaleString("en")],
    ["Answers at once", String(limits.concurrent)],
    ...(owed > 0 ? ([["Owed", exactMoney(owed)]] as const) : []),
  ];
  return (
    <>
      <div class="section-head">
        <div>
          <h1>{name}</h1>
          <code class="fine">{id}</code>
        </div>
        <div class="row">
          <button type="button" class="main" onClick={() => move("grant")}>
            Grant credit
          </button>
          <button type="button" onClick={() => move("refund")}>
            Refund an answer
          </button>
        </div>
      </div>
      <p class="fine">Left to spend</p>
      <p class="sum">{roundMoney(balance.available_micros)}</p>
      <dl class="figures">
        {figures.map(([title, value]) => (
          <div>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** A forecast of more than a year says no more than that. */
function daysText(days: number | null): string {
  if (days === null) return "–";
  return days > 365 ? "more than 365" : String(Math.floor(days));
}
