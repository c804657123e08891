import type { JSX } from "hono/jsx/jsx-runtime";
import type { Run } from "../state.ts";

/** What became of the connection. */
export function StreamNotes({ run }: { readonly run: Run }): JSX.Element | null {
  if (run.notes.length === 0) return null;
  return (
    <ul class="notes">
      {run.notes.map((note) =>
        note.kind === "cut" ? (
          <li>
            <span aria-hidden="true">✂</span> Connection cut; the answer goes on being made.
          </li>
        ) : (
          <li>
            <span aria-hidden="true">↻</span> Resumed with{" "}
            <code>Last-Event-ID: {note.lastEventId}</code>: nothing lost, nothing told twice.
          </li>
        ),
      )}
    </ul>
  );
}
