import path from "node:path";
import { jurisdictionOf, type WranglerConfig } from "./wrangler-config.ts";

/** What wrangler's reading says of itself, and no configuration may. */
const OF_THE_READING: ReadonlySet<string> = new Set([
  "configPath",
  "userConfigPath",
  "topLevelName",
  "definedEnvironments",
  "targetEnvironment",
  // Settings of `wrangler dev`, and defaults of the compiler that it has itself.
  "dev",
  "build",
  "jsx_factory",
  "jsx_fragment",
  "python_modules",
  "cloudchamber",
]);

/**
 * The configuration of one environment as a file of its own: ids of databases filled in, buckets of its jurisdiction, paths absolute, nothing
 * that is empty. It
 * lies outside of the repository's files, so that ids are pasted by nobody. `root` is the repository's.
 */
export function resolveConfig(
  config: WranglerConfig,
  root: string,
  ids: ReadonlyMap<string, string>,
): object {
  const kept = Object.entries(config).filter(
    ([key, value]) => !OF_THE_READING.has(key) && !isEmpty(value),
  );
  const place = jurisdictionOf(config);
  const at = (file: string): string => path.resolve(root, file);
  return {
    ...Object.fromEntries(kept),
    main: at(config.main),
    ...(config.assets === undefined
      ? {}
      : { assets: { ...config.assets, directory: at(config.assets.directory) } }),
    ...(place === null || config.r2_buckets.length === 0
      ? {}
      : { r2_buckets: config.r2_buckets.map((bucket) => ({ ...bucket, jurisdiction: place })) }),
    d1_databases: config.d1_databases.map((database) => ({
      ...database,
      database_id: ids.get(database.database_name) ?? UNKNOWN_ID,
      migrations_dir: at(database.migrations_dir ?? "migrations"),
    })),
  };
}

/** Stands for a database that is not there yet: bundling asks for an id and reaches nobody. */
const UNKNOWN_ID = "00000000-0000-0000-0000-000000000000";

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}
