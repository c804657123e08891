import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { AccountBody } from "#wire/api/accounts/accounts.ts";
import { timeText } from "../data/amounts.ts";
import { ListView } from "../frame/list-view.tsx";
import { SectionHead, type SectionProps, Table } from "../frame/section.tsx";
import { AccountDetail } from "./account-detail.tsx";
import { AccountForm } from "./account-form.tsx";

/** All accounts of the installation, and each with its money and keys. */
export function AccountsView({ dashboard }: SectionProps): JSX.Element {
  const [isMaking, make] = useState(false);
  const [shown, show] = useState<string | null>(null);
  if (shown !== null)
    return <AccountDetail key={shown} {...{ dashboard }} id={shown} onBack={() => show(null)} />;
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Accounts"
        lead="Whose money it is, oldest first."
        topics={["accounts"]}
      >
        <button type="button" class="main" onClick={() => make(true)}>
          Open an account
        </button>
      </SectionHead>
      <section class="card" aria-label="Accounts">
        <ListView
          list={dashboard.accounts}
          of="accounts"
          empty={<p>No account yet. Open one, grant it credit, and make it a key.</p>}
        >
          {(accounts: readonly AccountBody[]) => (
            <Table
              label="Accounts"
              head={[
                "Name",
                "Id",
                { name: "Opened", kind: "wide" },
                { name: "Requests a minute", kind: "number wide" },
                "",
              ]}
            >
              {accounts.map(({ id, name, created_at, limits }) => (
                <tr key={id}>
                  <td>{name}</td>
                  <td>
                    <code>{id}</code>
                  </td>
                  <td class="wide nowrap">{timeText(created_at, dashboard.now())}</td>
                  <td class="number wide">{limits.requests_per_minute.toLocaleString("en")}</td>
                  <td>
                    <button type="button" onClick={() => show(id)}>
                      Open<span class="unseen"> {name}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </ListView>
      </section>
      {isMaking && (
        <AccountForm
          {...{ dashboard }}
          onClose={() => make(false)}
          onOpened={({ id }) => {
            make(false);
            dashboard.changed("accounts");
            show(id);
          }}
        />
      )}
    </>
  );
}
