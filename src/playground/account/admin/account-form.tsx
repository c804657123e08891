import type { JSX } from "hono/jsx/jsx-runtime";
import type { AccountBody } from "#wire/api/accounts/accounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { DeedForm, Dialog, useDeed } from "../frame/dialog.tsx";

export interface AccountFormProps {
  readonly dashboard: Dashboard;
  readonly onClose: () => void;
  readonly onOpened: (account: AccountBody) => void;
}

/** Opens an account, without credit. */
export function AccountForm({ dashboard, onClose, onOpened }: AccountFormProps): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const open = async (form: HTMLFormElement): Promise<void> => {
    const fields = new FormData(form);
    const id = String(fields.get("id") ?? "").trim();
    const name = String(fields.get("name") ?? "");
    await deed.run(async () =>
      onOpened(await dashboard.api.admin.createAccount(id === "" ? { name } : { name, id })),
    );
  };
  return (
    <Dialog title="Open an account" closing={["Close", onClose]}>
      <DeedForm deed={deed} names={["Open it", "Opening …"]} onSubmit={open} onClose={onClose}>
        <div class="field">
          <label for="account-name">Name</label>
          <input id="account-name" name="name" type="text" required placeholder="Ada's shop" />
        </div>
        <div class="field">
          <label for="account-id">Id</label>
          <input id="account-id" name="id" type="text" pattern="[0-9A-Za-z_\-]{1,64}" />
          <span class="fine">letters, digits, _ and -; empty: it is drawn</span>
        </div>
      </DeedForm>
    </Dialog>
  );
}
