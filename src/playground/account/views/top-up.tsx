import { useEffect, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { BalanceBody, OwnAccountBody } from "#wire/api/accounts/account.ts";
import { exactMoney } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";

export interface TopUpProps {
  readonly dashboard: Dashboard;
  readonly account: OwnAccountBody;
}

/** When this tab left for the checkout, and with how much credit: it comes back to a page that knows nothing else of it. */
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
  const [waiting, wait] = useState<Waiting>({ kind: creditThen() === null ? "no" : "waiting" });
  useEffect(() => watchAfterReturns(dashboard, wait), []);
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
          onClick={() =>
            sessionStorage.setItem(LEFT_KEY, `${dashboard.now()} ${creditOf(account.balance)}`)
          }
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

/** Watches from now on if this tab comes from the checkout, and again where a browser brings the page back as it was left. Returns what ends it. */
function watchAfterReturns(dashboard: Dashboard, tell: (waiting: Waiting) => void): () => void {
  let end: (() => void) | undefined;
  const begin = (): void => {
    const before = creditThen();
    if (before === null) return;
    end?.();
    tell({ kind: "waiting" });
    end = watchForCredit(dashboard, before, tell);
  };
  const onShown = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) begin();
  };
  begin();
  addEventListener("pageshow", onShown);
  return () => {
    removeEventListener("pageshow", onShown);
    end?.();
  };
}

/** Looks every few seconds for more credit than there was `before`. Returns what ends it. */
function watchForCredit(
  { api, changed, now }: Dashboard,
  before: number,
  tell: (waiting: Waiting) => void,
): () => void {
  const until = now() + WATCHED_MS;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = async (): Promise<void> => {
    const micros = (await creditNow(api, before)) - before;
    if (isOver) return;
    if (micros > 0 || now() > until) {
      sessionStorage.removeItem(LEFT_KEY);
      tell(micros > 0 ? { kind: "arrived", micros } : { kind: "late" });
      if (micros > 0) changed("account", "ledger");
      return;
    }
    timer = setTimeout(() => void look(), LOOK_MS);
  };
  void look();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

async function creditNow(api: Dashboard["api"], before: number): Promise<number> {
  try {
    return creditOf((await api.account()).balance);
  } catch {
    // What is wrong is said where the balance stands; here it is looked again.
    return before;
  }
}

/** All that was ever granted, less what was taken back: questions do not change it, and no clocks are compared. */
function creditOf({ available_micros, held_micros, spent_micros, owed_micros }: BalanceBody) {
  return available_micros + held_micros + spent_micros - owed_micros;
}

/** The credit that this tab left with; null where it did not leave, or so long ago that nobody pays any more. */
function creditThen(): number | null {
  const [at = Number.NaN, credit = Number.NaN] = (sessionStorage.getItem(LEFT_KEY) ?? "")
    .split(" ")
    .map(Number);
  return Date.now() - at < FORGOTTEN_MS && Number.isFinite(credit) ? credit : null;
}
