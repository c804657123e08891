import type { JSX } from "hono/jsx/jsx-runtime";
import type { PaymentEventBody } from "#wire/api/accounts/payments.ts";
import { exactMoney, timeText } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { DeedTrouble, useDeed } from "../frame/dialog.tsx";
import { ListView } from "../frame/list-view.tsx";
import { SectionHead, type SectionProps, Table } from "../frame/section.tsx";

/** What the payment provider has told, and what became of it. */
export function PaymentsView({ dashboard }: SectionProps): JSX.Element {
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Payments"
        lead="What the payment provider told, once per event. One that names no account waits for you."
        topics={["payments"]}
      />
      <section class="card" aria-label="Payments">
        <ListView
          list={dashboard.payments}
          of="payment events"
          empty={
            <p>
              No payment was told yet. <a href="/docs/dashboard">How a checkout is connected.</a>
            </p>
          }
        >
          {(payments: readonly PaymentEventBody[]) => (
            <Table
              label="Payments"
              head={[
                "Told",
                { name: "What", kind: "wide" },
                { name: "Amount", kind: "number" },
                "Account",
              ]}
            >
              {payments.map((payment) => (
                <PaymentRow key={payment.id} {...{ payment, dashboard }} />
              ))}
            </Table>
          )}
        </ListView>
      </section>
    </>
  );
}

function PaymentRow({
  payment,
  dashboard,
}: {
  readonly payment: PaymentEventBody;
  readonly dashboard: Dashboard;
}): JSX.Element {
  const { id, type, provider, amount_micros, account, state, reason, received_at } = payment;
  return (
    <tr>
      <td class="nowrap">{timeText(received_at, dashboard.now())}</td>
      <td class="wide">
        {type} <span class="fine">{provider}</span>
      </td>
      <td class="number">{amount_micros === null ? "not known" : exactMoney(amount_micros)}</td>
      <td>
        {state === "applied" && <code>{account}</code>}
        {state === "received" && <span class="badge waiting">under way</span>}
        {state === "parked" && (
          <Assign {...{ id, dashboard }} reason={reason ?? "nobody knows whose it is"} />
        )}
      </td>
    </tr>
  );
}

function Assign({
  id,
  reason,
  dashboard,
}: {
  readonly id: string;
  readonly reason: string;
  readonly dashboard: Dashboard;
}): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const assign = async (form: HTMLFormElement): Promise<void> => {
    const account = String(new FormData(form).get("account") ?? "").trim();
    await deed.run(async () => {
      await dashboard.api.admin.assignPayment(id, account);
      dashboard.changed("payments", "accounts");
    });
  };
  return (
    <form
      class="row"
      onSubmit={(event: Event) => {
        event.preventDefault();
        void assign(event.currentTarget as HTMLFormElement);
      }}
    >
      <span class="badge waiting">{reason}</span>
      <label class="unseen" for={`assign-${id}`}>
        Account that it is for
      </label>
      <input id={`assign-${id}`} name="account" type="text" required placeholder="account" />
      <button type="submit" disabled={deed.isBusy}>
        Assign
      </button>
      <DeedTrouble deed={deed} />
    </form>
  );
}
