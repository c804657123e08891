import type { JSX } from "hono/jsx/jsx-runtime";
import type { KeyBody, NewKeyBody } from "#wire/api/accounts/keys.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { DeedEnd, DeedForm, Dialog, useDeed } from "../frame/dialog.tsx";

export interface KeyDialogProps {
  readonly dashboard: Dashboard;
  readonly shown: KeyBody;
  readonly onClose: () => void;
  readonly onDone: (made?: NewKeyBody) => void;
}

/** How long the present secret works on, in seconds. */
const overlaps: readonly (readonly [seconds: number, words: string])[] = [
  [0, "not at all: it may have leaked"],
  [3_600, "an hour"],
  [86_400, "a day"],
  [604_800, "a week"],
];
const USUAL_OVERLAP = 86_400;

/** Gives a key a new secret. */
export function RotateDialog({ dashboard, shown, onClose, onDone }: KeyDialogProps): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const rotate = async (form: HTMLFormElement): Promise<void> => {
    const overlap = Number(new FormData(form).get("overlap"));
    await deed.run(async () => onDone(await dashboard.api.rotateKey(shown.id, overlap)));
  };
  return (
    <Dialog title={`Rotate “${shown.name}”`} closing={["Close", onClose]}>
      <DeedForm deed={deed} names={["Rotate", "Rotating …"]} onSubmit={rotate} onClose={onClose}>
        <p>
          It gets a new secret, shown once. What it may do stays; so does its name in the usage.
        </p>
        <div class="field">
          <label for="overlap">The present secret works on for</label>
          <select id="overlap" name="overlap">
            {overlaps.map(([seconds, words]) => (
              <option value={seconds} selected={seconds === USUAL_OVERLAP}>
                {words}
              </option>
            ))}
          </select>
        </div>
        {shown.id === dashboard.session.key && (
          <p class="fine">This session came from this key: it ends when the present secret does.</p>
        )}
      </DeedForm>
    </Dialog>
  );
}

/** Ends a key for ever, after asking. */
export function RevokeDialog({ dashboard, shown, onClose, onDone }: KeyDialogProps): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const revoke = async (): Promise<void> => {
    await deed.run(async () => {
      await dashboard.api.revokeKey(shown.id);
      onDone();
    });
  };
  return (
    <Dialog title={`Revoke “${shown.name}”?`} closing={["Close", onClose]}>
      <div class="form">
        <p>
          Within a minute everything that asks with it is refused, its client tokens too. This
          cannot be undone; answers and entries that it made stay.
        </p>
        {shown.id === dashboard.session.key && (
          <p>
            <strong>This session came from this key, and ends with it.</strong>
          </p>
        )}
        <DeedEnd
          deed={deed}
          names={["Revoke it for ever", "Revoking …"]}
          leaving={["Keep it", onClose]}
          onAct={() => void revoke()}
        />
      </div>
    </Dialog>
  );
}
