import type { JSX } from "hono/jsx/jsx-runtime";
import type { LedgerEntryBody } from "#wire/api/accounts/usage.ts";
import { exactMoney, timeText } from "../data/amounts.ts";
import { Id, Table } from "../frame/section.tsx";

/** What an entry of each kind is, and which way it moves what can be spent. */
export const entryKinds: Readonly<
  Record<string, { readonly name: string; readonly sign: -1 | 0 | 1 }>
> = {
  grant: { name: "Credit", sign: 1 },
  hold: { name: "Held", sign: -1 },
  // Out of what was held: it could not be spent before either.
  capture: { name: "Charged", sign: 0 },
  release: { name: "Released", sign: 1 },
  refund: { name: "Refunded", sign: 1 },
  withdraw: { name: "Taken back", sign: -1 },
};

export interface EntriesProps {
  readonly entries: readonly LedgerEntryBody[];
  readonly nameOf: (key: string | null) => string;
  readonly now: number;
}

/** Entries of a ledger, as they came. */
export function Entries({ entries, nameOf, now }: EntriesProps): JSX.Element {
  return (
    <Table
      label="Ledger"
      head={[
        "Time",
        "What",
        { name: "Amount", kind: "number" },
        { name: "Left after", kind: "number" },
        "For",
      ]}
    >
      {entries.map((entry) => {
        const { name, sign } = entryKinds[entry.kind] ?? { name: entry.kind, sign: 0 as const };
        return (
          <tr key={entry.seq}>
            <td class="nowrap">
              <time datetime={entry.created_at}>{timeText(entry.created_at, now)}</time>
            </td>
            <td>{name}</td>
            <td class={`number ${sign > 0 ? "good" : ""}`}>
              {sign > 0 ? "+" : sign < 0 ? "−" : ""}
              {exactMoney(entry.amount_micros)}
            </td>
            <td class="number">{exactMoney(entry.available_micros)}</td>
            <td>
              <Subject {...{ entry, nameOf }} />
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function Subject({
  entry,
  nameOf,
}: {
  readonly entry: LedgerEntryBody;
  readonly nameOf: (key: string | null) => string;
}): JSX.Element {
  const { answer, key, reference, note } = entry;
  return (
    <span class="subject">
      {answer !== null && <Id id={answer} />}
      {answer === null && reference !== null && <Id id={reference} />}
      {key !== null && <span class="fine">{nameOf(key)}</span>}
      {note !== null && <span class="fine">{note}</span>}
    </span>
  );
}
