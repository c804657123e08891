import { useEffect, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { OwnAccountBody } from "#wire/api/accounts/account.ts";
import { exactMoney } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";

export interface TopUpProps {
  readonly dashboard: Dashboard;
  readonly account: OwnAccountBody;
}

/** When this tab left for the checkout: it comes back to a page that knows nothing else of it. */
const LEFT_KEY = "unmask-topping-up";

/** A payment is told within seconds as a rule; who waited this long is told to look later. */
const WATCHED_MS = 180_000;
const LOOK_MS = 3_000;

/** Who left and did not pay within the hour is not waited for. */
const FORGOTTEN_MS = 3_600_000;

type Waiting =
  | { readonly kind: "no" }
  | { readonly kind: "waiting" }
  | { readonly kind: "arrived"; readonly micros: number }
  | { readonly kind: "late" };

/** The way to the seller's checkout; after the return it watches for the credit. */
export function TopUp({ dashboard, account }: TopUpProps): JSX.Element {
  const { top_up: checkout } = account;
  const [waiting, wait] = useState<Waiting>({ kind: leftAt() === null ? "no" : "waiting" });
  useEffect(() => {
    const since = leftAt();
    if (since === null) return;
    return watchForCredit(dashboard, since, wait);
  }, []);
  return (
    <div class="top-up row">
      {checkout === null ? (
        <p class="fine">
          Credit comes from whoever runs this service: there is no checkout here to pay at.
        </p>
      ) : (
        <a
          class="button main"
          href={checkout.url}
          onClick={() => sessionStorage.setItem(LEFT_KEY, String(dashboard.now()))}
        >
          Top up
        </a>
      )}
      <p class="fine" role="status">
        {waitingText(waiting)}
      </p>
    </div>
  );
}

function waitingText(waiting: Waiting): string {
  switch (waiting.kind) {
    case "no":
      return "";
    case "waiting":
      return "Waiting for the payment to be told to us …";
    case "arrived":
      return `${exactMoney(waiting.micros)} of credit arrived.`;
    case "late":
      return "No payment was told to us yet. It may take minutes; the ledger shows it once it is there.";
    default:
      return waiting satisfies never;
  }
}

/** Looks every few seconds for credit that came after `since`. Returns what ends it. */
function watchForCredit(
  { api, changed, now }: Dashboard,
  since: number,
  tell: (waiting: Waiting) => void,
): () => void {
  const until = now() + WATCHED_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = async (): Promise<void> => {
    const micros = await creditSince(api, since);
    if (micros > 0 || now() > until) {
      sessionStorage.removeItem(LEFT_KEY);
      tell(micros > 0 ? { kind: "arrived", micros } : { kind: "late" });
      if (micros > 0) changed("account", "ledger");
      return;
    }
    timer = setTimeout(() => void look(), LOOK_MS);
  };
  void look();
  return () => clearTimeout(timer);
}

async function creditSince(api: Dashboard["api"], since: number): Promise<number> {
  try {
    const { data } = await api.ledger({ kind: "grant", limit: "5" }, null);
    return data
      .filter(({ created_at }) => Date.parse(created_at) >= since)
      .reduce((sum, { amount_micros }) => sum + amount_micros, 0);
  } catch {
    // What is wrong is said where the balance stands; here it is looked again.
    return 0;
  }
}

function leftAt(): number | null {
  const at = Number(sessionStorage.getItem(LEFT_KEY) ?? Number.NaN);
  return Number.isFinite(at) && Date.now() - at < FORGOTTEN_MS ? at : null;
}
