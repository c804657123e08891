import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { settingNames } from "#edge/settings.ts";
import { parseConfig, parseFetchConfig } from "#inference/config.ts";
import { createProbes } from "#inference/probes.ts";
import { withSecretFiles } from "#inference/secret-files.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { imageVariables } from "../../infra/container/dockerfile.ts";
import { readCompose } from "../../infra/deploy/compose/here/compose-file.ts";
import { parseServeConfig } from "../../infra/edge/workerd/serve-config.ts";
import { COMPOSE_FILE, composeComplaints, GPU_FILE, readComposeFile } from "./compose.ts";
import { isInside, PRIVATE, PUBLIC } from "./egress/addresses.ts";
import { at, type JsonObject } from "./manifests.ts";

const text = readFileSync(COMPOSE_FILE, "utf8");
const document = readComposeFile(text);
const services = Object.entries(document["services"] as Readonly<Record<string, JsonObject>>);
const read = new Map(readCompose(text).map((service) => [service.name, service]));
const ours = services.filter(([, { image }]) => String(image).includes("unmask:"));
const lasting = services.filter(([, { restart }]) => restart === "unless-stopped");
const functions = services.filter(([name]) => name.startsWith("function-"));
const [, hop = {}] = services.find(([name]) => name === "hop") ?? [];

const textOf = (value: unknown): string => JSON.stringify(value ?? null);

describe("compose.yaml", () => {
  test.each([COMPOSE_FILE, GPU_FILE])(
    "%s has what compose files have, and no field more",
    (file) => {
      expect(composeComplaints(readComposeFile(readFileSync(file, "utf8")))).toEqual([]);
    },
  );

  test.each([
    ["read_only: true", "readonly: true"],
    ["condition: service_healthy", "condition: service_ready"],
    ["internal: true", 'internals: "yes"'],
    ["start_period: 30m", "start_periods: 30m"],
    ["pids: 256", "pid: 256"],
  ])("the checker sees that %s has become %s", (right, wrong) => {
    expect(text).toContain(right);
    expect(composeComplaints(readComposeFile(text.replace(right, wrong)))).not.toEqual([]);
  });

  test("depends on nobody who is not there, and draws keys before anybody reads them", () => {
    for (const { name, dependsOn, volumes } of read.values()) {
      for (const needed of Object.keys(dependsOn)) expect(read.has(needed)).toBe(true);
      const readsSecrets = Object.values(volumes).some((one) => one.endsWith("-secrets"));
      if (name === "keys" || !readsSecrets) continue;
      const before = [...dependenciesOf(name)];
      expect([name, before.includes("keys")]).toEqual([name, true]);
    }
  });

  test("takes images of others by their exact version, and ours by a target of the Dockerfile", () => {
    for (const { image } of read.values()) {
      const [, target] = /^unmask:(.+)$/.exec(image) ?? [];
      if (target === undefined)
        expect(image).toMatch(/^[a-z0-9/.-]+:\d+(\.\d+)+(@sha256:[0-9a-f]{64})?$/);
      else expect(Object.keys(imageVariables(target)).length).toBeGreaterThan(0);
    }
  });

  test("opens one port, the edge's, to this machine alone", () => {
    expect(services.filter(([, { ports }]) => ports !== undefined)).toHaveLength(1);
    expect(at(document, "services", "edge", "ports")).toEqual(["127.0.0.1:8787:8787"]);
  });

  test("has two functions that differ in nothing but their names, and may register under them", () => {
    const addresses = functions.map(([name]) => `http://${name}:8788`);
    const own = functions.map(([, { environment, ...service }]) => {
      const { UNMASK_FUNCTION_URL: address, ...rest } = environment as JsonObject;
      return { address, rest, service };
    });
    const [one, two] = own;
    expect(own.map(({ address }) => address)).toEqual(addresses);
    expect([one?.rest, one?.service]).toEqual([two?.rest, two?.service]);
    const keys = at(document, "services", "keys", "command") as readonly string[];
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose puts the variable in
    expect(keys.slice(-3)).toEqual(["${UNMASK_MODEL:-unmask-demo}", ...addresses]);
    expect(at(document, "services", "edge", "environment", "FUNCTION_URL")).toBe("");
  });

  test("lets nobody but functions see the key by which they register", () => {
    const see = services
      .filter(([, { volumes }]) => textOf(volumes).includes("register-secrets"))
      .map(([name]) => name);
    expect(see).toEqual(["keys", ...functions.map(([name]) => name)]);
  });

  test("gives GPUs to functions that are there, one each", () => {
    const over = readComposeFile(readFileSync(GPU_FILE, "utf8"))["services"] as JsonObject;
    expect(Object.keys(over)).toEqual(functions.map(([name]) => name));
    const devices = Object.values(over).map((one) =>
      textOf(at(one, "deploy", "resources", "reservations", "devices")),
    );
    expect(new Set(devices).size).toBe(devices.length);
    for (const one of Object.values(over)) expect(at(one, "image")).toBe("unmask:cuda");
  });
});

describe.each(services)("service %s", (_, service) => {
  test("has no rights, writes where it is told to, and is limited in processors, memory and processes", () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      deploy: {
        resources: {
          limits: {
            cpus: expect.any(String),
            memory: expect.any(String),
            pids: expect.any(Number),
          },
        },
      },
    });
    expect(service["privileged"] ?? service["cap_add"] ?? service["network_mode"] ?? "none").toBe(
      "none",
    );
  });

  test("is told no secret in its environment", () => {
    const environment = (service["environment"] ?? {}) as Readonly<Record<string, string>>;
    const secrets = Object.keys(environment).filter((name) => /KEY|TOKEN|SECRET/.test(name));
    expect(secrets.filter((name) => !name.endsWith("_FILE"))).toEqual([]);
  });
});

describe.each(ours)("service %s", (name, { environment = {}, command }) => {
  const variables = environment as Readonly<Record<string, string>>;

  test("runs what is there", () => {
    const [entry] = command as readonly string[];
    expect(existsSync(String(entry).replace("/app/", ""))).toBe(true);
  });

  test("starts with its variables: each is one that is read", () => {
    const known =
      name === "edge"
        ? [
            ...settingNames(),
            "UNMASK_HOST",
            "UNMASK_PORT",
            "UNMASK_EDGE_BUILT",
            "UNMASK_EDGE_STATE",
            "MINIFLARE_WORKERD_V8_FLAGS",
          ]
        : readSources().match(/\bUNMASK_[A-Z0-9_]+/g);
    const unknown = Object.keys(variables).filter(
      (one) => !known?.includes(one.replace(/_FILE$/, "")),
    );
    expect(unknown).toEqual([]);
    if (name === "edge") return;
    for (const one of Object.keys(variables).filter((other) => other.endsWith("_FILE")))
      expect(() => withSecretFiles({ [one]: "/nowhere" })).toThrow(one);
  });
});

test.each(ours.filter(([, { healthcheck }]) => healthcheck !== undefined))(
  "service %s is asked at its own port, by a path that it answers",
  async (name, { environment, healthcheck }) => {
    const url = new URL(String(at(healthcheck, "test", 3)));
    expect(url.host).toBe(`127.0.0.1:${at(environment, "UNMASK_PORT")}`);
    if (name === "edge") return expect(url.pathname).toBe("/health");
    const loading = {
      status: "loading",
      loaded_bytes: 0,
      total_bytes: 1,
      eta_seconds: null,
    } as const;
    const probes = createProbes(() => loading);
    expect((await probes.request(url.pathname)).status).toBe(503);
  },
);

test.each(lasting)("service %s is asked whether it is well", (_, { healthcheck }) => {
  expect(healthcheck).toMatchObject({
    interval: expect.any(String),
    start_period: expect.any(String),
  });
});

const ticketKeys =
  '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]';
const functionKey = JSON.stringify((await generateTicketKeys("made-up")).signing);

function secretOf(name: string): string {
  if (name.includes("FUNCTION_KEY")) return functionKey;
  return name.includes("TICKET") ? ticketKeys : "0123456789abcdef";
}

/** A service's variables, secrets made up in place of their files. */
function variablesOf(name: string): Record<string, string> {
  const { environment = {}, image = "" } = read.get(name) ?? {};
  return {
    ...imageVariables(image.replace("unmask:", "")),
    ...Object.fromEntries(
      Object.entries(environment).map(([one, value]) =>
        one.endsWith("_FILE") ? [one.replace("_FILE", ""), secretOf(one)] : [one, value],
      ),
    ),
  };
}

describe("a service of compose.yaml", () => {
  test.each([
    ["function-1", parseConfig],
    ["function-2", parseConfig],
    ["hop", parseFetchConfig],
  ] as const)(
    "%s understands what it is told, and has ended by itself before it is ended",
    (name, parseOf) => {
      const config = parseOf(variablesOf(name));
      expect(config).toMatchObject({ host: "0.0.0.0", allowsPrivateFetch: false });
      expect(config.metricsToken).toBeDefined();
      expect(config.drainTimeoutMs).toBeLessThanOrEqual((read.get(name)?.graceMs ?? 0) - 2_000);
    },
  );

  test("the edge listens where its port leads to", () => {
    expect(parseServeConfig(variablesOf("edge"))).toMatchObject({
      host: "0.0.0.0",
      port: 8787,
      built: "/app/edge",
    });
  });

  test("the private key of tickets is written by one and read by the edge alone", () => {
    const who = [...read.values()].filter(({ volumes }) =>
      Object.values(volumes).includes("edge-secrets"),
    );
    expect(who.map(({ name }) => name)).toEqual(["keys", "edge"]);
  });
});

describe("the fetch hop", () => {
  test("is a service of its own: no weights, always there", () => {
    expect(hop["restart"]).toBe("unless-stopped");
    expect(textOf(hop)).not.toMatch(/S3|MODEL|BUNDLE/);
  });

  test("shares no network with the functions, the storage or the way in, and nobody shares its way out", () => {
    expect(hop["networks"]).toEqual(["hop", "outside"]);
    const others = services.filter(([name]) => name !== "hop");
    const onOutside = others.filter(([, { networks }]) => textOf(networks).includes("outside"));
    const onHop = others.filter(([, { networks }]) => textOf(networks).includes('"hop"'));
    expect([onOutside.length, onHop.map(([name]) => name)]).toEqual([0, ["edge"]]);
    for (const name of ["hop", "functions", "weights"])
      expect(at(document, "networks", name, "internal")).toBe(true);
  });

  test("reaches the internet alone by the rules of egress.nft, which know its bridge", () => {
    const rules = readFileSync("infra/deploy/compose/egress.nft", "utf8");
    const bridge = at(
      document,
      "networks",
      "outside",
      "driver_opts",
      "com.docker.network.bridge.name",
    );
    expect(
      rules.match(/iifname (?:!= )?"([^"]+)"/g)?.every((rule) => rule.includes(`"${bridge}"`)),
    ).toBe(true);
    const refused = [...rules.matchAll(/elements = \{ ([^}]+) \}/g)].flatMap(([, list = ""]) =>
      list.trim().split(", "),
    );
    const isRefused = (address: string): boolean => refused.some((net) => isInside(net, address));
    for (const address of PRIVATE) expect([address, isRefused(address)]).toEqual([address, true]);
    for (const address of PUBLIC) expect([address, isRefused(address)]).toEqual([address, false]);
  });
});

function dependenciesOf(name: string): ReadonlySet<string> {
  const needed = Object.keys(read.get(name)?.dependsOn ?? {});
  return new Set([...needed, ...needed.flatMap((one) => [...dependenciesOf(one)])]);
}

function readSources(): string {
  return ["config.ts", "store-config.ts", "fleet/fleet-config.ts", "runtime/cuda/cuda-settings.ts"]
    .map((file) => readFileSync(`src/inference/${file}`, "utf8"))
    .join("\n");
}
