import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { KEY_SCOPES } from "#wire/api/accounts/key.ts";
import type { KeyBody, NewKeyBody } from "#wire/api/accounts/keys.ts";
import { typedMoney } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { type KeyFields, readKeyForm } from "../data/key-fields.ts";
import { DeedForm, Dialog, useDeed } from "../frame/dialog.tsx";

export interface KeyFormProps {
  readonly dashboard: Dashboard;
  /** Whose key it becomes, for an administrator; null for one's own. */
  readonly account: string | null;
  /** The key that is restricted; null: one is made. */
  readonly shown: KeyBody | null;
  readonly onClose: () => void;
  readonly onDone: (made?: NewKeyBody) => void;
}

/** What each scope is for. */
const scopeWords: Readonly<Record<string, string>> = {
  ask: "ask questions",
  jobs: "jobs that go on for long",
  webhooks: "webhook endpoints and deliveries",
  usage: "read usage and ledger",
  keys: "make, restrict and revoke keys",
};

/** Makes a key, or changes what one may do. */
export function KeyForm({ dashboard, account, shown, onClose, onDone }: KeyFormProps): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const [faults, tell] = useState<readonly string[]>([]);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const read = readKeyForm(new FormData(form));
    tell(read.ok ? [] : read.refusal);
    if (!read.ok) return;
    const fields: KeyFields = read.value;
    await deed.run(async () => {
      if (shown === null) {
        const environment = new FormData(form).get("environment") === "test" ? "test" : "live";
        onDone(await dashboard.api.createKey({ ...fields, environment }, account));
      } else {
        await dashboard.api.restrictKey(shown.id, fields);
        onDone();
      }
    });
  };
  return (
    <Dialog
      title={shown === null ? "Make a key" : `Restrict “${shown.name}”`}
      closing={["Close", onClose]}
    >
      <DeedForm
        deed={deed}
        names={[shown === null ? "Make it" : "Save", "Saving …"]}
        onSubmit={submit}
        onClose={onClose}
        hint={<p class="fine">Takes effect everywhere within a minute.</p>}
      >
        <Fields shown={shown} />
        {faults.length > 0 && (
          <ul class="amiss" role="alert">
            {faults.map((fault) => (
              <li>{fault}</li>
            ))}
          </ul>
        )}
      </DeedForm>
    </Dialog>
  );
}

function Fields({ shown }: { readonly shown: KeyBody | null }): JSX.Element {
  const scopes: readonly string[] = shown?.scopes ?? ["ask", "usage"];
  return (
    <>
      <Text name="name" label="Name" value={shown?.name ?? ""} hint="as it stands in the usage" />
      {shown === null && (
        <div class="field">
          <label for="environment">For</label>
          <select id="environment" name="environment">
            <option value="live">live: a product</option>
            <option value="test">test: trying out</option>
          </select>
        </div>
      )}
      <fieldset class="checks">
        <legend>It may</legend>
        {KEY_SCOPES.map((scope) => (
          <label>
            <input type="checkbox" name="scope" value={scope} checked={scopes.includes(scope)} />
            <span>
              <code>{scope}</code> <span class="fine">{scopeWords[scope]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="grid">
        <Text
          name="per_day"
          label="Dollars a day"
          value={typedMoney(shown?.limits.spend_per_day_micros ?? null)}
          hint="empty: no cap of its own"
        />
        <Text
          name="per_month"
          label="Dollars a month"
          value={typedMoney(shown?.limits.spend_per_month_micros ?? null)}
          hint="empty: no cap of its own"
        />
        <Text
          name="requests_per_minute"
          label="Requests a minute"
          value={String(shown?.limits.requests_per_minute ?? "")}
          hint={shown === null ? "empty: as usual" : ""}
        />
        <Text
          name="concurrent"
          label="Answers at once"
          value={String(shown?.limits.concurrent ?? "")}
          hint={shown === null ? "empty: as usual" : ""}
        />
      </div>
      <div class="field">
        <label for="key-origins">Only from these pages</label>
        <textarea
          id="key-origins"
          name="origins"
          rows={2}
          placeholder="https://shop.example"
          spellcheck={false}
        >
          {shown?.origins?.join("\n") ?? ""}
        </textarea>
        <span class="fine">one origin a line, for a key that browsers hold; empty: a server's</span>
      </div>
      <div class="field">
        <label for="key-models">Only these models</label>
        <input
          id="key-models"
          name="models"
          type="text"
          value={shown?.models?.join(", ") ?? ""}
          spellcheck={false}
        />
        <span class="fine">names with commas between them; empty: all</span>
      </div>
      <div class="field">
        <label for="key-expires">Ends on</label>
        <input
          id="key-expires"
          name="expires"
          type="date"
          value={shown?.expires_at?.slice(0, 10) ?? ""}
        />
        <span class="fine">at the end of that day (UTC); empty: when it is revoked</span>
      </div>
    </>
  );
}

function Text({
  name,
  label,
  value,
  hint,
}: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly hint: string;
}): JSX.Element {
  return (
    <div class="field">
      <label for={`key-${name}`}>{label}</label>
      <input id={`key-${name}`} name={name} type="text" value={value} autocomplete="off" />
      {hint !== "" && <span class="fine">{hint}</span>}
    </div>
  );
}
