import { watchedAskOf } from "../asking/draft.ts";
import { type Asking, type Surroundings, showUpdates } from "../asking/run.ts";
import { forgetPage, keepPage } from "../offline/keep-page.ts";
import { modelOf, type State } from "../state.ts";
import type { Store } from "../store.ts";
import { keptModel, removeModel } from "./device-cache.ts";
import { LoadError, openPrivateLink, type PrivateLink } from "./link.ts";
import type { Loaded, LoadFault, LoadProgress } from "./protocol.ts";

/** How it stands with asking without sending. */
export interface PrivateState {
  readonly isOn: boolean;
  readonly phase:
    | { readonly kind: "idle" }
    | { readonly kind: "loading"; readonly load: LoadProgress | null }
    | { readonly kind: "ready"; readonly modelId: string; readonly loaded: Loaded }
    | { readonly kind: "failed"; readonly fault: LoadFault };
  /** Bytes of the model that is kept on this device; null: none is. */
  readonly keptBytes: number | null;
  readonly isOffline: boolean;
}

export const idlePrivate: PrivateState = {
  isOn: false,
  phase: { kind: "idle" },
  keptBytes: null,
  isOffline: false,
};

/** What a person can do about asking without sending. None of them rejects. */
export interface PrivateActions {
  /** Loads the model, or puts the question to the service again. */
  setPrivate(isOn: boolean): Promise<void>;
  /** Gives the load up; what has arrived is kept, and the next one goes on from there. */
  cancelPrivate(): Promise<void>;
  /** Removes from this device what was kept, and goes back to the service. */
  removePrivate(): Promise<void>;
  /** Looks at what is kept on this device. */
  lookPrivate(): Promise<void>;
  setOffline(isOffline: boolean): void;
}

/** Who answers without sending. */
export interface PrivateDesk extends PrivateActions {
  /** Answers the draft that stands. Its `ended` rejects with RefusedError, LoadError, or what broke. */
  begin(around: Pick<Surroundings, "tell" | "pause">): Asking;
}

/** Opens the desk; nothing is loaded before it is asked for. */
export function createPrivateDesk(store: Store<State>, baseUrl: string): PrivateDesk {
  let link: PrivateLink | undefined;
  const tell = (change: Partial<PrivateState>): void =>
    store.update((state) => ({ private: { ...state.private, ...change } }));
  let turns = 0;
  const end = (): void => {
    turns += 1;
    link?.end();
    link = undefined;
  };
  const look = async (): Promise<void> => {
    const id = modelOf(store.get())?.id;
    const kept = id === undefined ? null : await keptModel(id);
    if (modelOf(store.get())?.id === id) tell({ keptBytes: kept?.bytes ?? null });
    // The page is worth keeping where a model is: it has newer files than those that were kept with it, perhaps.
    if (kept !== null) await keepPage();
  };
  const load = async (): Promise<void> => {
    const { pass } = store.get();
    const model = modelOf(store.get());
    if (model === null) return;
    end();
    const turn = turns;
    tell({ isOn: true, phase: { kind: "loading", load: null } });
    await keepPage();
    if (turn !== turns) return;
    const own = openPrivateLink();
    link = own;
    try {
      // So that the browser lets go of it last; it may say no.
      await navigator.storage?.persist?.();
      const order = { model, baseUrl, token: pass?.token ?? "" };
      const loaded = await own.load(order, (progress) => {
        if (link === own) tell({ phase: { kind: "loading", load: progress } });
      });
      if (link === own) tell({ phase: { kind: "ready", modelId: model.id, loaded } });
    } catch (cause) {
      if (link !== own) return;
      end();
      // Still on: whoever wanted nothing sent decides herself that it is.
      tell({ phase: { kind: "failed", fault: faultOf(cause) } });
    }
    await look();
  };
  const leave = async (): Promise<void> => {
    end();
    tell({ isOn: false, phase: { kind: "idle" } });
    await look();
  };
  return {
    setPrivate: (isOn) => (isOn ? load() : leave()),
    cancelPrivate: leave,
    async removePrivate() {
      const id = modelOf(store.get())?.id;
      end();
      if (id !== undefined) await removeModel(id);
      await forgetPage();
      await leave();
    },
    lookPrivate: look,
    setOffline: (isOffline) => tell({ isOffline }),
    begin(around) {
      const own = link;
      if (own === undefined) throw new Error("no model is loaded to ask without sending");
      const { images = [], ...body } = watchedAskOf(store.get().draft);
      const pictures = images.filter((picture) => picture instanceof Blob);
      return {
        ended:
          pictures.length < images.length
            ? Promise.reject(new AddressedPictureError())
            : showUpdates(own.ask(body, pictures), around),
        cut: () => undefined,
        stop: () => own.stop(),
      };
    },
  };
}

/** A picture that only the service could fetch. */
export class AddressedPictureError extends Error {
  override readonly name = "AddressedPictureError";
}

function faultOf(cause: unknown): LoadFault {
  if (cause instanceof LoadError) return cause.fault;
  return { kind: "other", message: cause instanceof Error ? cause.message : String(cause) };
}
