import { useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { errorCodes } from "#wire/error-codes.ts";
import { counted, dayText } from "../data/amounts.ts";
import { countedByCode, type RefusedCode } from "../data/refused.ts";
import { ResourceView } from "../frame/list-view.tsx";
import { Choice, SectionHead, type SectionProps } from "../frame/section.tsx";

/** What was refused, by code: each leads to the page that says what to do. */
export function RefusalsView({ dashboard }: SectionProps): JSX.Element {
  const { days } = useSyncExternalStore(dashboard.filters.subscribe, dashboard.filters.get);
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Refusals"
        lead="What was refused, and cost nothing. A code's page says what to do about it."
        topics={["refusals"]}
      />
      <section class="card" aria-label="Refusals by code">
        <div class="filters">
          <Choice
            label="Of"
            value={String(days)}
            options={[
              ["7", "the last 7 days"],
              ["30", "the last 30 days"],
              ["90", "the last 90 days"],
            ]}
            onChange={(chosen) => dashboard.narrow({ days: Number(chosen) })}
          />
        </div>
        <ResourceView resource={dashboard.refusals} of="refusals">
          {(rows) => {
            const codes = countedByCode(rows);
            return codes.length === 0 ? (
              <p class="empty">Nothing was refused in these days.</p>
            ) : (
              <Codes codes={codes} />
            );
          }}
        </ResourceView>
      </section>
    </>
  );
}

function Codes({ codes }: { readonly codes: readonly RefusedCode[] }): JSX.Element {
  const most = codes[0]?.count ?? 1;
  return (
    <ol class="codes">
      {codes.map(({ code, count, lastDay }) => (
        <li key={code}>
          <div class="row between">
            <a href={`/docs/errors/${code}`}>{titleOf(code)}</a>
            <strong class="tabular">{counted(count, "time")}</strong>
          </div>
          <span class="meter" aria-hidden="true">
            <i style={{ "inline-size": `${Math.max(1, (100 * count) / most).toFixed(1)}%` }} />
          </span>
          <p class="fine">
            <code>{code}</code> · last on {dayText(lastDay)}
          </p>
        </li>
      ))}
    </ol>
  );
}

function titleOf(code: string): string {
  const known: Readonly<Record<string, { readonly title: string }>> = errorCodes;
  return Object.hasOwn(known, code) ? (known[code]?.title ?? code) : code;
}
