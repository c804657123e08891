import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { randomKey } from "#client/platform.ts";
import { microsOf } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { DeedForm, Dialog, useDeed } from "../frame/dialog.tsx";

export interface MoneyFormProps {
  readonly dashboard: Dashboard;
  /** Of the account. */
  readonly id: string;
  readonly kind: "grant" | "refund";
  readonly onClose: () => void;
  readonly onMoved: () => void;
}

/** Gives credit, or gives back what an answer was charged: once, however often the button is pressed. */
export function MoneyForm({ dashboard, id, kind, onClose, onMoved }: MoneyFormProps): JSX.Element {
  const { admin } = dashboard.api;
  const deed = useDeed(dashboard.reporter.troubleOf);
  const [fault, tell] = useState<string | null>(null);
  // The service moves money once per name: after a broken connection the same form is the same movement.
  const [name] = useState(() => `${kind}_${randomKey().replaceAll("-", "")}`.slice(0, 64));
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const fields = new FormData(form);
    const amount = microsOf(String(fields.get("amount") ?? ""));
    if (amount === null || amount === 0) {
      tell("An amount is in dollars, such as 10 or 0.50.");
      return;
    }
    tell(null);
    await deed.run(async () => {
      if (kind === "grant") await admin.grant(id, { id: name, amount_micros: amount });
      else {
        const answer = String(fields.get("answer") ?? "").trim();
        await admin.refund(id, { id: name, answer, amount_micros: amount });
      }
      onMoved();
    });
  };
  return (
    <Dialog
      title={kind === "grant" ? "Grant credit" : "Refund an answer"}
      closing={["Close", onClose]}
    >
      <DeedForm
        deed={deed}
        names={[kind === "grant" ? "Grant it" : "Refund it", "Sending …"]}
        onSubmit={submit}
        onClose={onClose}
      >
        {kind === "refund" && (
          <div class="field">
            <label for="money-answer">Answer</label>
            <input id="money-answer" name="answer" type="text" required placeholder="ans_…" />
            <span class="fine">all its refunds together give back at most what it was charged</span>
          </div>
        )}
        <div class="field">
          <label for="money-amount">Dollars</label>
          <input
            id="money-amount"
            name="amount"
            type="text"
            inputmode="decimal"
            required
            placeholder="10.00"
          />
        </div>
        {fault !== null && (
          <p class="amiss" role="alert">
            {fault}
          </p>
        )}
      </DeedForm>
    </Dialog>
  );
}
