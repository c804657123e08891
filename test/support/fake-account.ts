import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { WranglerResult } from "../../infra/deploy/cloudflare/account/wrangler.ts";
import { d1Migrations } from "../../infra/deploy/cloudflare/versions/schemas.ts";

/** An account as the fake wrangler keeps it, in one file. */
export interface AccountState {
  isLoggedIn: boolean;
  accounts: { id: string; name: string }[];
  databases: { name: string; uuid: string; applied: string[] }[];
  queues: string[];
  buckets: string[];
  /** By bucket. */
  rules: Record<string, FakeRule[]>;
  /** Names that others have, and that no list shows. */
  taken: string[];
  workers: Record<string, FakeWorker>;
  /** Every command that was given, as it was typed. */
  commands: string[];
}

export interface FakeRule {
  id: string;
  prefix: string;
  days: number;
}

export interface FakeWorker {
  secrets: Record<string, string>;
  versions: {
    id: string;
    tag: string;
    message: string;
    createdAt: string;
    secrets: Record<string, string>;
  }[];
  deployments: { createdAt: string; version: string }[];
}

export function emptyAccount(): AccountState {
  return {
    isLoggedIn: true,
    accounts: [{ id: "a1", name: "Ours" }],
    databases: [],
    queues: [],
    buckets: [],
    rules: {},
    taken: [],
    workers: {},
    commands: [],
  };
}

export function readAccount(file: string): AccountState {
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as AccountState)
    : emptyAccount();
}

/** Does what wrangler 4.155.0 does with these arguments to an account that lies in a file; words and forms are wrangler's. */
export function actOn(file: string, args: readonly string[], stdin: string): WranglerResult {
  const state = readAccount(file);
  state.commands.push(args.join(" "));
  const result = act(state, args, stdin);
  writeFileSync(file, JSON.stringify(state, null, 1));
  return result;
}

const said = (stdout: string): WranglerResult => ({ status: 0, stdout, stderr: "" });
const json = (value: unknown): WranglerResult => said(JSON.stringify(value, null, 2));
const failed = (words: string): WranglerResult => ({
  status: 1,
  stdout: "",
  stderr: `\u001b[31m✘ [ERROR]\u001b[0m ${words}\n`,
});

function act(state: AccountState, args: readonly string[], stdin: string): WranglerResult {
  const words = args.filter((word) => !word.startsWith("-"));
  const [first = "", second = ""] = words;
  if (first === "deploy" && args.includes("--dry-run")) return said("--dry-run: exiting now.\n");
  if (first === "whoami")
    return state.isLoggedIn
      ? json({ loggedIn: true, accounts: state.accounts })
      : { status: 1, stdout: '{"loggedIn":false}\n', stderr: "" };
  if (!state.isLoggedIn)
    return failed("In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN");
  switch (first) {
    case "d1":
      return actOnDatabases(state, args, words);
    case "queues":
      return actOnQueues(state, second, words[2] ?? "");
    case "r2":
      return words[2] === "lifecycle"
        ? actOnRules(state, args)
        : actOnBuckets(state, words[2] ?? "", words[3] ?? "");
    default:
      return actOnWorker(state, args, words, stdin);
  }
}

function actOnDatabases(
  state: AccountState,
  args: readonly string[],
  [, command = "", name = "", binding = ""]: readonly string[],
): WranglerResult {
  if (command === "list")
    return json(
      state.databases.map(({ name: one, uuid }) => ({ uuid, name: one, version: "production" })),
    );
  if (command === "create") {
    if ([...state.databases.map((one) => one.name), ...state.taken].includes(name))
      return failed("A database with that name already exists");
    state.databases.push({ name, uuid: `0000000${state.databases.length + 1}-d1`, applied: [] });
    return said(`✅ Successfully created DB '${name}'\n`);
  }
  const { d1_databases: databases } = configIn(args);
  const bound = databases.find((one) => one.binding === binding);
  const database = state.databases.find(({ uuid }) => uuid === bound?.database_id);
  if (database === undefined) return failed(`Couldn't find a D1 DB with the id of '${binding}'`);
  const files = d1Migrations(bound?.migrations_dir ?? "");
  const pending = files.filter((one) => !database.applied.includes(one));
  if (name === "apply") database.applied.push(...pending);
  return said(
    pending.length === 0
      ? "✅ No migrations to apply!\n"
      : `Migrations to be applied:\n${pending.map((one) => `│ ${one} │\n`).join("")}`,
  );
}

function actOnQueues(state: AccountState, command: string, name: string): WranglerResult {
  const isThere = state.queues.includes(name);
  if (command === "info")
    return isThere
      ? said(`Queue Name: ${name}\nQueue ID: q\n`)
      : failed(`Queue "${name}" does not exist. To create it, run: wrangler queues create ${name}`);
  if (isThere || state.taken.includes(name))
    return failed(`Queue name is already taken [code: 11009]`);
  state.queues.push(name);
  return said(`✅ Created queue '${name}'\n`);
}

/** What a page of a list holds; wrangler reads the first. */
const PAGE = 20;

function actOnBuckets(state: AccountState, command: string, name: string): WranglerResult {
  if (command === "list")
    return said(
      `Listing buckets...\n${state.buckets
        .slice(0, PAGE)
        .map((one) => `name:           ${one}\ncreation_date:  2026-11-28T00:00:00.000Z`)
        .join("\n\n")}\n`,
    );
  if (state.taken.includes(name))
    return failed(
      "The bucket you tried to create already exists, and is owned by another user. [code: 10005]",
    );
  if (state.buckets.includes(name))
    return failed("The bucket you tried to create already exists, and you own it. [code: 10004]");
  state.buckets.push(name);
  return said(`✅ Created bucket '${name}'\n`);
}

function actOnRules(state: AccountState, args: readonly string[]): WranglerResult {
  const days = args.indexOf("--expire-days");
  const [bucket = "", id = "", prefix = ""] = args.slice(4, days === -1 ? undefined : days);
  if (!state.buckets.includes(bucket))
    return failed("The specified bucket does not exist. [code: 10006]");
  const rules = state.rules[bucket] ?? [];
  state.rules[bucket] = rules;
  if (args[3] === "add") {
    if (rules.some((rule) => rule.id === id))
      return failed("The lifecycle configuration has two rules of one id. [code: 10040]");
    rules.push({ id, prefix, days: Number(args[days + 1]) });
    return said(`✨ Added lifecycle rule '${id}' to bucket '${bucket}'.\n`);
  }
  const listed = rules.map(
    (rule) =>
      `name:     ${rule.id}\nenabled:  Yes\nprefix:   ${rule.prefix || "(all prefixes)"}\naction:   Expire objects after ${rule.days} days`,
  );
  return said(
    `Listing lifecycle rules for bucket '${bucket}'...\n${listed.join("\n\n") || `There are no lifecycle rules for bucket '${bucket}'.`}\n`,
  );
}

function actOnWorker(
  state: AccountState,
  args: readonly string[],
  words: readonly string[],
  stdin: string,
): WranglerResult {
  const { name } = configIn(args);
  const option = (flag: string): string => args[args.indexOf(flag) + 1] ?? "";
  const worker = state.workers[name];
  if (words[0] === "deploy") return deploy(state, name, args, option);
  if (worker === undefined)
    return failed(
      words[0] === "secret"
        ? `Worker "${name}" not found.`
        : `A request to the Cloudflare API failed.\n  This Worker does not exist on your account. [code: 10007]`,
    );
  const message = option("--message");
  switch (`${words[0]} ${words[1]}`) {
    case "secret list":
      return json(Object.keys(worker.secrets).map((one) => ({ name: one, type: "secret_text" })));
    case "versions list":
      return json(
        worker.versions.map(({ id, tag, message: text, createdAt }) => ({
          id,
          metadata: { created_on: createdAt },
          annotations: { "workers/tag": tag, "workers/message": text },
        })),
      );
    case "deployments list":
      return json(
        worker.deployments.map(({ createdAt, version }) => ({
          created_on: createdAt,
          versions: [{ version_id: version, percentage: 100 }],
        })),
      );
    case "versions secret": {
      const changes = JSON.parse(stdin) as Record<string, string | null>;
      const secrets = { ...worker.versions.at(-1)?.secrets, ...changes };
      const kept = Object.entries(secrets).filter(
        (entry): entry is [string, string] => entry[1] !== null,
      );
      addVersion(worker, option("--tag"), message, Object.fromEntries(kept));
      return said("✨ Success! Created version\n");
    }
    default: {
      const id = words.find((word) => /^v\d+/.test(word))?.replace("@100", "") ?? "";
      return release(worker, id);
    }
  }
}

function deploy(
  state: AccountState,
  name: string,
  args: readonly string[],
  option: (flag: string) => string,
): WranglerResult {
  const { d1_databases: databases, queues } = configIn(args);
  const lacks = databases.find(
    ({ database_id: id }) => !state.databases.some(({ uuid }) => uuid === id),
  );
  if (lacks !== undefined) return failed(`binding ${lacks.binding} has no database [code: 10181]`);
  const queue = queues.consumers.find((one) => !state.queues.includes(one.queue));
  if (queue !== undefined) return failed(`Queue "${queue.queue}" does not exist [code: 100121]`);
  const worker = state.workers[name] ?? { secrets: {}, versions: [], deployments: [] };
  state.workers[name] = worker;
  const added = args.includes("--secrets-file")
    ? (JSON.parse(readFileSync(option("--secrets-file"), "utf8")) as Record<string, string>)
    : {};
  const id = addVersion(worker, option("--tag"), option("--message"), {
    ...worker.secrets,
    ...added,
  });
  release(worker, id);
  return said(
    `Uploaded ${name}\nDeployed ${name} triggers\n  https://${name}.ours.workers.dev\nCurrent Version ID: ${id}\n`,
  );
}

function addVersion(
  worker: FakeWorker,
  tag: string,
  message: string,
  secrets: Record<string, string>,
): string {
  const number = worker.versions.length + 1;
  const id = `v${number}`;
  worker.versions.push({ id, tag, message, createdAt: timeOf(number), secrets });
  return id;
}

function release(worker: FakeWorker, id: string): WranglerResult {
  const version = worker.versions.find((one) => one.id === id);
  if (version === undefined) return failed(`there is no version ${id} [code: 10211]`);
  worker.deployments.push({ createdAt: timeOf(worker.deployments.length + 1), version: id });
  worker.secrets = version.secrets;
  return said(`Worker Version ${id} has been deployed to 100% of traffic.\n`);
}

function timeOf(number: number): string {
  return new Date(Date.UTC(2026, 10, 28) + number * 60_000).toISOString();
}

interface Config {
  readonly name: string;
  readonly d1_databases: readonly {
    binding: string;
    database_id: string;
    migrations_dir: string;
  }[];
  readonly queues: { readonly consumers: readonly { queue: string }[] };
}

function configIn(args: readonly string[]): Config {
  return JSON.parse(readFileSync(args[args.indexOf("--config") + 1] ?? "", "utf8")) as Config;
}
