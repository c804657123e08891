import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfig } from "#inference/config.ts";
import {
  billOfMaterials,
  componentsOf,
  filesBelow,
  isKept,
  MAX_CPU_IMAGE_BYTES,
} from "../../infra/container/contents.ts";
import { imageVariables } from "../../infra/container/dockerfile.ts";

// What can be known of the image without building one. It is built and started by container.full.test.ts.

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>
  >;
};

/** Whether a file below `node_modules` is installed by `npm ci --omit=dev`. */
function isProduction(file: string): boolean {
  const [first = "", second = ""] = file.split("/");
  const { dev, devOptional } = lock.packages[
    `node_modules/${first.startsWith("@") ? `${first}/${second}` : first}`
  ] ?? { dev: true };
  return dev !== true && devOptional !== true;
}

const kept = filesBelow("node_modules").filter(
  (file) => !file.startsWith(".") && isProduction(file) && isKept(file, "linux", "x64"),
);

describe("the image", () => {
  test("of CPUs has room for Node, its packages and the libraries that they link in 300 MB", () => {
    const sum = (files: readonly string[]): number =>
      files.reduce((bytes, file) => bytes + statSync(path.join("node_modules", file)).size, 0);
    const libraries = 15_000_000;
    expect(sum(kept) + statSync(process.execPath).size + libraries).toBeLessThan(
      MAX_CPU_IMAGE_BYTES,
    );
  });

  test("keeps of ONNX Runtime's binaries those of its own platform, and no runtime of browsers", () => {
    const binaries = kept.filter((file) => file.startsWith("onnxruntime-node/bin/"));
    expect(binaries).not.toEqual([]);
    expect(binaries.filter((file) => !file.includes("/linux/x64/"))).toEqual([]);
    expect(kept.filter((file) => file.startsWith("onnxruntime-web/"))).toEqual([]);
  });

  test("lists each package that is in it, with version and hash", () => {
    const components = componentsOf(".", kept);
    expect(components.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["hono", "onnxruntime-node", "sharp", "zod"]),
    );
    expect(
      components.filter(({ name, integrity }) => name === "hono" && integrity === undefined),
    ).toEqual([]);
    expect(billOfMaterials(components)).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
    });
  });

  test("is made of paths that exist and that its build is shown", () => {
    const dockerfile = readFileSync("infra/container/Dockerfile", "utf8");
    const shown = readFileSync("infra/container/Dockerfile.dockerignore", "utf8");
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, names = ""]) => names.split(" "),
    );
    expect(copied.length).toBeGreaterThan(10);
    for (const name of copied) {
      expect([name, existsSync(name)]).toEqual([name, true]);
      const isShown = shown
        .split("\n")
        .some(
          (line) =>
            line.startsWith("!") &&
            (name === line.slice(1) ||
              name.startsWith(`${line.slice(1)}/`) ||
              line.startsWith(`!${name}/`)),
        );
      expect([name, isShown]).toEqual([name, true]);
    }
  });

  test("runs its processes as nobody in particular", () => {
    expect(readFileSync("infra/container/Dockerfile", "utf8")).toMatch(/^USER 65532:65532$/m);
  });

  test("of GPUs chooses CUDA, where its files lie, and of the driver asks for computing alone: no Vulkan", () => {
    const variables = imageVariables("cuda");
    expect(variables).toMatchObject({
      UNMASK_PROVIDER: "cuda",
      UNMASK_CUDA_FOLDER: "/opt/unmask/cuda",
      NVIDIA_DRIVER_CAPABILITIES: "compute,utility",
    });
    const keys =
      '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]';
    const needed = { UNMASK_TICKET_KEYS: keys, UNMASK_BUNDLE: "/bundle" };
    expect(parseConfig({ ...variables, ...needed })).toMatchObject({
      provider: "cuda",
      cuda: { folder: "/opt/unmask/cuda" },
    });
  });
});
