import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Ajv } from "ajv";
import { afterAll, describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import {
  ENVIRONMENTS,
  readWranglerConfig as read,
  type WranglerConfig,
} from "../../infra/deploy/cloudflare/config/wrangler-config.ts";

/** What the Worker is bound to, without the names of what stands behind it in the account. */
function shape(config: WranglerConfig): object {
  return {
    main: config.main,
    compatibility: [config.compatibility_date, config.compatibility_flags],
    assets: config.assets,
    observability: config.observability,
    vars: Object.keys(config.vars).sort(),
    objects: config.durable_objects,
    triggers: config.triggers,
    migrations: config.migrations,
    buckets: config.r2_buckets.map(({ binding }) => binding),
    databases: config.d1_databases.map(({ binding, migrations_dir }) => [binding, migrations_dir]),
    producers: config.queues.producers?.map(({ binding }) => binding),
    consumers: config.queues.consumers?.map(({ queue: _, dead_letter_queue: dead, ...rest }) => [
      dead !== undefined,
      rest,
    ]),
    others: bindingsOf(config),
  };
}

/** Everything else that binds something: a kind that is used one day is compared without anybody thinking of it. */
function bindingsOf(config: WranglerConfig): object {
  return Object.fromEntries(
    Object.entries(config).flatMap(([kind, value]) => {
      const isCompared = ["r2_buckets", "d1_databases", "migrations"].includes(kind);
      return Array.isArray(value) &&
        value.length > 0 &&
        !isCompared &&
        kind !== "definedEnvironments"
        ? [[kind, value.length]]
        : [];
    }),
  );
}

/** Whatever has a name in the account, where two environments must not meet; buckets, databases and Workers are named apart. */
function namesIn(config: WranglerConfig): readonly string[] {
  return [
    `Worker ${config.name}`,
    ...config.r2_buckets.map(({ bucket_name }) => `bucket ${bucket_name}`),
    ...config.d1_databases.map(({ database_name }) => `database ${database_name}`),
    ...[...queuesIn(config)].map((queue) => `queue ${queue}`),
  ];
}

/** Each once: a dead letter queue is named by whose letters it takes, and by what reads it. */
function queuesIn({ queues }: WranglerConfig): ReadonlySet<string> {
  const named = (queues.consumers ?? []).flatMap(({ queue, dead_letter_queue }) => [
    queue,
    ...(dead_letter_queue === undefined ? [] : [dead_letter_queue]),
  ]);
  return new Set(named);
}

describe("the environments of wrangler.toml", () => {
  test("are production and staging", () => {
    expect(read("production").definedEnvironments).toEqual(ENVIRONMENTS);
  });

  test.each(ENVIRONMENTS)("%s binds exactly what runs here", (environment) => {
    const here = read(null);
    const there = read(environment);
    // Here the first function fetches too, unless `npm start` says otherwise.
    const vars = Object.keys({ ...here.vars, FETCH_URL: "" }).sort();
    expect(shape(there)).toEqual({ ...shape(here), vars });
    const [consumed, dead] = there.queues.consumers ?? [];
    expect(there.queues.producers?.map(({ queue }) => queue)).toEqual([consumed?.queue]);
    expect(dead?.queue).toBe(consumed?.dead_letter_queue);
  });

  test("have names of their own", () => {
    const names = [null, ...ENVIRONMENTS].flatMap((one) => namesIn(read(one)));
    expect(names.join()).not.toContain("undefined");
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("the export of logs and traces", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-wrangler-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is what wrangler's schema knows, also once its destinations are named, in every environment", () => {
    const file = path.join(folder, "wrangler.toml");
    const text = readFileSync("wrangler.toml", "utf8");
    const named = text.replaceAll(/^# (destinations = .+)$/gm, "$1");
    expect(named.match(/^destinations = /gm)).toHaveLength(2);
    writeFileSync(file, named);
    const schema = JSON.parse(readFileSync("node_modules/wrangler/config-schema.json", "utf8"));
    const isKnown = new Ajv({ strict: false }).compile(schema.definitions.Observability);
    for (const env of [undefined, ...ENVIRONMENTS]) {
      const { observability } = unstable_readConfig({
        config: file,
        ...(env === undefined ? {} : { env }),
      });
      expect(isKnown(observability), JSON.stringify(isKnown.errors)).toBe(true);
      expect(observability).toMatchObject({
        ...{ enabled: true, redact_query_string: true },
        logs: { enabled: true, destinations: ["unmask-logs"] },
        traces: { enabled: true, destinations: ["unmask-traces"], head_sampling_rate: 0.05 },
      });
    }
    expect(isKnown({ enabled: true, traces: { destination: [] } })).toBe(false);
  });
});
