import type { SqlStore } from "../../storage/sql-store.ts";
import { putEndpoint, putSecrets, readEndpoints, readSecrets } from "../storage/endpoints.ts";
import type { AccountSecrets, Endpoint } from "../storage/webhook-tables.ts";

/** An account's webhooks as the backups see them: read whole, and written anew once. */
export interface EndpointsBackup {
  /** Reads where the account wants to be told, and what signs it. Changes nothing. */
  exportEndpoints(): Promise<SavedEndpoints>;
  /**
   * Writes them where there are none. `cut`: the name of what they are restored from; the same again changes nothing, whatever became of
   * them since.
   */
  restoreEndpoints(
    accountId: string,
    cut: string,
    saved: SavedEndpoints,
  ): Promise<EndpointsOutcome>;
}

/** What is kept of an account's webhooks outside of it. What is on its way to them is not: that tells of answers, which go when they are to go. */
export interface SavedEndpoints {
  readonly endpoints: readonly SavedEndpoint[];
  /** What signs for addresses that requests name; null before the first. */
  readonly secrets: AccountSecrets | null;
}

/** An endpoint without how it did lately: the receiver is not held to the time in which nobody asked it. */
export type SavedEndpoint = Omit<Endpoint, "failingSince">;

/** `restored` · `before`: an earlier call had, from that cut · `not_empty`: there are others, or they were restored from another cut. */
export type EndpointsOutcome = "restored" | "before" | "not_empty";

/** Reads what is to be kept of an account's webhooks. */
export function readSaved(store: SqlStore): SavedEndpoints {
  const endpoints = readEndpoints(store).map(({ failingSince: _, ...endpoint }) => endpoint);
  return { endpoints, secrets: readSecrets(store) };
}

/** Writes it into an account that has none; in one transaction of its caller's. */
export function restoreSaved(
  store: SqlStore,
  accountId: string,
  cut: string,
  { endpoints, secrets }: SavedEndpoints,
): EndpointsOutcome {
  const [account] = store.all<{ restored_from: string | null }>(
    "SELECT restored_from FROM account",
  );
  if (account?.restored_from === cut) return "before";
  const isEmpty = readEndpoints(store).length === 0 && readSecrets(store) === null;
  if (!isEmpty || (account?.restored_from ?? null) !== null) return "not_empty";
  for (const endpoint of endpoints) putEndpoint(store, { ...endpoint, failingSince: null });
  if (secrets !== null) putSecrets(store, secrets);
  store.all(
    `INSERT INTO account (one, id, restored_from) VALUES (1, ?1, ?2)
       ON CONFLICT (one) DO UPDATE SET restored_from = excluded.restored_from`,
    [accountId, cut],
  );
  return "restored";
}
