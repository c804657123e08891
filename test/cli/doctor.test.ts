import { describe, expect, test } from "vitest";
import { EXIT, UsageError } from "#cli/command.ts";
import { doctorOf } from "#cli/doctor.ts";
import { main } from "#cli/main.ts";
import type {
  CudaFindings,
  Machine,
  Trouble,
  VulkanFindings,
} from "#inference/machine/findings.ts";
import { recordedIo } from "../support/edge-command-io.ts";

const noDriver: Trouble = {
  kind: "driver_missing",
  why: "the NVIDIA driver is not installed",
  next: "Install NVIDIA's driver 580 or newer",
};
const noLoader: Trouble = {
  kind: "vulkan_missing",
  why: "the Vulkan loader is not installed",
  next: "Install it",
};

const vulkan: VulkanFindings = { hasLoader: true, manifests: [], adapters: [], troubles: [] };

/** A machine with a processor and no card. */
const plain: Machine = {
  node: { version: "v24.21.0", isNewEnough: true },
  platform: "linux",
  architecture: "x64",
  processor: { name: "EPYC", cores: 2, features: ["avx2", "avx512_vnni"] },
  memory: { totalBytes: 25.3e9, freeBytes: 20e9 },
  cpu: { troubles: [] },
  wasm: { troubles: [] },
  webgpu: { troubles: [noLoader], vulkan: { ...vulkan, hasLoader: false }, isReal: false },
  cuda: { folder: "/f", files: "missing", troubles: [noDriver] },
};

const h100: CudaFindings = {
  folder: "/f",
  files: "installed",
  driver: {
    cudaVersion: "13.0",
    version: "580.65.06",
    gpus: [
      {
        name: "NVIDIA H100 80GB HBM3",
        memoryBytes: 85e9,
        freeBytes: 84.2e9,
        computeCapability: "9.0",
      },
    ],
  },
  troubles: [],
};

async function consult(machine: Machine, ...args: string[]) {
  const io = recordedIo();
  const code = await doctorOf(async () => machine)(args, io);
  return { code, text: io.written.stdout };
}

describe("unmask doctor", () => {
  test("says of a machine without a card what runs, and of the rest why not and what to do", async () => {
    expect(await consult(plain)).toEqual({
      code: EXIT.done,
      text: `Node       24.21.0
Platform   linux on x64
Processor  EPYC, 2 cores; avx2, avx512_vnni
Memory     25.3 GB, 20.0 GB free

cpu        runs here
wasm       runs here
webgpu     cannot run here
           the Vulkan loader is not installed [vulkan_missing]
           → Install it
cuda       cannot run here
           the NVIDIA driver is not installed [driver_missing]
           → Install NVIDIA's driver 580 or newer
           files: missing (/f)

--provider auto takes cpu
  not cuda: the NVIDIA driver is not installed
  not webgpu: the Vulkan loader is not installed
`,
    });
  });

  test("names the cards, their memory and their driver", async () => {
    const adapter = {
      name: "H100",
      kind: "discrete",
      memoryBytes: 85e9,
      vulkan: "1.4.303",
    } as const;
    const { text } = await consult({
      ...plain,
      cuda: h100,
      webgpu: { troubles: [], vulkan: { ...vulkan, adapters: [adapter] }, isReal: true },
    });
    expect(text).toContain(`webgpu     runs here
           device: H100 (discrete), 85.0 GB, Vulkan 1.4.303
cuda       runs here
           driver: 580.65.06, CUDA 13.0
           device: NVIDIA H100 80GB HBM3 (compute capability 9.0), 85.0 GB, 84.2 GB free
           files: installed (/f)

--provider auto takes cuda
`);
  });

  test("takes a driver that computes on the processor for what it is", async () => {
    const adapter = {
      name: "llvmpipe",
      kind: "software",
      memoryBytes: 25e9,
      vulkan: "1.4.305",
    } as const;
    const { text } = await consult({
      ...plain,
      webgpu: { troubles: [], vulkan: { ...vulkan, adapters: [adapter] }, isReal: false },
    });
    expect(text).toContain(
      "webgpu     runs here, on a driver that computes on the processor: for trials, not for use\n",
    );
    expect(text).toContain("--provider auto takes cpu\n");
  });

  test("tells what a slow or an old machine lacks", async () => {
    const { text, code } = await consult({
      ...plain,
      node: { version: "v20.1.0", isNewEnough: false },
      processor: { name: "Atom", cores: 1, features: [] },
    });
    expect(text).toContain("Node       20.1.0, which is too old: 24 or newer\n");
    expect(text).toContain("Processor  Atom, 1 core; no vector instructions that matter\n");
    expect(text).toContain("cpu        runs here, slowly: the processor lacks AVX2\n");
    expect(code).toBe(EXIT.failed);
  });

  test("answers by its exit code whether one provider runs", async () => {
    expect((await consult(plain, "--provider", "cpu")).code).toBe(EXIT.done);
    const cuda = await consult(plain, "--provider", "cuda");
    expect(cuda.code).toBe(EXIT.failed);
    expect(cuda.text).toMatch(
      /provider cuda cannot run here: the NVIDIA driver is not installed\n→ Install NVIDIA's driver 580 or newer\n$/,
    );
    expect((await consult({ ...plain, cuda: h100 }, "--provider", "cuda")).code).toBe(EXIT.done);
    const crashed = { kind: "probe_crashed", why: "ended with SIGILL", next: "Update" };
    const nothing = { ...plain, cpu: { troubles: [crashed] }, wasm: { troubles: [crashed] } };
    expect((await consult(nothing)).code).toBe(EXIT.failed);
  });

  test("gives programs all that it has found", async () => {
    const { text } = await consult({ ...plain, cuda: h100 }, "--json");
    expect(JSON.parse(text)).toEqual({
      machine: { ...plain, cuda: h100 },
      choice: { kind: "chosen", provider: "cuda", passedOver: [] },
    });
  });

  test("knows the providers that there are", async () => {
    await expect(consult(plain, "--provider", "tpu")).rejects.toThrow(UsageError);
  });

  test("looks at this machine: its processor computes", async () => {
    const { PATH, HOME } = process.env;
    const io = recordedIo({ env: { PATH, HOME } });
    expect(await main(["doctor", "--json", "--provider", "cpu"], io)).toBe(EXIT.done);
    const { machine } = JSON.parse(io.written.stdout) as { machine: Machine };
    expect(machine.node.version).toBe(process.version);
    expect(machine.wasm.troubles).toEqual([]);
  });
});
