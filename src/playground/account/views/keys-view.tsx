import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { KeyBody, NewKeyBody } from "#wire/api/accounts/keys.ts";
import { agoText, exactMoney, timeText } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import type { List } from "../data/list.ts";
import { ListView } from "../frame/list-view.tsx";
import { SectionHead, type SectionProps } from "../frame/section.tsx";
import { RevokeDialog, RotateDialog } from "./key-dialogs.tsx";
import { KeyForm } from "./key-form.tsx";
import { ShownOnce } from "./shown-once.tsx";

/** Keys of the account of this session. */
export function KeysView({ dashboard }: SectionProps): JSX.Element {
  return (
    <Keys {...{ dashboard }} list={dashboard.keys} account={null}>
      {(make) => (
        <SectionHead
          {...{ dashboard }}
          title="Keys"
          lead="One for each program that asks, each with what it may do and spend."
          topics={["keys"]}
        >
          <button type="button" class="main" onClick={make}>
            Make a key
          </button>
        </SectionHead>
      )}
    </Keys>
  );
}

/** What is being done to keys. */
type Doing =
  | { readonly kind: "nothing" }
  | { readonly kind: "make" }
  | { readonly kind: "restrict" | "rotate" | "revoke"; readonly key: KeyBody }
  | { readonly kind: "shown"; readonly made: NewKeyBody };

export interface KeysProps {
  readonly dashboard: Dashboard;
  readonly list: List<KeyBody>;
  /** Whose keys they are, for an administrator; null for one's own. */
  readonly account: string | null;
  /** The head over them, which is given what makes a key. */
  readonly children: (make: () => void) => JSX.Element;
}

/** A list of keys, and everything that can be done with them. */
export function Keys({ dashboard, list, account, children }: KeysProps): JSX.Element {
  const [doing, act] = useState<Doing>({ kind: "nothing" });
  const close = (): void => act({ kind: "nothing" });
  const done = (made?: NewKeyBody): void => {
    act(made === undefined ? { kind: "nothing" } : { kind: "shown", made });
    void list.load();
    dashboard.changed("keys");
  };
  return (
    <>
      {children(() => act({ kind: "make" }))}
      {doing.kind === "shown" && (
        <ShownOnce
          title={`The key “${doing.made.name}”`}
          secret={doing.made.key}
          advice="Shown this once: only a digest is kept. Put it where the program that asks reads its secrets."
          onClose={close}
        />
      )}
      <ListView
        {...{ list }}
        of="keys"
        empty={<p>No key yet. A program needs one to ask; so does an app, for its tokens.</p>}
      >
        {(keys: readonly KeyBody[]) => (
          <ul class="keys">
            {keys.map((key) => (
              <KeyCard key={key.id} {...{ shown: key, act }} now={dashboard.now()} />
            ))}
          </ul>
        )}
      </ListView>
      {doing.kind === "make" && (
        <KeyForm {...{ dashboard, account }} shown={null} onClose={close} onDone={done} />
      )}
      {doing.kind === "restrict" && (
        <KeyForm {...{ dashboard, account }} shown={doing.key} onClose={close} onDone={done} />
      )}
      {doing.kind === "rotate" && (
        <RotateDialog {...{ dashboard }} shown={doing.key} onClose={close} onDone={done} />
      )}
      {doing.kind === "revoke" && (
        <RevokeDialog {...{ dashboard }} shown={doing.key} onClose={close} onDone={done} />
      )}
    </>
  );
}

interface KeyCardProps {
  readonly shown: KeyBody;
  readonly act: (doing: Doing) => void;
  readonly now: number;
}

function KeyCard({ shown: key, act, now }: KeyCardProps): JSX.Element {
  const state = stateOf(key, now);
  const isLive = state.kind === "live";
  return (
    <li class={`card key ${state.kind}`}>
      <div class="row between">
        <h2>{key.name}</h2>
        <span class={`badge ${state.kind}`}>{state.words}</span>
      </div>
      <p class="fine">
        <code>
          umk_{key.environment}_{key.id}_…
        </code>
      </p>
      <dl class="figures">
        <div>
          <dt>Last used</dt>
          <dd>
            {key.last_used_at === null ? (
              "not yet"
            ) : (
              <time datetime={key.last_used_at} title={timeText(key.last_used_at, now)}>
                {agoText(key.last_used_at, now)}
              </time>
            )}
          </dd>
        </div>
        <div>
          <dt>May</dt>
          <dd>{key.scopes.join(", ")}</dd>
        </div>
        <div>
          <dt>May spend</dt>
          <dd>{capText(key)}</dd>
        </div>
        {key.origins !== null && (
          <div>
            <dt>From</dt>
            <dd class="breaks">{key.origins.join(", ")}</dd>
          </div>
        )}
        {key.models !== null && (
          <div>
            <dt>Models</dt>
            <dd class="breaks">{key.models.join(", ")}</dd>
          </div>
        )}
      </dl>
      {key.previous_secret_expires_at !== null && isLive && (
        <p class="fine">
          Rotated: the secret before works until {timeText(key.previous_secret_expires_at, now)}.
        </p>
      )}
      {isLive && (
        <div class="row">
          <button type="button" onClick={() => act({ kind: "restrict", key })}>
            Restrict<span class="unseen"> {key.name}</span>
          </button>
          <button type="button" onClick={() => act({ kind: "rotate", key })}>
            Rotate<span class="unseen"> {key.name}</span>
          </button>
          <button type="button" class="danger" onClick={() => act({ kind: "revoke", key })}>
            Revoke<span class="unseen"> {key.name}</span>
          </button>
        </div>
      )}
    </li>
  );
}

function stateOf(
  { revoked_at, expires_at, environment }: KeyBody,
  now: number,
): { readonly kind: "live" | "over"; readonly words: string } {
  if (revoked_at !== null) return { kind: "over", words: `revoked ${agoText(revoked_at, now)}` };
  if (expires_at === null) return { kind: "live", words: environment };
  return Date.parse(expires_at) <= now
    ? { kind: "over", words: `expired ${agoText(expires_at, now)}` }
    : { kind: "live", words: `${environment}, expires ${agoText(expires_at, now)}` };
}

function capText({ limits }: KeyBody): string {
  const { spend_per_day_micros: day, spend_per_month_micros: month } = limits;
  const caps = [
    ...(day === null ? [] : [`${exactMoney(day)} a day`]),
    ...(month === null ? [] : [`${exactMoney(month)} a month`]),
  ];
  return caps.length === 0 ? "what the account has" : caps.join(", ");
}
