import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";

/** So long a button says that it was pressed. */
const SAID_MS = 1_500;

/** Puts a text into the clipboard, and says that it did. */
export function CopyButton({
  text,
  name,
  isReady = true,
}: {
  readonly text: string;
  readonly name: string;
  /** Whether the text is what it will be. */
  readonly isReady?: boolean;
}): JSX.Element {
  const [said, say] = useState<string | null>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      // Without TLS, or where the browser refuses: the text can still be marked.
      say("Mark the text to copy it");
    }
    setTimeout(() => say(null), SAID_MS);
  };
  return (
    <button type="button" disabled={!isReady} onClick={() => void copy()}>
      <span aria-live="polite">{said ?? name}</span>
    </button>
  );
}
