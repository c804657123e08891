import { useEffect, useId, useRef, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { AccountTrouble } from "../data/trouble.ts";

export interface DialogProps {
  readonly title: string;
  /** What its button says, and what leaving it does. */
  readonly closing: readonly [name: string, onClose: () => void];
  readonly children?: unknown;
}

/** A dialog over the page: the browser keeps the focus in it, Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, closing, children }: DialogProps): JSX.Element {
  const [name, onClose] = closing;
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={id} onClose={onClose}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" onClick={onClose}>
          {name}
        </button>
      </div>
      {children as JSX.Element}
    </dialog>
  );
}

/** Something that a person does: whether it is under way, and what went wrong with it. */
export interface Deed {
  readonly isBusy: boolean;
  readonly trouble: AccountTrouble | null;
  /** Does it, unless it is under way. Resolves to whether it was done. */
  readonly run: (act: () => Promise<unknown>) => Promise<boolean>;
}

export function useDeed(troubleOf: (cause: unknown) => AccountTrouble): Deed {
  const [{ isBusy, trouble }, set] = useState<Pick<Deed, "isBusy" | "trouble">>({
    isBusy: false,
    trouble: null,
  });
  return {
    isBusy,
    trouble,
    async run(act) {
      if (isBusy) return false;
      set({ isBusy: true, trouble: null });
      try {
        await act();
        set({ isBusy: false, trouble: null });
        return true;
      } catch (cause) {
        set({ isBusy: false, trouble: troubleOf(cause) });
        return false;
      }
    },
  };
}

/** What went wrong with what was tried in a form; what was typed stays. */
export function DeedTrouble({ deed }: { readonly deed: Deed }): JSX.Element | null {
  // Where the session is over, the way back in lies over the form and says so.
  if (deed.trouble === null || deed.trouble.action === "sign_in") return null;
  const { title, advice, reference } = deed.trouble;
  return (
    <div class="amiss" role="alert">
      <p>
        <strong>{title}.</strong> {advice}
      </p>
      {reference !== undefined && <code class="fine">{reference}</code>}
    </div>
  );
}
