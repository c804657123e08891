import type { Cloud } from "../account/cloud.ts";
import type { VersionLabel } from "../account/commands.ts";
import { WranglerError } from "../account/wrangler.ts";
import { bucketRulesOf } from "../config/bucket-rules.ts";
import type { WranglerConfig } from "../config/wrangler-config.ts";
import { type KeyStore, makeSecrets } from "../keys/key-store.ts";
import { nameOfRule, type Plan, type Step } from "./plan.ts";

/** What the steps work with. */
export interface Hands {
  readonly cloud: Cloud;
  readonly wanted: WranglerConfig;
  readonly store: KeyStore;
  /** Writes the resolved configuration with the databases' ids. */
  readonly resolve: (ids: ReadonlyMap<string, string>) => void;
  /** What the version says of itself, once its ticket key is known. */
  readonly label: () => VersionLabel;
  /** Puts secrets where wrangler reads them, for `use` alone. */
  readonly withSecretsFile: <Value>(
    secrets: Readonly<Record<string, string>>,
    use: (file: string) => Promise<Value>,
  ) => Promise<Value>;
  readonly onStep: (step: Step, event: "begins" | "done") => void;
}

/** A step did not succeed. Running the same command again goes on from there. */
export class StepError extends Error {
  override readonly name = "StepError";
  readonly step: Step;
  /** Wrangler's own words. */
  readonly words: string;
  /** What to do about it. */
  readonly advice: string;

  constructor(step: Step, cause: Error) {
    super(`${step.kind} ${step.name}: ${cause.message}`, { cause });
    this.step = step;
    this.words = cause.message;
    this.advice = adviceOn(cause.message);
  }
}

/** Does what is to be done, in order, and returns the addresses of the Worker where it was deployed. Rejects with StepError. */
export async function execute({ steps }: Plan, hands: Hands): Promise<readonly string[]> {
  let urls: readonly string[] = [];
  for (const step of steps) {
    if (step.state === "there") continue;
    hands.onStep(step, "begins");
    try {
      if (step.kind === "deploy") urls = await deploy(hands);
      else await carryOut(step, hands);
    } catch (cause) {
      throw cause instanceof WranglerError ? new StepError(step, cause) : cause;
    }
    hands.onStep(step, "done");
  }
  return urls;
}

async function carryOut({ kind, name }: Step, hands: Hands): Promise<void> {
  const { cloud, wanted, store } = hands;
  switch (kind) {
    case "database": {
      const find = async () => (await cloud.databases()).has(name);
      await makeOrFind(() => cloud.createDatabase(name), find);
      hands.resolve(await cloud.databases());
      return;
    }
    case "migrations": {
      const database = wanted.d1_databases.find((one) => one.database_name === name);
      return await cloud.applyMigrations(database?.binding ?? name);
    }
    case "queue":
      return await makeOrFind(
        () => cloud.createQueue(name),
        () => cloud.hasQueue(name),
      );
    case "bucket":
      return await makeOrFind(
        () => cloud.createBucket(name),
        async () => (await cloud.buckets()).has(name),
      );
    case "rule": {
      const rule = bucketRulesOf(wanted).find((one) => nameOfRule(one) === name);
      if (rule === undefined) throw new Error(`no rule is called ${name}`);
      return await makeOrFind(
        () => cloud.addRule(rule),
        async () => (await cloud.rules(rule.bucket)).has(rule.name),
      );
    }
    case "secret":
      // It goes with the deployment: there is no moment at which the Worker runs without it.
      return void (await makeSecrets(store, [name]));
    case "deploy":
      return;
  }
}

/** Makes it; where that fails because it is there by now, or beyond the first page of a list, it is found. Rejects with what making it said. */
async function makeOrFind(make: () => Promise<void>, find: () => Promise<boolean>): Promise<void> {
  try {
    await make();
  } catch (cause) {
    if (!(cause instanceof WranglerError)) throw cause;
    // R2's words of a bucket of this very account (code 10004).
    if (!/you own it/.test(cause.words) && !(await find())) throw cause;
  }
}

async function deploy({ cloud, store, label, withSecretsFile }: Hands): Promise<readonly string[]> {
  const secrets = store.waiting();
  const names = Object.keys(secrets);
  if (names.length === 0) return await cloud.deploy(label(), null);
  const urls = await withSecretsFile(secrets, (file) => cloud.deploy(label(), file));
  store.arrived(names);
  return urls;
}

/** What can be done about what wrangler says, by what it says. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /CLOUDFLARE_API_TOKEN|not authenticated|Authentication error|code: 10000/i,
    "log in with `npm run wrangler -- login`, or set CLOUDFLARE_API_TOKEN to a token that may edit Workers, D1, Queues and R2",
  ],
  [
    /already exists|already taken|is taken|owned by/i,
    "the name is somebody else's: give it another one in wrangler.toml",
  ],
  [
    /limit|maximum number|quota/i,
    "the account is at a limit of its plan: raise it, or free what is not used",
  ],
  [
    /fetch failed|ENOTFOUND|ECONNRE|ETIMEDOUT|network/i,
    "the network is away: try again when it is back",
  ],
  [
    /code: 10034|enable R2|code: 10042/i,
    "R2 has to be switched on once for the account, in Cloudflare's dashboard",
  ],
];

function adviceOn(words: string): string {
  const known = ADVICE.find(([pattern]) => pattern.test(words))?.[1];
  return known ?? "see what wrangler says above";
}
