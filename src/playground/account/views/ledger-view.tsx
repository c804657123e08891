import { useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { LedgerEntryBody } from "#wire/api/accounts/usage.ts";
import { withQuery } from "../data/api.ts";
import { ledgerFileQuery } from "../data/dashboard.ts";
import { ListView } from "../frame/list-view.tsx";
import { Choice, SectionHead, type SectionProps } from "../frame/section.tsx";
import { Entries, entryKinds } from "./entries.tsx";
import { useKeyNames } from "./key-names.ts";

/** Every movement of money, as its single writer keeps it. */
export function LedgerView({ dashboard }: SectionProps): JSX.Element {
  const nameOf = useKeyNames(dashboard);
  const filters = useSyncExternalStore(dashboard.filters.subscribe, dashboard.filters.get);
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Ledger"
        lead="Every movement of money, newest first. Quote is hold is charge, to the micro-dollar."
        topics={["ledger"]}
      >
        <a
          class="button"
          href={withQuery("/v1/ledger", ledgerFileQuery(filters))}
          download="ledger.csv"
        >
          Download CSV
        </a>
      </SectionHead>
      <section class="card" aria-label="Entries">
        <div class="filters">
          <Day label="From" value={filters.from} onChange={(from) => dashboard.narrow({ from })} />
          <Day label="To" value={filters.to} onChange={(to) => dashboard.narrow({ to })} />
          <Choice
            label="Kind"
            value={filters.entryKind}
            options={[
              [null, "all"],
              ...Object.entries(entryKinds).map(([kind, { name }]) => [kind, name] as const),
            ]}
            onChange={(entryKind) => dashboard.narrow({ entryKind })}
          />
        </div>
        <ListView
          list={dashboard.ledger}
          of="ledger entries"
          empty={<p>No entries. The first is the credit that the account is given.</p>}
        >
          {(entries: readonly LedgerEntryBody[]) => (
            <Entries {...{ entries, nameOf }} now={dashboard.now()} />
          )}
        </ListView>
      </section>
    </>
  );
}

function Day({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: string | null;
  readonly onChange: (day: string | null) => void;
}): JSX.Element {
  return (
    <label class="choice">
      <span class="fine">{label}</span>
      <input
        type="date"
        value={value ?? ""}
        onChange={(event: Event) => {
          const { value: day } = event.currentTarget as HTMLInputElement;
          onChange(day === "" ? null : day);
        }}
      />
    </label>
  );
}
