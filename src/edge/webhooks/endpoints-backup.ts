import type { EndpointsOutcome, SavedEndpoints } from "./storage/webhook-tables.ts";

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
