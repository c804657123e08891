import type { Bindings } from "../env.ts";
import type { WatchCaller } from "../models/catalog.ts";
import { functionWatch } from "../models/function-watch.ts";
import { registeredFunctions } from "../models/registered-functions.ts";
import { settingsOf } from "../settings.ts";
import { type EdgeMetric, edgeMetrics } from "./catalog.ts";
import { renderMetrics, type Sample } from "./exposition.ts";
import { readBackup } from "./read-backup.ts";
import { readDatabase } from "./read-database.ts";
import { readFunctions } from "./read-functions.ts";

/**
 * Reads everything and writes it down. Calls D1 three times, the queue once, and each function of the settings and each object of
 * registered ones every few seconds at the most; no account's object is called. Rejects where D1 cannot be read: then there is nothing to tell.
 */
export async function scrape(bindings: Bindings, caller: WatchCaller): Promise<string> {
  const now = Date.now();
  const settings = settingsOf(bindings);
  const [database, backup, functions, registered, backlog] = await Promise.all([
    readDatabase(bindings.DB, now),
    readBackup(bindings.DB, now),
    functionWatch.look(settings, caller),
    registeredFunctions(settings, { ...caller, FLEET: bindings.FLEET }, now),
    usageBacklog(bindings),
  ]);
  return renderMetrics<EdgeMetric>(edgeMetrics, [
    ...database,
    ...backup,
    ...readFunctions([...functions, ...registered]),
    ...backlog,
  ]);
}

/** What waits in the queue, where the platform says: not every runtime does. */
async function usageBacklog({
  USAGE,
}: Pick<Bindings, "USAGE">): Promise<readonly Sample<EdgeMetric>[]> {
  try {
    const { backlogCount: value } = await USAGE.metrics();
    return [{ name: "unmask_edge_usage_backlog", labels: [], value }];
  } catch {
    return [];
  }
}
