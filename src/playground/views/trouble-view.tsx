import type { JSX } from "hono/jsx/jsx-runtime";
import type { Actions } from "../actions.ts";
import type { Trouble } from "../trouble.ts";

/** What went wrong and what to do, told at once to those who listen. */
export function TroubleView({
  trouble,
  actions,
}: {
  readonly trouble: Trouble;
  readonly actions: Actions;
}): JSX.Element {
  const { title, advice, action, reference } = trouble;
  return (
    <section class="card trouble" role="alert">
      <h2>{title}</h2>
      <p>{advice}</p>
      <div class="row">
        {action === "ask_again" && (
          <button type="button" class="main" onClick={() => void actions.ask()}>
            Ask again
          </button>
        )}
        {action === "new_pass" && (
          <button type="button" class="main" onClick={() => actions.takePass(null)}>
            Get a new pass
          </button>
        )}
        <button type="button" onClick={actions.clearTrouble}>
          Close
        </button>
        {reference !== undefined && <code class="fine">{reference}</code>}
      </div>
    </section>
  );
}
