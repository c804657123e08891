import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { AttemptBody, DeliveryBody } from "#wire/api/webhooks/deliveries.ts";
import { timeText } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { createResource } from "../data/resource.ts";
import { DeedTrouble, useDeed } from "../frame/dialog.tsx";
import { ResourceView } from "../frame/list-view.tsx";

export interface DeliveryDetailProps {
  readonly id: string;
  readonly dashboard: Dashboard;
}

/** One delivery: what was sent, what each attempt came to, and the way to send it again. */
export function DeliveryDetail({ id, dashboard }: DeliveryDetailProps): JSX.Element {
  const { api, reporter } = dashboard;
  const [resource] = useState(() => createResource(() => api.delivery(id), reporter));
  const deed = useDeed(reporter.troubleOf);
  const [said, say] = useState("");
  const again = (): void =>
    void deed.run(async () => {
      await api.redeliver(id);
      say("On its way again, under the same webhook-id.");
      dashboard.changed("deliveries");
      await resource.load();
    });
  return (
    <ResourceView resource={resource} of="the delivery">
      {(delivery: DeliveryBody) => (
        <div class="told-detail">
          <Attempts attempts={delivery.attempts ?? []} now={dashboard.now()} />
          {delivery.body != null && (
            <details>
              <summary>Body that is sent</summary>
              <Text label="Body" text={pretty(delivery.body)} />
            </details>
          )}
          <DeedTrouble deed={deed} />
          <div class="row">
            <button type="button" disabled={deed.isBusy} onClick={again}>
              {deed.isBusy ? "Sending …" : "Deliver again"}
            </button>
            <code class="fine">{delivery.notice}</code>
            <p class="fine" role="status">
              {said}
            </p>
          </div>
        </div>
      )}
    </ResourceView>
  );
}

function Attempts({
  attempts,
  now,
}: {
  readonly attempts: readonly AttemptBody[];
  readonly now: number;
}): JSX.Element {
  if (attempts.length === 0) return <p class="fine">Not tried yet.</p>;
  return (
    <ol class="attempts">
      {attempts.map((attempt) => (
        <li key={attempt.number}>
          <p>
            {timeText(attempt.at, now)}: <strong>{outcomeOf(attempt)}</strong>
            <span class="fine"> in {Math.round(attempt.duration_ms)} ms</span>
            {attempt.retry_after !== null && (
              <span class="fine">, asks to wait {attempt.retry_after} s</span>
            )}
          </p>
          {attempt.response !== null && attempt.response !== "" && (
            <Text label={`Response to attempt ${attempt.number}`} text={attempt.response} />
          )}
        </li>
      ))}
    </ol>
  );
}

function outcomeOf({ status, failure, location }: AttemptBody): string {
  if (status === null) return failure ?? "no reply";
  return location === null ? `HTTP ${status}` : `HTTP ${status} to ${location}, not followed`;
}

function Text({ label, text }: { readonly label: string; readonly text: string }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls it with the keys (WCAG 2.1.1).
    <section class="secret" tabIndex={0} aria-label={label}>
      <pre>
        <code>{text}</code>
      </pre>
    </section>
  );
}

/** JSON with a line for each field; what is none, as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
