import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { EndpointBody, NewEndpointBody } from "#wire/api/webhooks/endpoints.ts";
import { timeText } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { DeedEnd, DeedTrouble, Dialog, useDeed } from "../frame/dialog.tsx";
import { ListView } from "../frame/list-view.tsx";
import { SectionHead, type SectionProps } from "../frame/section.tsx";
import { ShownOnce } from "../views/shown-once.tsx";
import { Deliveries } from "./deliveries-view.tsx";
import { EndpointForm } from "./endpoint-form.tsx";

type Doing =
  | { readonly kind: "nothing" }
  | { readonly kind: "make" }
  | { readonly kind: "delete"; readonly endpoint: EndpointBody }
  | { readonly kind: "shown"; readonly made: NewEndpointBody };

/** Where the account is told what happened, and how that went. */
export function WebhooksView({ dashboard }: SectionProps): JSX.Element {
  const [doing, act] = useState<Doing>({ kind: "nothing" });
  const close = (): void => act({ kind: "nothing" });
  const shown = (made: NewEndpointBody): void => {
    act({ kind: "shown", made });
    dashboard.changed("endpoints");
  };
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Webhooks"
        lead="Where you are told what happened, and how that went."
        topics={["endpoints", "deliveries"]}
      >
        <button type="button" class="main" onClick={() => act({ kind: "make" })}>
          Add an endpoint
        </button>
      </SectionHead>
      {doing.kind === "shown" && (
        <ShownOnce
          title={`The secret of ${doing.made.url}`}
          secret={doing.made.secret ?? doing.made.public_key ?? ""}
          advice={
            doing.made.secret === null
              ? "Its public key: what verifies the signatures. The private one never leaves us."
              : "Shown this once. Your receiver checks signatures with it, as Standard Webhooks 1.0 says."
          }
          onClose={close}
        />
      )}
      <ListView
        list={dashboard.endpoints}
        of="endpoints"
        empty={
          <p>
            No endpoint yet. <a href="/docs/quickstarts/webhooks">A receiver takes ten lines.</a>
          </p>
        }
      >
        {(endpoints: readonly EndpointBody[]) => (
          <ul class="keys">
            {endpoints.map((endpoint) => (
              <EndpointCard key={endpoint.id} {...{ endpoint, dashboard, act, shown }} />
            ))}
          </ul>
        )}
      </ListView>
      <Deliveries dashboard={dashboard} />
      {doing.kind === "make" && <EndpointForm {...{ dashboard }} onClose={close} onMade={shown} />}
      {doing.kind === "delete" && (
        <DeleteDialog {...{ dashboard }} endpoint={doing.endpoint} onClose={close} />
      )}
    </>
  );
}

interface EndpointCardProps {
  readonly endpoint: EndpointBody;
  readonly dashboard: Dashboard;
  readonly act: (doing: Doing) => void;
  readonly shown: (made: NewEndpointBody) => void;
}

/** Why an endpoint is told nothing. */
const disabledWords: Readonly<Record<NonNullable<EndpointBody["disabled_reason"]>, string>> = {
  gone: "paused: it answered 410, gone",
  failing: "paused: it failed for five days",
  owner: "paused",
};

function EndpointCard({ endpoint, dashboard, act, shown }: EndpointCardProps): JSX.Element {
  const { id, url, enabled, events, signing } = endpoint;
  const { api, now } = dashboard;
  const deed = useDeed(dashboard.reporter.troubleOf);
  const [said, say] = useState("");
  const run = (doIt: () => Promise<unknown>, words: string): void =>
    void deed.run(async () => {
      say("");
      await doIt();
      say(words);
      dashboard.changed("endpoints", "deliveries");
    });
  const rotate = (): void => void deed.run(async () => shown(await api.rotateEndpointSecret(id)));
  return (
    <li class={`card key ${enabled ? "live" : "over"}`}>
      <div class="row between">
        <h2 class="breaks">{url}</h2>
        <span class={`badge ${enabled ? "live" : "over"}`}>
          {enabled ? "active" : disabledWords[endpoint.disabled_reason ?? "owner"]}
        </span>
      </div>
      <p class="fine">
        {events === null ? "everything but drafts" : events.join(", ")} · signed with{" "}
        {signing === "hmac" ? "a secret" : "a key pair"} · since{" "}
        {timeText(endpoint.created_at, now())}
        {endpoint.previous_secret_expires_at !== null &&
          ` · the secret before signs too until ${timeText(endpoint.previous_secret_expires_at, now())}`}
      </p>
      <DeedTrouble deed={deed} />
      <div class="row">
        <button
          type="button"
          disabled={deed.isBusy}
          onClick={() => run(() => api.testEndpoint(id), "A sample is on its way: see below.")}
        >
          Send a test<span class="unseen"> to {url}</span>
        </button>
        <button
          type="button"
          disabled={deed.isBusy}
          onClick={() =>
            run(
              () => api.changeEndpoint(id, { enabled: !enabled }),
              enabled ? "Paused: it is told nothing." : "It is told again.",
            )
          }
        >
          {enabled ? "Pause" : "Go on"}
          <span class="unseen"> {url}</span>
        </button>
        <button type="button" disabled={deed.isBusy} onClick={rotate}>
          New secret<span class="unseen"> for {url}</span>
        </button>
        <button type="button" class="danger" onClick={() => act({ kind: "delete", endpoint })}>
          Delete<span class="unseen"> {url}</span>
        </button>
      </div>
      <p class="fine" role="status">
        {said}
      </p>
    </li>
  );
}

function DeleteDialog({
  dashboard,
  endpoint,
  onClose,
}: {
  readonly dashboard: Dashboard;
  readonly endpoint: EndpointBody;
  readonly onClose: () => void;
}): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const remove = (): void =>
    void deed.run(async () => {
      await dashboard.api.deleteEndpoint(endpoint.id);
      onClose();
      dashboard.changed("endpoints", "deliveries");
    });
  return (
    <Dialog title="Delete this endpoint?" closing={["Close", onClose]}>
      <div class="form">
        <p class="breaks">
          <code>{endpoint.url}</code> is told nothing more, and what is on its way there is given
          up. To stop it for a while, pause it instead.
        </p>
        <DeedEnd
          deed={deed}
          names={["Delete it", "Deleting …"]}
          leaving={["Keep it", onClose]}
          onAct={remove}
        />
      </div>
    </Dialog>
  );
}
