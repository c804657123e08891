import { expect, test } from "vitest";
import { openCloud } from "../../infra/deploy/cloudflare/account/cloud.ts";
import { resolveConfig } from "../../infra/deploy/cloudflare/config/resolve.ts";
import {
  jurisdictionOf,
  readWranglerConfig,
  type WranglerConfig,
} from "../../infra/deploy/cloudflare/config/wrangler-config.ts";
import { planDeployment } from "../../infra/deploy/cloudflare/plan/plan.ts";

const anywhere = readWranglerConfig("production");
const placed = { ...anywhere, vars: { ...anywhere.vars, JURISDICTION: "eu" } };

/** What wrangler is asked for. */
async function asked(config: WranglerConfig): Promise<readonly (readonly string[])[]> {
  const all: (readonly string[])[] = [];
  const wrangler = async (args: readonly string[]) => {
    all.push(args);
    return { status: 0, stdout: "", stderr: "" };
  };
  const cloud = openCloud(wrangler, "wrangler.json", jurisdictionOf(config));
  await cloud.createDatabase("unmask");
  await cloud.createBucket("images");
  await cloud.buckets();
  return all;
}

test("an environment of a jurisdiction has its database and buckets made there, and finds its buckets there", async () => {
  for (const args of await asked(placed)) expect(args.slice(-2)).toEqual(["--jurisdiction", "eu"]);
  for (const args of await asked(anywhere)) expect(args).not.toContain("--jurisdiction");
});

test("its Worker is bound to the buckets of the jurisdiction: elsewhere the same name is another one", () => {
  const buckets = (config: WranglerConfig) =>
    (resolveConfig(config, "/", new Map()) as Pick<WranglerConfig, "r2_buckets">).r2_buckets;
  expect(buckets(placed)).toEqual(
    buckets(anywhere).map((bucket) => ({ ...bucket, jurisdiction: "eu" })),
  );
});

test("its plan says so of what is made there", () => {
  const { steps } = planDeployment(placed, { tag: "t", message: "" }, ["0001_a.sql"], null);
  const said = steps.filter(({ says }) => says.includes("in the jurisdiction eu"));
  expect(new Set(said.map(({ kind }) => kind))).toEqual(new Set(["database", "bucket"]));
});
