import type { BucketRule } from "../config/bucket-rules.ts";

/** Where data may be kept and computed with (`JURISDICTION`); null: anywhere. */
export type Jurisdiction = "eu" | "us" | null;

const within = (jurisdiction: Jurisdiction): string[] =>
  jurisdiction === null ? [] : ["--jurisdiction", jurisdiction];

/**
 * Every argument list that wrangler is given here, in one place: test/deploy/commands.test.ts holds each against the help of the
 * wrangler that is pinned. `config`: the resolved configuration (`resolve.ts`).
 */
export const COMMANDS = {
  whoami: (): string[] => ["whoami", "--json"],
  databases: (): string[] => ["d1", "list", "--json"],
  createDatabase: (name: string, jurisdiction: Jurisdiction): string[] => [
    "d1",
    "create",
    name,
    ...within(jurisdiction),
  ],
  pendingMigrations: (binding: string, config: string): string[] => [
    "d1",
    "migrations",
    "list",
    binding,
    "--remote",
    "--config",
    config,
  ],
  applyMigrations: (binding: string, config: string): string[] => [
    "d1",
    "migrations",
    "apply",
    binding,
    "--remote",
    "--config",
    config,
  ],
  queue: (name: string): string[] => ["queues", "info", name],
  createQueue: (name: string): string[] => ["queues", "create", name],
  /** Those of one jurisdiction: a name may stand for another bucket in each. */
  buckets: (jurisdiction: Jurisdiction): string[] => [
    "r2",
    "bucket",
    "list",
    ...within(jurisdiction),
  ],
  createBucket: (name: string, jurisdiction: Jurisdiction): string[] => [
    "r2",
    "bucket",
    "create",
    name,
    ...within(jurisdiction),
  ],
  rules: (bucket: string, jurisdiction: Jurisdiction): string[] => [
    ...["r2", "bucket", "lifecycle", "list", bucket],
    ...within(jurisdiction),
  ],
  /** `--force`: nobody is there to be asked whether a rule without a prefix is meant. */
  addRule: ({ bucket, name, prefix, days }: BucketRule, jurisdiction: Jurisdiction): string[] => [
    ...["r2", "bucket", "lifecycle", "add", bucket, name],
    ...(prefix === "" ? [] : [prefix]),
    ...["--expire-days", String(days), "--force"],
    ...within(jurisdiction),
  ],
  secrets: (config: string): string[] => ["secret", "list", "--format", "json", "--config", config],
  versions: (config: string): string[] => ["versions", "list", "--json", "--config", config],
  deployments: (config: string): string[] => ["deployments", "list", "--json", "--config", config],
  build: (folder: string, config: string): string[] => [
    "deploy",
    "--dry-run",
    "--outdir",
    folder,
    "--config",
    config,
  ],
  deploy: (label: VersionLabel, secretsFile: string | null, config: string): string[] => [
    "deploy",
    "--tag",
    label.tag,
    "--message",
    label.message,
    ...(secretsFile === null ? [] : ["--secrets-file", secretsFile]),
    "--config",
    config,
  ],
  /** A version of the same code with other secrets, which come as JSON on the standard input; deployed by `release`. */
  changeSecrets: (label: VersionLabel, config: string): string[] => [
    "versions",
    "secret",
    "bulk",
    "--tag",
    label.tag,
    "--message",
    label.message,
    "--config",
    config,
  ],
  release: (version: string, message: string, config: string): string[] => [
    "versions",
    "deploy",
    `${version}@100`,
    "--yes",
    "--message",
    message,
    "--config",
    config,
  ],
  rollback: (version: string, message: string, config: string): string[] => [
    "rollback",
    version,
    "--yes",
    "--message",
    message,
    "--config",
    config,
  ],
} as const;

/** What a version says of itself in the account: by its tag the same code is known again, its message says what it can read. */
export interface VersionLabel {
  /** At most 25 characters. */
  readonly tag: string;
  /** At most 100. */
  readonly message: string;
}
