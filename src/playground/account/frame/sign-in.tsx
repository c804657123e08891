import type { JSX } from "hono/jsx/jsx-runtime";
import { Alert } from "../../parts/alert.tsx";
import type { SessionStore, Sessions } from "../data/session.ts";
import type { SignInBy } from "../data/shapes.ts";
import { sessionOver } from "../data/trouble.ts";
import { Dialog } from "./dialog.tsx";

export interface SignInProps {
  readonly sessions: Sessions;
  readonly shown: SessionStore;
  /** On this machine `npm start` gives codes out. */
  readonly isLocal: boolean;
}

/** What was pasted, by its form: an installation draws its administrator's key as it likes. */
function signInBy(text: string): SignInBy {
  if (text.startsWith("umc_")) return { code: text };
  return text.startsWith("umk_") ? { key: text } : { admin_key: text };
}

/** Where a key or a one-time code is traded for a session. The page keeps neither. */
export function SignIn({ sessions, shown, isLocal }: SignInProps): JSX.Element {
  const { state, isBusy, trouble } = shown;
  const isOver = state.kind === "over";
  const submit = (form: HTMLFormElement): void => {
    const typed = new FormData(form).get("key");
    const text = typeof typed === "string" ? typed.trim() : "";
    if (text === "") return;
    void sessions.signIn(signInBy(text));
  };
  return (
    <div class="sign-in">
      {trouble !== null && <Alert words={trouble} />}
      <section class="card pass" aria-labelledby="sign-in-title">
        <h2 id="sign-in-title">{isOver ? "Sign in again" : "Sign in"}</h2>
        {state.kind === "none" && state.isSignedOut && (
          <p role="status">You are signed out, in every tab of this browser.</p>
        )}
        <form
          onSubmit={(event: Event) => {
            event.preventDefault();
            submit(event.currentTarget as HTMLFormElement);
          }}
        >
          <label for="key">A key of the account, or a one-time code</label>
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
            <button type="submit" class="main" disabled={isBusy}>
              {isBusy ? "Signing in …" : "Sign in"}
            </button>
          </div>
          <p class="fine">
            It is sent once, to this very address, for a short session that may do what the key may.
            The page does not keep it; the session's cookie cannot be read by scripts.
          </p>
        </form>
        {isLocal && (
          <p class="fine">
            On this machine: <code>npm start</code> prints an address that signs you in.
          </p>
        )}
      </section>
    </div>
  );
}

/** The same over everything that is open: what was typed there stays, and cannot be sent without a session. */
export function SignInAgain(props: SignInProps): JSX.Element {
  return (
    <Dialog title={sessionOver.title} closing={["Leave", props.sessions.leave]}>
      <p>{sessionOver.advice}</p>
      <SignIn {...props} />
    </Dialog>
  );
}
