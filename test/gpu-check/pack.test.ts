import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closureOf } from "../../infra/gpu-check/pack/closure.ts";
import { copyPackage, withDependencies } from "../../infra/gpu-check/pack/packages.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-pack-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("what a pack carries of our code", () => {
  const entries = ["infra/gpu-check/run/main.ts", "infra/gpu-check/measure/main.ts"];
  const { files, packages } = closureOf(
    ".",
    entries,
    new Set(["onnxruntime-web", "src/weights/s3.ts"]),
  );

  test("is every file that a check may load, the thread's among them, and no other", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        ...entries,
        "src/engine/ort-engine.ts",
        "src/inference/runtime/runtime-thread.ts",
        "src/inference/loading/stage-thread.ts",
        "src/cli/parity/case.ts",
      ]),
    );
    expect(files.filter((file) => /src\/(?:edge|wire|client)\//.test(file))).toEqual([]);
  });

  test("needs no package of the network's", () => {
    expect(packages).toContain("onnxruntime-node");
    expect(packages).not.toContain("@aws-sdk/client-s3");
  });

  test("follows imports, threads and files beside them, and no import of types", async () => {
    const root = await repository({
      "src/one/main.ts":
        'import { two } from "#two/two.ts";\nimport type { Three } from "#two/three.ts";\nnew URL("./data.bin", import.meta.url);\nawait import("somewhere/deep.js");\n',
      "src/one/data.bin": "",
      "src/two/two.ts": 'export { four } from "./four.ts";\n',
      "src/two/three.ts": 'import "never";\n',
      "src/two/four.ts":
        'import { readFileSync } from "node:fs";\nexport const four = readFileSync;\n',
    });
    expect(closureOf(root, ["src/one/main.ts"], new Set())).toEqual({
      files: ["src/one/data.bin", "src/one/main.ts", "src/two/four.ts", "src/two/two.ts"],
      packages: ["somewhere"],
    });
  });

  test("is refused where a file that is named is not there", async () => {
    const root = await repository({ "main.ts": 'import "./none.ts";\n' });
    expect(() => closureOf(root, ["main.ts"], new Set())).toThrow(
      "main.ts names ./none.ts, which is not there",
    );
  });
});

describe("what a pack carries of packages", () => {
  test("are their dependencies as far as they are installed", () => {
    expect(withDependencies(".", ["onnxruntime-node"])).toEqual([
      "onnxruntime-common",
      "onnxruntime-node",
    ]);
  });

  test.skipIf(process.platform !== "linux")("is native code of this system alone", async () => {
    copyPackage(".", "onnxruntime-node", folder);
    const systems = path.join(folder, "node_modules/onnxruntime-node/bin/napi-v6");
    expect(await readdir(systems)).toEqual([process.platform]);
    expect(await readdir(path.join(systems, process.platform))).toEqual([process.arch]);
  });
});

async function repository(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(path.join(folder, "repository-"));
  const imports = { "#two/*": "./src/two/*" };
  for (const [name, text] of Object.entries({
    ...files,
    "package.json": JSON.stringify({ imports }),
  })) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
  return root;
}
