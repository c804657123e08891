import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { findSoftwareVulkan, type SoftwareDriver } from "../gpu-check/software-vulkan.ts";
import { findChromium } from "./chromium.ts";

/** A part of `npm run test:full`. */
export interface Part {
  readonly name: string;
  /** Why it cannot run here; null where it can. */
  readonly lacks: () => string | null;
  /** What vitest is given beside `run`. */
  readonly files: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const python = process.env["UNMASK_PYTHON"] ?? "python3";

export const parts: readonly Part[] = [
  ...(["lavapipe", "swiftshader"] as const).map((driver) => ({
    name: `WebGPU on ${driver}`,
    lacks: () => withoutDriver(driver),
    files: ["--project", "webgpu"],
    env: { SOFTWARE_VULKAN: driver },
  })),
  {
    name: "a model served on WebGPU by one command",
    lacks: () => withoutDriver("lavapipe"),
    files: ["--project", "node", "test/flow/serve-on-webgpu.full.test.ts"],
    env: { SOFTWARE_VULKAN: "lavapipe" },
  },
  {
    name: "the GPU check, packed and run",
    lacks: () => withoutPrograms("tar", "xz"),
    files: ["--project", "node", "test/gpu-check"],
  },
  {
    name: "in a browser",
    lacks: withoutChromium,
    files: ["--project", "browser"],
  },
  {
    name: "the playground's pages, in whole",
    lacks: withoutChromium,
    files: ["--project", "node", "test/playground"],
  },
  {
    name: "the Python client against a running system",
    lacks: () => withoutModules("venv, ensurepip"),
    files: ["--project", "node", "test/clients/python"],
  },
  {
    name: "structured output with Python's openai, instructor and pydantic-ai",
    lacks: () => withoutModules("venv, ensurepip"),
    files: ["--project", "node", "test/clients/structured.full.test.ts"],
  },
  {
    name: "the client in an app that Metro bundles",
    lacks: () => null,
    files: ["--project", "node", "test/clients/react-native.full.test.ts"],
  },
  {
    name: "ten thousand readings of random JSON Schemas",
    lacks: () => null,
    files: ["--project", "node", "test/wire/compatible/json-schema"],
  },
  {
    name: "the training recipe",
    lacks: () => withoutModules("torch, numpy, PIL, safetensors, tokenizers"),
    files: ["--project", "node", "test/flow/demo-recipe.test.ts"],
  },
  {
    name: "deploying as a process, and the real wrangler against a stand-in of Cloudflare's API",
    lacks: () => null,
    files: [
      "--project",
      "node",
      "test/deploy/main.full.test.ts",
      "test/deploy/contract.full.test.ts",
    ],
  },
  {
    name: "a function of compose.yaml is killed under load",
    lacks: () => null,
    files: ["--project", "node", "test/deploy/topology.full.test.ts"],
  },
  {
    name: "a local system, whichever part of it is killed",
    lacks: () => null,
    files: ["--project", "node", "test/flow/local-system.test.ts"],
  },
  {
    name: "every reference case on wasm, every kind of weights on wasm, and both bundles against their baselines in every mode",
    lacks: () => null,
    files: [
      "--project",
      "node",
      "test/cli/parity.test.ts",
      "test/engine/ort-engine.test.ts",
      "test/engine/self-test",
      "test/cli/eval.test.ts",
    ],
  },
  {
    name: "what an answer costs, until nothing is left to do for it",
    lacks: () => null,
    files: ["--project", "worker", "test/edge/answers/cost.test.ts"],
  },
  {
    name: "readings of every kind, and every plan of them",
    lacks: () => null,
    files: ["--project", "node", "test/model/template/reading", "test/model/read/read-plan"],
  },
  {
    name: "the page of backups, walked through",
    lacks: () => null,
    files: ["--project", "node", "test/flow/backup-walk.full.test.ts"],
  },
  {
    name: "the page of deploying, run as it is printed",
    lacks: () => null,
    files: ["--project", "node", "test/deploy/walk.full.test.ts"],
  },
  {
    name: "the images of function and edge, built and started",
    lacks: () =>
      process.getuid?.() === 0
        ? withoutPrograms("buildah", "mmdebstrap", "unshare", "chroot")
        : "needs root",
    files: ["--project", "node", "test/deploy/container.full.test.ts"],
  },
  {
    name: "the rules of the hop's way out, in a kernel",
    lacks: () =>
      process.getuid?.() === 0 ? withoutPrograms("nft", "ip", "unshare") : "needs root",
    files: ["--project", "node", "test/deploy/egress/egress.full.test.ts"],
  },
  {
    name: "the image's recipe, linted",
    lacks: () => withoutPrograms("hadolint"),
    files: ["--project", "node", "test/deploy/hadolint.full.test.ts"],
  },
  {
    name: "rules and metrics, as Prometheus reads them",
    lacks: () => withoutPrograms("promtool"),
    files: ["--project", "node", "test/observability"],
  },
  {
    name: "a test set of a million lines, asked in bounded memory",
    lacks: () => null,
    files: ["--project", "node", "test/cli/eval/million-lines.full.test.ts"],
  },
  {
    name: "S3 as Ceph speaks it",
    lacks: () => withoutPrograms("ceph", "radosgw", "setpriv"),
    files: ["--project", "node", "test/weights/s3.test.ts"],
  },
];

function withoutDriver(driver: SoftwareDriver): string | null {
  const found = findSoftwareVulkan({ ...process.env, SOFTWARE_VULKAN: driver });
  return found.ok ? null : found.refusal;
}

function withoutChromium(): string | null {
  return findChromium() !== undefined ? null : "no Chromium found; set CHROMIUM_PATH";
}

function withoutPrograms(...names: readonly string[]): string | null {
  const missing = names.filter((name) => !succeeds("sh", ["-c", `command -v ${name}`]));
  return missing.length === 0 ? null : `needs ${missing.join(", ")}`;
}

function withoutModules(modules: string): string | null {
  if (succeeds(python, ["-c", `import ${modules}`])) return null;
  return `${python} lacks one of ${modules}; set UNMASK_PYTHON to one that has them`;
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** How a file of tests learns whether all of it is wanted: on Node, and in a Worker. */
const TAKES_A_SLICE = /support\/full\.ts"|\benv\.TEST_FULL\b/;

/** Files of which `npm test` runs nothing or a slice, and that no part would run: a name that nobody looks for is a test that never runs. */
export function forgotten(): readonly string[] {
  const folders = parts.flatMap(({ files }) => files);
  const isNamed = (file: string): boolean =>
    ["test/webgpu/", "test/browser/"].some((folder) => file.startsWith(folder)) ||
    folders.some((folder) => file.startsWith(folder));
  const hasMore = (file: string): boolean =>
    file.endsWith(".full.test.ts") || TAKES_A_SLICE.test(readFileSync(file, "utf8"));
  return globSync("test/**/*.test.ts").filter((file) => hasMore(file) && !isNamed(file));
}
