import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Cloud, openCloud } from "../../infra/deploy/cloudflare/account/cloud.ts";
import { spawnWrangler } from "../../infra/deploy/cloudflare/account/wrangler.ts";
import { serveCloudflare } from "../support/cloudflare-api.ts";
import { type AccountState, actOn, emptyAccount, readAccount } from "../support/fake-account.ts";
import { MIGRATIONS } from "./stand.ts";

/** The same account twice: behind the fake wrangler, and behind the real one, which asks a stand-in of Cloudflare's API. */
export interface TwoAccounts extends AsyncDisposable {
  readonly fake: Cloud;
  readonly real: Cloud;
  /** What each holds by now. */
  readonly states: () => readonly [AccountState, AccountState];
}

const WORKER = "unmask-production";

/** An account with two versions of the Worker, the older one running, and half of its migrations. */
export function someAccount(migrations: readonly string[]): AccountState {
  const version = (id: string, at: number) => ({
    ...{ id, tag: `0.1.0-${id}`, message: `d1=${at}/0 key=aaaa`, secrets: { ADMIN_KEY: "a" } },
    createdAt: `2026-11-28T00:0${at}:00.000Z`,
  });
  const [one, two] = [
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
  ];
  return {
    ...emptyAccount(),
    databases: [{ name: WORKER, uuid: "00000001-d1", applied: migrations.slice(0, 3) }],
    queues: [`${WORKER}-usage`],
    buckets: [`${WORKER}-images`, `${WORKER}-weights`],
    rules: { [`${WORKER}-images`]: [{ id: "expire-uploads", prefix: "", days: 31 }] },
    workers: {
      [WORKER]: {
        secrets: { ADMIN_KEY: "a", TICKET_KEY: "t" },
        versions: [version(one, 1), version(two, 2)],
        deployments: [
          { createdAt: "2026-11-28T00:01:00.000Z", version: one },
          { createdAt: "2026-11-28T00:02:00.000Z", version: two },
          { createdAt: "2026-11-28T00:03:00.000Z", version: one },
        ],
      },
    },
  };
}

export async function openBoth(state: AccountState): Promise<TwoAccounts> {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-contract-"));
  const [file, config] = [path.join(folder, "account.json"), path.join(folder, "wrangler.json")];
  writeFileSync(file, JSON.stringify(state));
  writeFileSync(path.join(folder, "worker.js"), "export default { fetch: () => new Response() };");
  writeFileSync(
    config,
    JSON.stringify({
      ...{ name: WORKER, main: "worker.js", compatibility_date: "2026-10-01", account_id: "a1" },
      d1_databases: [
        {
          ...{ binding: "DB", database_name: WORKER, database_id: "00000001-d1" },
          migrations_dir: path.resolve(MIGRATIONS),
        },
      ],
      queues: { consumers: [] },
    }),
  );
  const real = structuredClone(state);
  const api = await serveCloudflare(real);
  const told = {
    CLOUDFLARE_API_BASE_URL: api.origin,
    CLOUDFLARE_API_TOKEN: "a-token-of-the-test",
    CLOUDFLARE_ACCOUNT_ID: "a1",
  };
  const wrangler = spawnWrangler(
    path.resolve("node_modules/.bin/wrangler"),
    new AbortController().signal,
    told,
  );
  return {
    fake: openCloud(async (args, stdin = "") => actOn(file, args, stdin), config, null),
    real: openCloud(wrangler, config, null),
    states: () => [readAccount(file), real],
    [Symbol.asyncDispose]: async () => {
      await api.close();
      rmSync(folder, { recursive: true });
    },
  };
}
