import type { JSX } from "hono/jsx/jsx-runtime";
import { CopyButton } from "../../parts/copy-button.tsx";

export interface ShownOnceProps {
  readonly title: string;
  readonly secret: string;
  readonly advice: string;
  readonly onClose: () => void;
}

/** A secret that was just made: it leaves the page with this card. */
export function ShownOnce({ title, secret, advice, onClose }: ShownOnceProps): JSX.Element {
  return (
    <section class="card once" role="status" aria-label={title}>
      <h2>{title}</h2>
      <p>{advice}</p>
      <pre class="secret">
        <code>{secret}</code>
      </pre>
      <div class="row">
        <CopyButton text={secret} name="Copy" />
        <button type="button" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </section>
  );
}
