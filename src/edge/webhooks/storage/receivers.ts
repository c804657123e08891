import type { SqlStore } from "../../storage/sql-store.ts";

// For each receiver that something waits for, when the first of it is due: kept with every change, so that neither an
// accepted notice nor a sending reads what waits for others.

/** Brings a receiver's entry up to date. To be called after every change of what waits for it. */
export function noteReceiver(store: SqlStore, receiver: string): void {
  const [first] = store.all<{ due: number | null }>(
    "SELECT min(due_at) AS due FROM deliveries WHERE state = 'waiting' AND receiver = ?",
    [receiver],
  );
  const due = first?.due ?? null;
  if (due === null) store.all("DELETE FROM receivers WHERE name = ?", [receiver]);
  else
    store.all(
      `INSERT INTO receivers (name, due_at) VALUES (?, ?) ON CONFLICT (name)
         DO UPDATE SET due_at = excluded.due_at WHERE due_at <> excluded.due_at`,
      [receiver, due],
    );
}

/** Returns whom an address burdens: all addresses of one host. What is no address stands for itself, and fails when it is sent to. */
export function receiverOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
