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

export interface DeedEndProps {
  readonly deed: Deed;
  /** What its button says before, and while it is under way. */
  readonly names: readonly [name: string, busy: string];
  /** What the way out is called, and where it leads. */
  readonly leaving: readonly [name: string, onClose: () => void];
  /** Absent: the form that it ends is sent. */
  readonly onAct?: () => void;
  /** Stands behind the buttons. */
  readonly children?: unknown;
}

/** What ends a dialog: what went wrong with the deed, the button that does it, and the way out. */
export function DeedEnd({ deed, names, leaving, onAct, children }: DeedEndProps): JSX.Element {
  const label = deed.isBusy ? names[1] : names[0];
  const [leave, onClose] = leaving;
  return (
    <>
      <DeedTrouble deed={deed} />
      <div class="row">
        {onAct === undefined ? (
          <button type="submit" class="main" disabled={deed.isBusy}>
            {label}
          </button>
        ) : (
          <button type="button" class="danger" disabled={deed.isBusy} onClick={onAct}>
            {label}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {leave}
        </button>
        {children as JSX.Element}
      </div>
    </>
  );
}

export interface DeedFormProps extends Omit<DeedEndProps, "leaving" | "onAct" | "children"> {
  readonly onSubmit: (form: HTMLFormElement) => Promise<void>;
  readonly onClose: () => void;
  /** Stands behind the buttons. */
  readonly hint?: JSX.Element;
  readonly children: unknown;
}

/** A form in a dialog that does something. */
export function DeedForm(props: DeedFormProps): JSX.Element {
  const { deed, names, onSubmit, onClose, hint, children } = props;
  return (
    <form
      class="form"
      onSubmit={(event: Event) => {
        event.preventDefault();
        void onSubmit(event.currentTarget as HTMLFormElement);
      }}
    >
      {children as JSX.Element}
      <DeedEnd deed={deed} names={names} leaving={["Leave it", onClose]}>
        {hint}
      </DeedEnd>
    </form>
  );
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
