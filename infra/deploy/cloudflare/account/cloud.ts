import type { BucketRule } from "../config/bucket-rules.ts";
import { COMMANDS, type Jurisdiction, type VersionLabel } from "./commands.ts";
import { mustRun, type Wrangler, WranglerError } from "./wrangler.ts";

/** A version of the Worker as the account lists it. */
export interface Version {
  readonly id: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Empty where whoever deployed it gave none. */
  readonly tag: string;
  readonly message: string;
}

/** What an account holds, and what can be made in it: wrangler's commands with their replies read. Methods reject with WranglerError. */
export interface Cloud {
  /** Names of the accounts that whoever is logged in may use; null where nobody is. */
  accounts(): Promise<readonly { readonly id: string; readonly name: string }[] | null>;
  /** Ids by name. */
  databases(): Promise<ReadonlyMap<string, string>>;
  createDatabase(name: string): Promise<void>;
  pendingMigrations(binding: string, all: readonly string[]): Promise<readonly string[]>;
  applyMigrations(binding: string): Promise<void>;
  hasQueue(name: string): Promise<boolean>;
  createQueue(name: string): Promise<void>;
  buckets(): Promise<ReadonlySet<string>>;
  createBucket(name: string): Promise<void>;
  /** Names of a bucket's rules that delete. */
  rules(bucket: string): Promise<ReadonlySet<string>>;
  addRule(rule: BucketRule): Promise<void>;
  /** Names; null where there is no such Worker yet. */
  secrets(): Promise<ReadonlySet<string> | null>;
  /** The last ten, newest first; none where there is no such Worker yet. */
  versions(): Promise<readonly Version[]>;
  /** Id of the version that takes all requests; null where none does, or several share them. */
  current(): Promise<string | null>;
  /** Ids of the versions that took requests in one of the last ten deployments. */
  released(): Promise<ReadonlySet<string>>;
  build(folder: string): Promise<void>;
  /** Returns the addresses at which the Worker is reached from now on. */
  deploy(label: VersionLabel, secretsFile: string | null): Promise<readonly string[]>;
  changeSecrets(
    changes: Readonly<Record<string, string | null>>,
    label: VersionLabel,
  ): Promise<void>;
  release(version: string, message: string): Promise<void>;
  rollback(version: string, message: string): Promise<void>;
}

/**
 * Opens the account through wrangler. `config` is the resolved configuration, written before what needs it is called; databases and
 * buckets are those of the jurisdiction.
 */
export function openCloud(wrangler: Wrangler, config: string, jurisdiction: Jurisdiction): Cloud {
  const run = (args: readonly string[], stdin?: string) => mustRun(wrangler, args, stdin);
  const make = async (args: readonly string[]): Promise<void> => void (await run(args));
  return {
    accounts: () => accountsOf(wrangler),
    databases: async () => {
      const listed = JSON.parse(await run(COMMANDS.databases())) as {
        name: string;
        uuid: string;
      }[];
      return new Map(listed.map(({ name, uuid }) => [name, uuid]));
    },
    createDatabase: (name) => make(COMMANDS.createDatabase(name, jurisdiction)),
    pendingMigrations: async (binding, all) => {
      const said = await run(COMMANDS.pendingMigrations(binding, config));
      return all.filter((file) => said.includes(file));
    },
    applyMigrations: (binding) => make(COMMANDS.applyMigrations(binding, config)),
    hasQueue: (name) => exists(wrangler, COMMANDS.queue(name), /does not exist/),
    createQueue: (name) => make(COMMANDS.createQueue(name)),
    buckets: async () => namesIn(await run(COMMANDS.buckets(jurisdiction))),
    createBucket: (name) => make(COMMANDS.createBucket(name, jurisdiction)),
    rules: async (bucket) => namesIn(await run(COMMANDS.rules(bucket, jurisdiction))),
    addRule: (rule) => make(COMMANDS.addRule(rule, jurisdiction)),
    secrets: async () => {
      const said = await unlessNoWorker(run(COMMANDS.secrets(config)));
      if (said === null) return null;
      return new Set((JSON.parse(said) as { name: string }[]).map(({ name }) => name));
    },
    versions: async () => versionsIn(await unlessNoWorker(run(COMMANDS.versions(config)))),
    current: async () => currentIn(await unlessNoWorker(run(COMMANDS.deployments(config)))),
    released: async () => releasedIn(await unlessNoWorker(run(COMMANDS.deployments(config)))),
    build: (folder) => make(COMMANDS.build(folder, config)),
    deploy: async (label, secretsFile) => {
      const said = await run(COMMANDS.deploy(label, secretsFile, config));
      return [...said.matchAll(/^\s*(https:\/\/\S+)/gm)].map(([, url = ""]) => url);
    },
    changeSecrets: async (changes, label) =>
      void (await run(COMMANDS.changeSecrets(label, config), JSON.stringify(changes))),
    release: (version, message) => make(COMMANDS.release(version, message, config)),
    rollback: (version, message) => make(COMMANDS.rollback(version, message, config)),
  };
}

/** Of what wrangler lists as lines of a label and a value. */
function namesIn(said: string): ReadonlySet<string> {
  return new Set([...said.matchAll(/^name:\s+(\S+)$/gm)].map(([, name = ""]) => name));
}

async function accountsOf(wrangler: Wrangler): ReturnType<Cloud["accounts"]> {
  const { status, stdout } = await wrangler(COMMANDS.whoami());
  if (status !== 0) return null;
  const { accounts } = JSON.parse(stdout) as { accounts?: { id: string; name: string }[] };
  return accounts ?? [];
}

/** Whether a thing is there, told by whether wrangler shows it; what fails otherwise is a fault. */
async function exists(
  wrangler: Wrangler,
  args: readonly string[],
  absent: RegExp,
): Promise<boolean> {
  const result = await wrangler(args);
  if (result.status === 0) return true;
  const fault = new WranglerError(args, result);
  if (absent.test(fault.words)) return false;
  throw fault;
}

/** By its code (10007), or as wrangler says it of secrets. */
const NO_WORKER = /code: 10007|Worker "[^"]*"(?: \(env: [^)]*\))? not found|has no deployments/;

async function unlessNoWorker(said: Promise<string>): Promise<string | null> {
  try {
    return await said;
  } catch (cause) {
    if (cause instanceof WranglerError && NO_WORKER.test(cause.words)) return null;
    throw cause;
  }
}

interface ListedVersion {
  readonly id: string;
  readonly metadata: { readonly created_on: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

function versionsIn(said: string | null): readonly Version[] {
  const listed = said === null ? [] : (JSON.parse(said) as ListedVersion[]);
  return listed
    .map(({ id, metadata, annotations = {} }) => ({
      id,
      createdAt: metadata.created_on,
      tag: annotations["workers/tag"] ?? "",
      message: annotations["workers/message"] ?? "",
    }))
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

interface ListedDeployment {
  readonly created_on: string;
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
}

function releasedIn(said: string | null): ReadonlySet<string> {
  const listed = said === null ? [] : (JSON.parse(said) as ListedDeployment[]);
  return new Set(listed.flatMap(({ versions }) => versions.map(({ version_id: id }) => id)));
}

function currentIn(said: string | null): string | null {
  const listed = said === null ? [] : (JSON.parse(said) as ListedDeployment[]);
  const [latest] = listed.toSorted((a, b) => b.created_on.localeCompare(a.created_on));
  const whole = latest?.versions.find(({ percentage }) => percentage === 100);
  return whole?.version_id ?? null;
}
