import type { JSX } from "hono/jsx/jsx-runtime";
import type { Words } from "./words.ts";

export interface AlertProps {
  readonly words: Omit<Words, "action">;
  /** Absent: it stays until what it is about is over. */
  readonly onClose?: () => void;
  /** Buttons of what helps. */
  readonly children?: unknown;
}

/** Says what happened and what to do, at once, also to those who listen. */
export function Alert({ words, onClose, children }: AlertProps): JSX.Element {
  const { title, advice, reference } = words;
  return (
    <section class="card trouble" role="alert">
      <h2>{title}</h2>
      <p>{advice}</p>
      <div class="row">
        {children as JSX.Element}
        {onClose !== undefined && (
          <button type="button" onClick={onClose}>
            Close
          </button>
        )}
        {reference !== undefined && <code class="fine">{reference}</code>}
      </div>
    </section>
  );
}
