import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { parseConfig } from "#inference/config.ts";
import { imageVariables } from "../../infra/container/dockerfile.ts";

const needed = {
  UNMASK_TICKET_KEYS:
    '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]',
  UNMASK_BUNDLE: "/bundle",
};

describe("the stub for Modal", () => {
  const file = "infra/deploy/modal/function.py";
  const text = readFileSync(file, "utf8");

  test("is Python", () => {
    const code = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')";
    const { status, stderr, error } = spawnSync("python3", ["-c", code, file], {
      encoding: "utf8",
    });
    // Who has no Python learns that elsewhere; here everybody has (`npm run test:full`).
    if (error !== undefined) return expect(error.message).toContain("ENOENT");
    expect([status, stderr]).toEqual([0, ""]);
  });

  test("starts what is there, with variables that are understood, and takes as many at once as a function holds", () => {
    const [, entry = ""] = /"\/app\/([\w/.-]+\.ts)"/.exec(text) ?? [];
    expect(existsSync(entry)).toBe(true);
    const pairs = [...text.matchAll(/"(UNMASK_\w+)": (?:"([^"]*)"|str\(PORT\))/g)];
    const told = Object.fromEntries(pairs.map(([, name, value = "8788"]) => [name, value]));
    const config = parseConfig({ ...told, ...needed });
    expect(config).toMatchObject({ host: "0.0.0.0", port: 8788, provider: "cuda" });
    expect(told["UNMASK_CUDA_FOLDER"]).toBe(imageVariables("cuda")["UNMASK_CUDA_FOLDER"]);
    const [, inputs] = /max_inputs=(\d+)/.exec(text) ?? [];
    expect(Number(inputs)).toBe(config.answersAtOnce + config.queueLength);
  });
});

describe("the configuration for Cloudflare Containers", () => {
  const file = "infra/deploy/containers/wrangler.jsonc";
  const worker = readFileSync("infra/deploy/containers/worker.ts", "utf8");
  const config = unstable_readConfig({ config: file });

  test("is what wrangler's schema says, and no field more", () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    const schema = JSON.parse(
      readFileSync("node_modules/wrangler/config-schema.json", "utf8"),
    ) as object;
    const check = ajv.compile(schema);
    const written = JSON.parse(readFileSync(file, "utf8").replaceAll(/^\s*\/\/.*$/gm, "")) as {
      readonly containers: readonly object[];
    };
    expect([check(written), check.errors]).toEqual([true, null]);
    const [container = {}] = written.containers;
    expect(check({ ...written, containers: [{ ...container, instance_type: "gpu" }] })).toBe(false);
    expect(check({ ...written, container: [] })).toBe(false);
  });

  test("names a class that the Worker exports, and variables that it hands on to the function", () => {
    const [container] = config.containers ?? [];
    expect(worker).toContain(`export class ${container?.class_name} extends DurableObject`);
    for (const name of Object.keys(config.vars)) expect(worker).toContain(`env.${name}`);
    const handed = [...worker.matchAll(/^ +(UNMASK_\w+): ("?)/gm)].map(([, name = ""]) => name);
    const source = ["config.ts", "store-config.ts"]
      .map((one) => readFileSync(`src/inference/${one}`, "utf8"))
      .join("\n");
    expect(handed.length).toBeGreaterThan(4);
    for (const name of handed) expect(source).toContain(`${name}:`);
  });

  test("builds the image that needs no GPU: the recipe's last stage, since no stage can be named there", () => {
    const recipe = readFileSync("infra/container/Dockerfile", "utf8");
    expect(recipe.match(/^FROM .*$/gm)?.at(-1)).toBe("FROM cpu");
  });
});
