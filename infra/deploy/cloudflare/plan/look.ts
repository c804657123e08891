import type { Cloud } from "../account/cloud.ts";
import { bucketRulesOf } from "../config/bucket-rules.ts";
import type { WranglerConfig } from "../config/wrangler-config.ts";
import type { Present } from "./plan.ts";

/** Asks the account what it holds. `onIds` is told the databases' ids before the first command that needs them. */
export async function look(
  cloud: Cloud,
  wanted: WranglerConfig,
  migrations: readonly string[],
  onIds: (ids: ReadonlyMap<string, string>) => void,
): Promise<Present> {
  const databases = await cloud.databases();
  onIds(databases);
  const pending = new Map<string, readonly string[]>();
  for (const { binding, database_name: name } of wanted.d1_databases)
    if (databases.has(name)) pending.set(name, await cloud.pendingMigrations(binding, migrations));
  const queues = new Set<string>();
  for (const { queue, dead_letter_queue: dead } of wanted.queues.consumers ?? [])
    for (const name of [queue, dead])
      if (name !== undefined && (await cloud.hasQueue(name))) queues.add(name);
  const buckets = await cloud.buckets();
  const rules = new Map<string, ReadonlySet<string>>();
  for (const bucket of new Set(bucketRulesOf(wanted).map((rule) => rule.bucket)))
    if (buckets.has(bucket)) rules.set(bucket, await cloud.rules(bucket));
  const secrets = await cloud.secrets();
  const versions = secrets === null ? [] : await cloud.versions();
  const current = secrets === null ? null : await cloud.current();
  return { databases, pending, queues, buckets, rules, secrets, versions, current };
}
