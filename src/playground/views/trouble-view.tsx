import type { JSX } from "hono/jsx/jsx-runtime";
import type { Actions } from "../actions.ts";
import { Alert } from "../parts/alert.tsx";
import type { Trouble } from "../trouble.ts";

/** What went wrong and what to do, told at once to those who listen. */
export function TroubleView({
  trouble,
  actions,
}: {
  readonly trouble: Trouble;
  readonly actions: Actions;
}): JSX.Element {
  return (
    <Alert words={trouble} onClose={actions.clearTrouble}>
      {trouble.action === "ask_again" && (
        <button type="button" class="main" onClick={() => void actions.ask()}>
          Ask again
        </button>
      )}
      {trouble.action === "new_pass" && (
        <button type="button" class="main" onClick={() => actions.takePass(null)}>
          Get a new pass
        </button>
      )}
    </Alert>
  );
}
