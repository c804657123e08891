import type { Version } from "../account/cloud.ts";
import type { VersionLabel } from "../account/commands.ts";
import { type BucketRule, bucketRulesOf } from "../config/bucket-rules.ts";
import { SECRETS } from "../config/secret-names.ts";
import { jurisdictionOf, type WranglerConfig } from "../config/wrangler-config.ts";

/** What the account holds of what an environment needs. */
export interface Present {
  /** Ids by name. */
  readonly databases: ReadonlyMap<string, string>;
  /** Files that are still to run, by database. */
  readonly pending: ReadonlyMap<string, readonly string[]>;
  readonly queues: ReadonlySet<string>;
  readonly buckets: ReadonlySet<string>;
  /** Names of the rules that delete, by bucket. */
  readonly rules: ReadonlyMap<string, ReadonlySet<string>>;
  /** Null: there is no such Worker yet. */
  readonly secrets: ReadonlySet<string> | null;
  readonly versions: readonly Version[];
  readonly current: string | null;
}

/** One thing that a deployment makes sure of. */
export interface Step {
  /** Stays the same from run to run. */
  readonly id: string;
  readonly kind: "database" | "migrations" | "queue" | "bucket" | "rule" | "secret" | "deploy";
  readonly name: string;
  /** `there`: nothing is to be done · `do` · `look`: only the account knows, and it was not asked. */
  readonly state: "there" | "do" | "look";
  /** What is done or found, in words. */
  readonly says: string;
}

export interface Plan {
  readonly worker: string;
  readonly steps: readonly Step[];
}

/**
 * What is to be done so that an environment stands as wanted: first what the Worker is bound to, then secrets, last the Worker, so that it is
 * never without what it needs. `present` null: nobody was asked, and nothing is taken to be there. Asks nobody itself.
 */
export function planDeployment(
  wanted: WranglerConfig,
  label: VersionLabel,
  migrations: readonly string[],
  present: Present | null,
): Plan {
  const state = (isThere: boolean | undefined): Step["state"] =>
    isThere === undefined ? "look" : isThere ? "there" : "do";
  const place = jurisdictionOf(wanted);
  const inPlace = place === null ? "" : `, in the jurisdiction ${place}`;
  const databases = wanted.d1_databases.flatMap(({ database_name: name, binding }): Step[] => {
    const id = present?.databases.get(name);
    const pending = present?.pending.get(name) ?? migrations;
    return [
      {
        id: `database ${name}`,
        kind: "database",
        name,
        state: state(present === null ? undefined : id !== undefined),
        says:
          id === undefined
            ? `made as ${binding}${inPlace}, found by its name from then on`
            : `is ${id}`,
      },
      {
        id: `migrations ${name}`,
        kind: "migrations",
        name,
        state: state(present === null ? undefined : pending.length === 0),
        says: pending.length === 0 ? "all have run" : pending.join(", "),
      },
    ];
  });
  const queues = queuesOf(wanted).map(
    ({ name, says }): Step => ({
      id: `queue ${name}`,
      kind: "queue",
      name,
      says,
      state: state(present?.queues.has(name)),
    }),
  );
  const buckets = wanted.r2_buckets.map(
    ({ bucket_name: name, binding }): Step => ({
      id: `bucket ${name}`,
      kind: "bucket",
      name,
      says: `bound as ${binding}${inPlace}`,
      state: state(present?.buckets.has(name)),
    }),
  );
  const rules = bucketRulesOf(wanted).map((rule): Step => {
    const name = nameOfRule(rule);
    const isThere = present?.rules.get(rule.bucket)?.has(rule.name) === true;
    return {
      id: `rule ${name}`,
      kind: "rule",
      name,
      says: `deletes ${rule.prefix === "" ? "what" : `what under ${rule.prefix}`} is older than ${rule.days} days`,
      state: state(present === null ? undefined : isThere),
    };
  });
  const secrets = SECRETS.map(
    (name): Step => ({
      id: `secret ${name}`,
      kind: "secret",
      name,
      state: state(present === null ? undefined : present.secrets?.has(name) === true),
      says: SECRET_SAYS[name],
    }),
  );
  const steps = [...databases, ...queues, ...buckets, ...rules, ...secrets];
  return { worker: wanted.name, steps: [...steps, deployStep(wanted.name, label, steps, present)] };
}

/** What a rule is called among the steps: rules of two buckets may have one name. */
export function nameOfRule({ bucket, name }: BucketRule): string {
  return `${bucket} ${name}`;
}

const SECRET_SAYS: Readonly<Record<(typeof SECRETS)[number], string>> = {
  TICKET_KEY:
    "a pair is drawn here: the private half goes to the edge alone, the public one is told",
  ADMIN_KEY: "drawn here, kept in a file that only you can read",
};

/** The dead letter queue before the one that leads to it; it has a consumer of its own. */
function queuesOf({ queues }: WranglerConfig): readonly { name: string; says: string }[] {
  const all = (queues.consumers ?? []).flatMap(({ queue, dead_letter_queue: dead }) => [
    ...(dead === undefined ? [] : [{ name: dead, says: `what ${queue} cannot deliver` }]),
    { name: queue, says: "carries usage" },
  ]);
  return all.filter(({ name }, index) => all.findIndex((other) => other.name === name) === index);
}

function deployStep(
  name: string,
  { tag }: VersionLabel,
  before: readonly Step[],
  present: Present | null,
): Step {
  const running = present?.versions.find(({ id }) => id === present.current);
  const bringsSecrets = before.some(({ kind, state }) => kind === "secret" && state !== "there");
  const isRunning = running?.tag === tag && !bringsSecrets;
  return {
    id: `deploy ${name}`,
    kind: "deploy",
    name,
    state: present === null ? "look" : isRunning ? "there" : "do",
    says: isRunning ? `version ${tag} runs` : `version ${tag}`,
  };
}
