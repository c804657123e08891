import type { JSX } from "hono/jsx/jsx-runtime";
import type { NoticeType } from "#domain/notice.ts";
import type { CreateEndpointBody, NewEndpointBody } from "#wire/api/webhooks/endpoints.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { DeedForm, Dialog, useDeed } from "../frame/dialog.tsx";

export interface EndpointFormProps {
  readonly dashboard: Dashboard;
  readonly onClose: () => void;
  readonly onMade: (made: NewEndpointBody) => void;
}

/** What can be told, in words. */
const events: Readonly<Record<NoticeType, string>> = {
  "answer.completed": "an answer is complete",
  "answer.partial": "its deadline came first",
  "answer.failed": "it failed, and cost nothing",
  "answer.draft": "each step of the canvas: many",
  "batch.completed": "a batch is done",
  "credit.low": "money runs low",
  "webhook_endpoint.disabled": "an endpoint was paused",
};

const isUsual = (event: string): boolean => event !== "answer.draft";

/** Adds an endpoint. */
export function EndpointForm({ dashboard, onClose, onMade }: EndpointFormProps): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const endpoint = readEndpoint(new FormData(form));
    await deed.run(async () => onMade(await dashboard.api.createEndpoint(endpoint)));
  };
  return (
    <Dialog title="Add an endpoint" closing={["Close", onClose]}>
      <DeedForm deed={deed} names={["Add it", "Adding …"]} onSubmit={submit} onClose={onClose}>
        <div class="field">
          <label for="endpoint-url">Address</label>
          <input
            id="endpoint-url"
            name="url"
            type="url"
            required
            placeholder="https://shop.example/unmask"
          />
        </div>
        <fieldset class="checks">
          <legend>It is told when</legend>
          {Object.entries(events).map(([event, words]) => (
            <label>
              <input type="checkbox" name="event" value={event} checked={isUsual(event)} />
              <span>
                {words} <code class="fine">{event}</code>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="field">
          <label for="endpoint-signing">Signed with</label>
          <select id="endpoint-signing" name="signing">
            <option value="hmac">a secret that both know (HMAC)</option>
            <option value="ed25519">a key pair (Ed25519)</option>
          </select>
        </div>
      </DeedForm>
    </Dialog>
  );
}

/** The usual choice is told as none, so that what can be told later is told too. */
function readEndpoint(form: FormData): CreateEndpointBody {
  const chosen = (Object.keys(events) as NoticeType[]).filter((event) =>
    form.getAll("event").includes(event),
  );
  const usual = Object.keys(events).filter(isUsual);
  return {
    url: String(form.get("url") ?? ""),
    signing: form.get("signing") === "ed25519" ? "ed25519" : "hmac",
    events: chosen.join() === usual.join() ? null : chosen,
  };
}
