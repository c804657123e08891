import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createReporter } from "#cli/convert/report.ts";
import { takeLock } from "#cli/models/lock.ts";
import { type InstallOptions, installProvider } from "#cli/provider/install.ts";
import { openIndex } from "#cli/provider/package-index.ts";
import type { PinnedFile, PinnedWheel } from "#cli/provider/pinned-files.ts";
import { checkProviderFolder, PROVIDER_FILES } from "#inference/runtime/cuda/provider-folder.ts";
import { impatientPolicy } from "../../support/bundles.ts";
import {
  type IndexManners,
  type StandInIndex,
  standInIndex,
} from "../../support/stand-in-index.ts";
import { zipFile } from "../../support/zip-file.ts";

/** Bytes that do not compress, equal for equal seeds. */
function noise(seed: string, bytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, index) =>
    createHash("sha256").update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, bytes);
}

const contents: Readonly<Record<string, Uint8Array>> = {
  "capi/libonnxruntime_providers_shared.so": noise("shared", 100),
  "capi/libonnxruntime_providers_cuda.so": noise("cuda", 300_000),
  "capi/other.so": noise("other", 1000),
};

function pin(inside: string, bytes: Uint8Array): PinnedFile {
  return {
    path: inside,
    name: path.basename(inside),
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

const pinned: PinnedWheel = {
  project: "onnxruntime-gpu",
  version: "1.30.0",
  platform: /-linux_x86_64\.whl$/,
  files: PROVIDER_FILES.map((name) =>
    pin(`capi/${name}`, contents[`capi/${name}`] ?? Buffer.alloc(0)),
  ),
};

const math = noise("math", 5000);
const library: PinnedWheel = {
  ...{ project: "nvidia-curand", version: "10.4", platform: /x86_64\.whl$/ },
  files: [pin("lib/libcurand.so.10", math)],
};

const WHEEL = "onnxruntime_gpu-1.30.0-cp312-linux_x86_64.whl";
const wheels = {
  "onnxruntime_gpu-1.31.0-cp312-linux_x86_64.whl": zipFile({}),
  "onnxruntime_gpu-1.30.0-cp312-win_amd64.whl": zipFile({}),
  [WHEEL]: zipFile(contents),
  "nvidia_curand-10.4-py3-x86_64.whl": zipFile({ "lib/libcurand.so.10": math }),
};

let home: string;
let folder: string;
let servers: StandInIndex[];
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "install-"));
  folder = path.join(home, "share", "cuda-1.30.0");
  mkdirSync(path.dirname(folder));
  writeFileSync(path.join(home, "libonnxruntime.so.1"), "the runtime");
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.close();
  rmSync(home, { recursive: true });
});

async function serve(manners: IndexManners = {}, files: Record<string, Uint8Array> = wheels) {
  const server = await standInIndex(files, manners);
  servers.push(server);
  return server;
}

function options(overrides: Partial<InstallOptions> = {}): InstallOptions & { said: () => string } {
  let said = "";
  return {
    ...{ folder, wheels: [pinned, library], local: [] },
    runtime: { library: path.join(home, "libonnxruntime.so.1"), version: "1.30.0" },
    machine: { freeBytes: async () => 1e9 },
    policy: impatientPolicy(),
    reporter: createReporter({ write: (text) => (said += text) }),
    signal: new AbortController().signal,
    ...overrides,
    said: () => said,
  };
}

describe("installing a provider", () => {
  test.each(["json", "html"] as const)(
    "finds its wheels among other versions and platforms in an index that speaks %s, and keeps nothing else of them",
    async (form) => {
      const server = await serve({ form });
      const { kind } = await installProvider(options({ index: openIndex(server.address) }));
      expect(kind).toBe("installed");
      expect(readdirSync(folder).sort()).toEqual([
        "libcurand.so.10",
        "libonnxruntime.so.1",
        "libonnxruntime_providers_cuda.so",
        "libonnxruntime_providers_shared.so",
        "provider.json",
      ]);
      expect((await checkProviderFolder(folder)).files).toHaveLength(4);
      expect(existsSync(`${folder}.partial`)).toBe(false);
    },
  );

  test("is done once: what is there as it should be is not fetched again", async () => {
    const server = await serve();
    const index = openIndex(server.address);
    await installProvider(options({ index }));
    const count = server.asked.length;
    expect((await installProvider(options({ index }))).kind).toBe("was there");
    expect(server.asked).toHaveLength(count);
    // Something has been at the files since.
    writeFileSync(path.join(folder, "libcurand.so.10"), "damaged");
    expect((await installProvider(options({ index }))).kind).toBe("installed");
    expect((await checkProviderFolder(folder)).files).toHaveLength(4);
  });

  test("goes on in a wheel where a connection broke, and where the process was ended", async () => {
    const server = await serve({ breaksAfter: 1000 });
    const index = openIndex(server.address);
    mkdirSync(`${folder}.partial`);
    const part = path.join(`${folder}.partial`, "onnxruntime_gpu-1.30.0-wheel.part");
    writeFileSync(part, wheels[WHEEL]?.subarray(0, 500) ?? "");
    await installProvider(options({ index }));
    const ranges = server.asked.filter((line) => line.includes(`${WHEEL} bytes=`));
    const end = (wheels[WHEEL]?.length ?? 0) - 1;
    expect(ranges.map((line) => line.split(" ")[2])).toEqual([
      "bytes=0-0",
      `bytes=500-${end}`,
      `bytes=1500-${end}`,
    ]);
  });

  test("unpacks no wheel twice: what an earlier try has unpacked is taken if it is right", async () => {
    const server = await serve();
    const index = openIndex(server.address);
    mkdirSync(`${folder}.partial`);
    for (const { path: inside, name } of pinned.files)
      writeFileSync(path.join(`${folder}.partial`, name), contents[inside] ?? "");
    await installProvider(options({ index }));
    expect(server.asked.some((line) => line.includes("onnxruntime"))).toBe(false);
  });

  test("waits for an index that is busy", async () => {
    const server = await serve({ firstStatus: 503 });
    await installProvider(options({ index: openIndex(server.address) }));
    expect(existsSync(folder)).toBe(true);
  });

  test("takes wheels from the disk without asking anybody", async () => {
    const local = Object.entries(wheels).map(([name, bytes]) => {
      const file = path.join(home, name);
      writeFileSync(file, bytes);
      return file;
    });
    const right = local.filter((file) => !/1\.31|win/.test(file));
    expect((await installProvider(options({ local: right }))).kind).toBe("installed");
    rmSync(folder, { recursive: true });
    const [first = ""] = right;
    await expect(installProvider(options({ local: [first] }))).rejects.toMatchObject({
      message: "the wheel of nvidia-curand 10.4 was not given, and no index to fetch it from",
    });
  });

  test("sends user and password to the index alone, and tells them to nobody", async () => {
    const server = await serve({ secret: "me:p@ss" });
    const index = openIndex(server.address.replace("//", "//me:p%40ss@"));
    expect(index.address.href).not.toMatch(/me|p%40ss/);
    const told = options({ index });
    await installProvider(told);
    expect(told.said()).not.toMatch(/p%40ss|p@ss/);
    expect(index.headersFor("https://elsewhere")).toEqual({});
  });

  test.each<[string, IndexManners, Record<string, Uint8Array>, RegExp]>([
    [
      "the index says another hash",
      { sha256: "0".repeat(64) },
      wheels,
      /is not the file that the index describes/,
    ],
    [
      "a file in it is another one",
      {},
      {
        ...wheels,
        [WHEEL]: zipFile({
          ...contents,
          "capi/libonnxruntime_providers_cuda.so": noise("evil", 300_000),
        }),
      },
      /has another capi\/libonnxruntime_providers_cuda\.so than the one that was tried/,
    ],
    [
      "a file in it has another size",
      {},
      {
        ...wheels,
        [WHEEL]: zipFile({
          ...contents,
          "capi/libonnxruntime_providers_cuda.so": noise("cuda", 300_001),
        }),
      },
      /has 300001 bytes as capi\/libonnxruntime_providers_cuda\.so, not 300000/,
    ],
    [
      "a file in it is missing",
      {},
      {
        ...wheels,
        [WHEEL]: zipFile({
          "capi/libonnxruntime_providers_shared.so":
            contents["capi/libonnxruntime_providers_shared.so"] ?? Buffer.alloc(0),
        }),
      },
      /lacks capi\/libonnxruntime_providers_cuda\.so/,
    ],
    [
      "it is no archive",
      {},
      { ...wheels, [WHEEL]: noise("zip", 5000) },
      /is no wheel, or cut short/,
    ],
    [
      "the index has other versions only",
      {},
      { "onnxruntime_gpu-1.31.0-cp312-linux_x86_64.whl": zipFile({}) },
      /has no wheel of onnxruntime-gpu 1\.30\.0 for Linux on x64 \(1 others\)/,
    ],
    ["the index lacks the project", {}, {}, /is not there: the index does not have the project/],
    ["the page is endless", { page: "x".repeat(40_000_000) }, wheels, /is longer than \d+ bytes/],
  ])("is refused where %s, and leaves nothing in its place", async (_, manners, files, message) => {
    const server = await serve(manners, files);
    const index = openIndex(server.address);
    await expect(installProvider(options({ index }))).rejects.toMatchObject({
      name: "ProviderFault",
      message: expect.stringMatching(message),
    });
    expect(existsSync(folder)).toBe(false);
    // And the next try begins with what a good index has.
    const good = await serve();
    expect((await installProvider(options({ index: openIndex(good.address) }))).kind).toBe(
      "installed",
    );
  });

  test("is refused with the numbers where the disk is too small, before anything is fetched", async () => {
    const server = await serve();
    const machine = { freeBytes: async () => 500_000 };
    await expect(
      installProvider(options({ index: openIndex(server.address), machine })),
    ).rejects.toThrow(/needs 1 MB of disk in .* while it is installed; 1 MB are free/);
    expect(server.asked).toEqual([]);
  });

  test("is refused while another installation writes there", async () => {
    using lock = takeLock(`${folder}.lock`, 0);
    expect(lock).toBeDefined();
    await expect(installProvider(options())).rejects.toMatchObject({
      message: `another installation writes to ${folder}`,
      isRetryable: true,
    });
  });

  test("stops when it is asked to, and goes on from there", async () => {
    const server = await serve();
    const stop = new AbortController();
    const index = openIndex(server.address);
    const reporter = { ...options().reporter, progress: () => stop.abort(new Error("stopped")) };
    await expect(
      installProvider(options({ index, reporter, signal: stop.signal })),
    ).rejects.toThrow("stopped");
    expect(existsSync(folder)).toBe(false);
    expect((await installProvider(options({ index }))).kind).toBe("installed");
  });

  test.each(["ftp://host/simple", "/opt/wheels", "simple"])(
    "an index is an http address: %s is none",
    (text) => {
      expect(() => openIndex(text)).toThrow("the package index is no http or https address");
    },
  );
});

describe("the wheels that are pinned", () => {
  test("are of the runtime whose version npm brings", async () => {
    const { PROVIDER_WHEEL } = await import("#cli/provider/pinned-files.ts");
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(PROVIDER_WHEEL.version).toBe(dependencies["onnxruntime-node"]);
  });
});
