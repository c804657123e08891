import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Cloud, openCloud } from "../../infra/deploy/cloudflare/account/cloud.ts";
import type { Wrangler } from "../../infra/deploy/cloudflare/account/wrangler.ts";
import { resolveConfig } from "../../infra/deploy/cloudflare/config/resolve.ts";
import {
  readWranglerConfig,
  type WranglerConfig,
} from "../../infra/deploy/cloudflare/config/wrangler-config.ts";
import { type KeyStore, openKeyStore } from "../../infra/deploy/cloudflare/keys/key-store.ts";
import { execute } from "../../infra/deploy/cloudflare/plan/execute.ts";
import { look } from "../../infra/deploy/cloudflare/plan/look.ts";
import { type Plan, planDeployment } from "../../infra/deploy/cloudflare/plan/plan.ts";
import {
  adminMark,
  adminMarksIn,
  messageOf,
} from "../../infra/deploy/cloudflare/versions/label.ts";
import { d1Migrations, schemasHere } from "../../infra/deploy/cloudflare/versions/schemas.ts";
import { type AccountState, actOn, emptyAccount, readAccount } from "../support/fake-account.ts";

export const MIGRATIONS = "infra/edge/migrations";
export const schemas = schemasHere(MIGRATIONS, 2);

/** The process that deploys has been ended from outside. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** An account in a file, and a machine that deploys to it. */
export interface Stand extends Disposable {
  readonly folder: string;
  readonly cloud: Cloud;
  readonly store: KeyStore;
  readonly wanted: WranglerConfig;
  readonly account: () => AccountState;
  readonly change: (change: (state: AccountState) => void) => void;
  /** One run of `npm run deploy`, killed right after its command number `diesAfter`. */
  readonly deploy: (options?: { diesAfter?: number; tag?: string }) => Promise<Plan>;
}

/** wrangler.toml with production's addresses filled in. */
export function filledToml(): string {
  return readFileSync("wrangler.toml", "utf8").replaceAll(
    /https:\/\/(function|fetch)\.example/g,
    "https://$1.unmask-answers.com",
  );
}

export function openStand(): Stand {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-deploy-test-"));
  const file = path.join(folder, "account.json");
  const toml = path.join(folder, "wrangler.toml");
  writeFileSync(file, JSON.stringify(emptyAccount()));
  writeFileSync(toml, filledToml());
  const wanted = readWranglerConfig("production", toml);
  const store = openKeyStore(path.join(folder, "state"));
  const config = store.file("wrangler.json");
  const resolve = (ids: ReadonlyMap<string, string>): void =>
    writeFileSync(config, JSON.stringify(resolveConfig(wanted, process.cwd(), ids)));
  let left = Number.POSITIVE_INFINITY;
  const wrangler: Wrangler = async (args, stdin = "") => {
    const result = actOn(file, args, stdin);
    if (--left === 0) throw new Killed();
    return result;
  };
  const cloud = openCloud(wrangler, config, null);
  const migrations = d1Migrations(MIGRATIONS);
  return {
    folder,
    cloud,
    store,
    wanted,
    account: () => readAccount(file),
    change: (change) => {
      const state = readAccount(file);
      change(state);
      writeFileSync(file, JSON.stringify(state));
    },
    deploy: async ({ diesAfter = Number.POSITIVE_INFINITY, tag = "0.1.0-first" } = {}) => {
      left = diesAfter;
      resolve(new Map());
      const label = () => {
        const { ADMIN_KEY: admin } = store.waiting();
        const ticket = store.ticketKeys()[0]?.kid ?? null;
        const running = Object.values(readAccount(file).workers)[0];
        const last = running?.deployments.at(-1)?.version;
        const said = running?.versions.find(({ id }) => id === last)?.message ?? "";
        const marks = admin === undefined ? adminMarksIn(said) : [adminMark(admin)];
        return { tag, message: messageOf(schemas, { ticket, admin: marks }) };
      };
      const present = await look(cloud, wanted, migrations, resolve);
      store.arrived([...(present.secrets ?? [])]);
      const plan = planDeployment(wanted, label(), migrations, present);
      await execute(plan, {
        cloud,
        wanted,
        store,
        resolve,
        label,
        withSecretsFile: async (secrets, use) => {
          writeFileSync(store.file("secrets.json"), JSON.stringify(secrets));
          try {
            return await use(store.file("secrets.json"));
          } finally {
            rmSync(store.file("secrets.json"));
          }
        },
        onStep: () => undefined,
      });
      return plan;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
