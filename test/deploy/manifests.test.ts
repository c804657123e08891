import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type FetchConfig, parseConfig, parseFetchConfig } from "#inference/config.ts";
import { createProbes } from "#inference/probes.ts";
import { imageVariables } from "../../infra/container/dockerfile.ts";
import { isInside, PRIVATE, PUBLIC } from "./egress/addresses.ts";
import {
  at,
  complaintsAbout,
  type Json,
  type JsonObject,
  type Manifest,
  parseManifest,
  readManifests,
} from "./manifests.ts";

const manifests = readManifests();
const files = [...new Set(manifests.map(({ file }) => file))];

/** A container that a manifest runs, with the pod around it. */
interface Workload {
  readonly title: string;
  readonly manifest: Manifest;
  readonly pod: JsonObject;
  readonly container: JsonObject;
  readonly isHop: boolean;
}

const workloads = manifests.flatMap((manifest): Workload[] => {
  const pod = at(manifest.document, "spec", "template", "spec");
  const container = at(pod, "containers", 0);
  if (pod === undefined || container === undefined) return [];
  const isHop = String(at(container, "args", 0)).includes("fetch-hop");
  const title = `${manifest.file} ${manifest.name}`;
  return [{ title, manifest, pod: pod as JsonObject, container: container as JsonObject, isHop }];
});

const ticketKeys =
  '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]';

/** The variables that a container is given, secrets made up, and those that the image and the host add. */
function variablesOf({ container, manifest }: Workload): Record<string, string> {
  const listed = (container["env"] as readonly JsonObject[]).map(({ name, value }) => [
    String(name),
    value === undefined
      ? name === "UNMASK_TICKET_KEYS"
        ? ticketKeys
        : "0123456789abcdef"
      : String(value),
  ]);
  const isKnative = manifest.kind.startsWith("serving.knative.dev");
  const port = isKnative ? { PORT: String(at(container, "ports", 0, "containerPort")) } : {};
  return { ...imageVariables("cuda"), ...port, ...Object.fromEntries(listed) };
}

function configOf(workload: Workload): FetchConfig {
  const variables = variablesOf(workload);
  return workload.isHop ? parseFetchConfig(variables) : parseConfig(variables);
}

const probesOf = ({ container }: Workload): readonly [string, JsonObject][] =>
  ["startupProbe", "readinessProbe", "livenessProbe"].flatMap((name) => {
    const probe = at(container, name, "httpGet");
    return probe === undefined ? [] : [[name, probe as JsonObject]];
  });

test.each(manifests.map((one) => [`${one.file} ${one.kind} ${one.name}`, one] as const))(
  "%s has what its kind has, and no field more",
  (_, manifest) => {
    expect(complaintsAbout(manifest)).toEqual([]);
  },
);

test.each([
  ["kubernetes.yaml", "containerPort:", "containerPortz:"],
  ["kubernetes.yaml", "maxUnavailable: 1", "maxUnavailabel: 1"],
  ["kubernetes.yaml", 'threshold: "256"', "threshold: 256"],
  ["kubernetes.yaml", "except:", "expect:"],
  ["knative.yaml", "containerConcurrency: 20", 'containerConcurrency: "20"'],
  ["knative.yaml", "readOnlyRootFilesystem", "readOnlyRootFileSystem"],
  ["cloud-run.yaml", "timeoutSeconds: 3600", "timeoutSeconds: 3601"],
])("the checker sees in %s that %s has become %s", (file, right, wrong) => {
  const text = readFileSync(`infra/deploy/${file}`, "utf8");
  expect(text).toContain(right);
  const broken = parseManifest(file, text.replace(right, wrong));
  expect(broken.flatMap(complaintsAbout)).not.toEqual([]);
});

describe.each(workloads.map((one) => [one.title, one] as const))("%s", (_, workload) => {
  const { container, pod, isHop } = workload;

  test("starts with its variables: each is one that is read, and is understood", () => {
    const config =
      readFileSync("src/inference/config.ts", "utf8") +
      readFileSync("src/inference/store-config.ts", "utf8");
    for (const { name } of container["env"] as readonly JsonObject[])
      expect(config).toContain(`${name}:`);
    expect(configOf(workload)).toMatchObject({
      host: "0.0.0.0",
      port: at(container, "ports", 0, "containerPort"),
    });
    expect(configOf(workload).metricsToken).toBeDefined();
    expect(configOf(workload).allowsPrivateFetch).toBe(false);
  });

  test("is asked at its own port, by paths that it answers, and never by one that says yes while weights load", async () => {
    const probes = createProbes(() => ({
      status: "loading",
      loaded_bytes: 0,
      total_bytes: 1,
      eta_seconds: null,
    }));
    const asked = probesOf(workload);
    const own = [at(container, "ports", 0, "containerPort"), at(container, "ports", 0, "name")];
    for (const [name, { path, port }] of asked) {
      if (port !== undefined) expect(own).toContain(port);
      const { status } = await probes.request(String(path));
      expect([name, status]).toEqual([name, name === "livenessProbe" ? 200 : 503]);
    }
    expect(asked.map(([name]) => name)).toContain("livenessProbe");
    expect(asked.length).toBeGreaterThan(1);
  });

  test("has ended by itself before its host ends it", () => {
    const isCloudRun = workload.manifest.file === "cloud-run.yaml";
    const graceSeconds = isCloudRun
      ? 10
      : Number(at(pod, "terminationGracePeriodSeconds") ?? at(pod, "timeoutSeconds"));
    expect(configOf(workload).drainTimeoutMs).toBeLessThanOrEqual(graceSeconds * 1000 - 2000);
  });

  test("runs what is there, of the image's variant", () => {
    const [entry] = container["args"] as readonly string[];
    expect(existsSync(String(entry).replace("/app/", ""))).toBe(true);
    const variant = isHop ? "cpu" : "cuda";
    expect(String(container["image"])).toMatch(new RegExp(`unmask:${variant}$`));
    expect(at(container, "resources", "limits", "nvidia.com/gpu")).toBe(isHop ? undefined : "1");
  });

  test.skipIf(workload.manifest.file === "cloud-run.yaml")(
    "has no rights and writes into /tmp alone",
    () => {
      expect(container["securityContext"]).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ["ALL"] },
      });
      expect([pod["enableServiceLinks"], pod["automountServiceAccountToken"]]).toEqual([
        false,
        false,
      ]);
      expect(at(container, "volumeMounts", 0, "mountPath")).toBe("/tmp");
    },
  );
});

/** How many there are at least. */
function floorOf({ manifest, pod }: Workload): number {
  const annotations = at(manifest.document, "spec", "template", "metadata", "annotations");
  const told =
    at(annotations, "autoscaling.knative.dev/min-scale") ??
    at(annotations, "autoscaling.knative.dev/minScale");
  if (pod["containerConcurrency"] !== undefined) return Number(told);
  const scaled = manifests.find(
    ({ document, file }) =>
      file === manifest.file && at(document, "spec", "scaleTargetRef", "name") === manifest.name,
  );
  return Number(
    at(scaled?.document, "spec", "minReplicaCount") ?? at(manifest.document, "spec", "replicas"),
  );
}

describe.each(files)("%s", (file) => {
  const here = workloads.filter(({ manifest }) => manifest.file === file);

  test("runs the fetch hop by itself: no weights, never none of it", () => {
    const hops = here.filter(({ isHop }) => isHop);
    expect([here.length, hops.length]).toEqual([2, 1]);
    for (const hop of hops) {
      expect(floorOf(hop)).toBeGreaterThanOrEqual(1);
      expect(Object.keys(variablesOf(hop)).filter((name) => /S3|MODEL|BUNDLE/.test(name))).toEqual(
        [],
      );
    }
  });

  test("lets nobody but the internet be reached from the hop", () => {
    const [hop] = here.filter(({ isHop }) => isHop);
    if (file === "cloud-run.yaml") {
      const annotations = at(hop?.manifest.document, "spec", "template", "metadata", "annotations");
      expect(at(annotations, "run.googleapis.com/vpc-access-egress")).toBe("all-traffic");
      return;
    }
    const policy = manifests.find(
      ({ file: other, kind, name }) =>
        other === file && kind.endsWith("/NetworkPolicy") && name === hop?.manifest.name,
    );
    const blocks = (at(policy?.document, "spec", "egress") as readonly Json[])
      .flatMap((rule) => at(rule, "to") as readonly Json[])
      .flatMap((to) => at(to, "ipBlock") ?? []);
    for (const address of PRIVATE)
      expect([address, reaches(blocks, address)]).toEqual([address, false]);
    for (const address of PUBLIC)
      expect([address, reaches(blocks, address)]).toEqual([address, true]);
  });

  test("hands a function no more at once than it has places and a queue for", () => {
    const [one] = here.filter(({ isHop }) => !isHop);
    if (one === undefined) throw new Error("there is no function");
    const { answersAtOnce, queueLength } = parseConfig(variablesOf(one));
    const told = one.pod["containerConcurrency"];
    if (told !== undefined) expect(told).toBe(answersAtOnce + queueLength);
  });
});

function reaches(blocks: readonly Json[], address: string): boolean {
  return blocks.some(
    (block) =>
      isInside(String(at(block, "cidr")), address) &&
      !(at(block, "except") as readonly string[]).some((net) => isInside(net, address)),
  );
}
