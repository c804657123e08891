import { useState, useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { DeliveryBody } from "#wire/api/webhooks/deliveries.ts";
import { agoText, timeText } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { ListView } from "../frame/list-view.tsx";
import { Choice, type SectionProps, Table } from "../frame/section.tsx";
import { DeliveryDetail } from "./delivery-detail.tsx";

/** The delivery log, newest first. */
export function Deliveries({ dashboard }: SectionProps): JSX.Element {
  const filters = useSyncExternalStore(dashboard.filters.subscribe, dashboard.filters.get);
  const endpoints = useSyncExternalStore(dashboard.endpoints.subscribe, dashboard.endpoints.get);
  return (
    <section class="card" aria-labelledby="deliveries-title">
      <div class="row between">
        <h2 id="deliveries-title">Deliveries</h2>
        <div class="filters">
          <Choice
            label="Status"
            value={filters.deliveryStatus}
            options={[
              [null, "all"],
              ["waiting", "waiting"],
              ["delivered", "delivered"],
              ["failed", "failed"],
            ]}
            onChange={(deliveryStatus) => dashboard.narrow({ deliveryStatus })}
          />
          <Choice
            label="Endpoint"
            value={filters.endpoint}
            options={[
              [null, "all"],
              ...(endpoints.value?.items ?? []).map(({ id, url }) => [id, url] as const),
            ]}
            onChange={(endpoint) => dashboard.narrow({ endpoint })}
          />
        </div>
      </div>
      <ListView
        list={dashboard.deliveries}
        of="deliveries"
        empty={<p>Nothing was sent in the last 30 days. A test is sent from an endpoint's card.</p>}
      >
        {(deliveries: readonly DeliveryBody[]) => (
          <Table
            label="Deliveries"
            head={[
              "Sent",
              "Event",
              { name: "To", kind: "wide" },
              "Status",
              { name: "Attempts", kind: "number wide" },
              "",
            ]}
          >
            {deliveries.map((delivery) => (
              <DeliveryRows key={delivery.id} {...{ delivery, dashboard }} />
            ))}
          </Table>
        )}
      </ListView>
    </section>
  );
}

function DeliveryRows({
  delivery,
  dashboard,
}: {
  readonly delivery: DeliveryBody;
  readonly dashboard: Dashboard;
}): JSX.Element {
  const [isOpen, open] = useState(false);
  const { id, event, url, status, attempt_count, created_at, next_attempt_at } = delivery;
  const now = dashboard.now();
  return (
    <>
      <tr>
        <td class="nowrap">
          <time datetime={created_at}>{timeText(created_at, now)}</time>
        </td>
        <td>{event}</td>
        <td class="wide breaks">{url}</td>
        <td>
          <span class={`badge ${badgeOf[status]}`}>{status}</span>
          {next_attempt_at !== null && (
            <span class="fine"> again {agoText(next_attempt_at, now)}</span>
          )}
        </td>
        <td class="number wide">{attempt_count}</td>
        <td>
          <button
            type="button"
            aria-expanded={isOpen ? "true" : "false"}
            aria-controls={`told-${id}`}
            onClick={() => open(!isOpen)}
          >
            {isOpen ? "Less" : "More"}
            <span class="unseen">
              {" "}
              about {event}, {timeText(created_at, now)}
            </span>
          </button>
        </td>
      </tr>
      <tr id={`told-${id}`} hidden={!isOpen} class="detail">
        <td colSpan={6}>{isOpen && <DeliveryDetail {...{ id, dashboard }} />}</td>
      </tr>
    </>
  );
}

const badgeOf: Readonly<Record<DeliveryBody["status"], string>> = {
  waiting: "waiting",
  delivered: "live",
  failed: "bad",
};
