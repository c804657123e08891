import type { JSX } from "hono/jsx/jsx-runtime";
import type { Actions } from "../actions.ts";

/** How a person gets a pass: by an address that carries one, or with a key, which is traded and not kept. */
export function PassView({
  actions,
  isLocal,
}: {
  readonly actions: Actions;
  readonly isLocal: boolean;
}): JSX.Element {
  return (
    <section class="card pass" aria-labelledby="pass-title">
      <h2 id="pass-title">This page needs a pass</h2>
      {isLocal && (
        <p>
          On this machine: open the address that <code>npm start</code> printed, or one that{" "}
          <code>npm run -s unmask -- open</code> prints now. It carries a pass for an hour.
        </p>
      )}
      <form
        onSubmit={(event: Event) => {
          event.preventDefault();
          const form = event.currentTarget as HTMLFormElement;
          const key = new FormData(form).get("key");
          form.reset();
          if (typeof key === "string" && key.trim() !== "") void actions.trade(key);
        }}
      >
        <label for="key">{isLocal ? "Or paste a key" : "Paste a key"}</label>
        <div class="row">
          <input
            id="key"
            name="key"
            type="password"
            autocomplete="off"
            spellcheck={false}
            placeholder="umk_…"
            required
          />
          <button type="submit" class="main">
            Trade it for a pass
          </button>
        </div>
        <p class="fine">
          The key is sent once, to this very address, for a pass of an hour and half a dollar at
          most. The page does not keep it.
        </p>
      </form>
    </section>
  );
}
