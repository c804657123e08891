import type { JSX } from "hono/jsx/jsx-runtime";
import type { SessionBody } from "#wire/api/accounts/sessions.ts";
import { agoText } from "../data/amounts.ts";
import { DeedTrouble, useDeed } from "../frame/dialog.tsx";
import { ListView } from "../frame/list-view.tsx";
import { Id, SectionHead, type SectionProps, Table } from "../frame/section.tsx";

/** Where else one is signed in, and how that ends. */
export function SessionsView({ dashboard }: SectionProps): JSX.Element {
  const { api, reporter, now } = dashboard;
  const deed = useDeed(reporter.troubleOf);
  const end = (act: () => Promise<void>): void =>
    void deed.run(async () => {
      await act();
      dashboard.changed("sessions");
    });
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Sessions"
        lead="Browsers that are signed in. One that you do not know can be ended here."
        topics={["sessions"]}
      >
        <button
          type="button"
          class="danger"
          disabled={deed.isBusy}
          onClick={() => end(api.signOutEverywhere)}
        >
          Sign out everywhere
        </button>
      </SectionHead>
      <section class="card" aria-label="Sessions">
        <DeedTrouble deed={deed} />
        <ListView list={dashboard.sessions} of="sessions" empty={<p>Nobody is signed in.</p>}>
          {(sessions: readonly SessionBody[]) => (
            <Table
              label="Sessions"
              head={[
                "Opened by",
                { name: "May", kind: "wide" },
                "Last used",
                { name: "Ends", kind: "wide" },
                "",
              ]}
            >
              {sessions.map(({ id, key, scopes, last_used_at, expires_at, current }) => (
                <tr key={id}>
                  <td>
                    {key === null ? "a one-time code" : <Id id={key} />}
                    {current && <span class="badge live">this one</span>}
                  </td>
                  <td class="wide">{scopes.join(", ")}</td>
                  <td class="nowrap">{agoText(last_used_at, now())}</td>
                  <td class="wide nowrap">{agoText(expires_at, now())}</td>
                  <td>
                    {!current && (
                      <button
                        type="button"
                        disabled={deed.isBusy}
                        onClick={() => end(() => api.endSession(id))}
                      >
                        End<span class="unseen"> session {id}</span>
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </ListView>
      </section>
    </>
  );
}
