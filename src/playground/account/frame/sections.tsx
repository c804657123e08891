import type { JSX } from "hono/jsx/jsx-runtime";
import type { SessionBody, SessionScope } from "#wire/api/accounts/sessions.ts";
import { AccountsView } from "../admin/accounts-view.tsx";
import { FunctionsView } from "../admin/functions-view.tsx";
import { PaymentsView } from "../admin/payments-view.tsx";
import { AnswersView } from "../views/answers-view.tsx";
import { KeysView } from "../views/keys-view.tsx";
import { LedgerView } from "../views/ledger-view.tsx";
import { OverviewView } from "../views/overview-view.tsx";
import { RefusalsView } from "../views/refusals-view.tsx";
import { SessionsView } from "../views/sessions-view.tsx";
import { WebhooksView } from "../webhooks/webhooks-view.tsx";
import type { SectionProps } from "./section.tsx";

/** A part of the account with an address of its own. */
export interface Section {
  /** Behind the `#` of the address. */
  readonly id: string;
  readonly name: string;
  readonly View: (props: SectionProps) => JSX.Element;
}

interface ScopedSection extends Section {
  /** What a session needs for it. */
  readonly scope: SessionScope | null;
}

const ofAccount: readonly ScopedSection[] = [
  { id: "overview", name: "Overview", View: OverviewView, scope: "usage" },
  { id: "ledger", name: "Ledger", View: LedgerView, scope: "usage" },
  { id: "keys", name: "Keys", View: KeysView, scope: "keys" },
  { id: "webhooks", name: "Webhooks", View: WebhooksView, scope: "webhooks" },
  { id: "answers", name: "Answers", View: AnswersView, scope: "answers" },
  { id: "refusals", name: "Refusals", View: RefusalsView, scope: "usage" },
  { id: "sessions", name: "Sessions", View: SessionsView, scope: null },
];

const ofAdministrator: readonly ScopedSection[] = [
  { id: "accounts", name: "Accounts", View: AccountsView, scope: "admin" },
  { id: "functions", name: "Functions", View: FunctionsView, scope: "admin" },
  { id: "payments", name: "Payments", View: PaymentsView, scope: "admin" },
  { id: "sessions", name: "Sessions", View: SessionsView, scope: null },
];

/** What a session may see; what its scopes do not reach says so in its place. */
export function sectionsOf({ role, scopes }: SessionBody): readonly Section[] {
  const all = role === "administrator" ? ofAdministrator : ofAccount;
  return all.map(({ scope, id, name, View }) =>
    scope === null || scopes.includes(scope)
      ? { id, name, View }
      : { id, name, View: () => <OutOfReach {...{ name, scope }} /> },
  );
}

function OutOfReach({
  name,
  scope,
}: {
  readonly name: string;
  readonly scope: string;
}): JSX.Element {
  return (
    <section class="card">
      <h1>{name}</h1>
      <p class="empty">
        This session does not reach here: the key that opened it has not the scope{" "}
        <code>{scope}</code>. Sign out, and in again with a key that has it, or with a one-time code
        from whoever runs the service.
      </p>
    </section>
  );
}
