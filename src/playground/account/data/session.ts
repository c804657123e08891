import type { SessionBody } from "#wire/api/accounts/sessions.ts";
import { createStore, type Store } from "../../store.ts";
import type { Api } from "./api.ts";
import type { SignInBy } from "./shapes.ts";
import { type AccountTrouble, isSignedOut } from "./trouble.ts";

/** Who is signed in. */
export type SessionState =
  /** Not asked yet, or not reached. */
  | { readonly kind: "unknown" }
  | { readonly kind: "none"; readonly isSignedOut: boolean }
  | { readonly kind: "open"; readonly session: SessionBody }
  /** It ended while it was used: what stands on the page stays, and so does what was typed. */
  | { readonly kind: "over"; readonly session: SessionBody };

export interface SessionStore {
  readonly state: SessionState;
  readonly isBusy: boolean;
  readonly trouble: AccountTrouble | null;
}

/** The session of this browser: its cookie is never seen here. None of these rejects. */
export interface Sessions extends Pick<Store<SessionStore>, "get" | "subscribe"> {
  /** Looks who is signed in. */
  look(): Promise<void>;
  signIn(by: SignInBy): Promise<void>;
  signOut(): Promise<void>;
  /** Goes back to the door without a session. */
  leave(): void;
  /** Something was refused because nobody is signed in any more. */
  isOver(): void;
}

export interface SessionsOptions {
  readonly api: Api;
  readonly troubleOf: (cause: unknown) => AccountTrouble;
  readonly signInTroubleOf: (cause: unknown) => AccountTrouble;
  /** Tells the other tabs that they should look. */
  readonly tellTabs: () => void;
}

export function createSessions({
  api,
  troubleOf,
  signInTroubleOf,
  tellTabs,
}: SessionsOptions): Sessions {
  const store = createStore<SessionStore>({
    state: { kind: "unknown" },
    isBusy: false,
    trouble: null,
  });
  const isOver = (): void =>
    store.update(({ state }) =>
      state.kind === "open" ? { state: { kind: "over", session: state.session } } : {},
    );
  const busy = async (act: () => Promise<SessionState>, wordsFor = troubleOf): Promise<boolean> => {
    store.update({ isBusy: true, trouble: null });
    try {
      store.update({ state: await act(), isBusy: false });
      return true;
    } catch (cause) {
      store.update({ isBusy: false, trouble: wordsFor(cause) });
      return false;
    }
  };
  return {
    get: store.get,
    subscribe: store.subscribe,
    isOver,
    leave: () => store.update({ state: { kind: "none", isSignedOut: false }, trouble: null }),
    async look() {
      const before = store.get().state;
      await busy(async () => {
        try {
          return { kind: "open", session: await api.session() };
        } catch (cause) {
          if (!isSignedOut(cause)) throw cause;
          if (before.kind === "open" || before.kind === "over")
            return { kind: "over", session: before.session };
          return { kind: "none", isSignedOut: false };
        }
      });
    },
    async signIn(by) {
      const isIn = await busy(
        async () => ({ kind: "open", session: await api.signIn(by) }),
        signInTroubleOf,
      );
      if (isIn) tellTabs();
    },
    async signOut() {
      await busy(async () => {
        try {
          await api.signOut();
        } catch (cause) {
          if (!isSignedOut(cause)) throw cause;
        }
        return { kind: "none", isSignedOut: true };
      });
      tellTabs();
    },
  };
}
