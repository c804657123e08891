import { describe, expect, test } from "vitest";
import { numericsText } from "#domain/numerics.ts";
import { arithmeticOf, machineArithmetic } from "#inference/runtime/machine-arithmetic.ts";
import { processorKernels } from "#inference/runtime/processor-kernels.ts";

const x64 = (flags: string): string =>
  processorKernels({
    ...{ architecture: "x64", model: "AMD EPYC 9B14" },
    cpuinfo: `processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu sse2 ${flags}\n\nprocessor\t: 1\n`,
  });

/** All that ONNX Runtime asks for before it takes its AVX-512 kernels. */
const AVX512 = "avx avx2 fma avx512f avx512bw avx512dq avx512vl";

describe("the kernels of a processor", () => {
  test.each([
    ["", "x64-sse"],
    ["avx", "x64-avx"],
    ["avx avx2", "x64-avx"],
    ["avx avx2 fma", "x64-avx2"],
    ["avx avx2 fma avx_vnni", "x64-avx2+avxvnni"],
    ["avx avx2 fma avx512f", "x64-avx512f"],
    [AVX512, "x64-avx512"],
    [`${AVX512} avx512_vnni`, "x64-avx512+vnni"],
    [`${AVX512} avx512_vnni amx_tile amx_int8`, "x64-avx512+vnni+amx"],
  ])("with %s are %s", (flags, kernels) => {
    expect(x64(flags)).toBe(kernels);
  });

  test("of arm64 are named by what Linux calls features", () => {
    const cpuinfo = "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp i8mm bf16 sve\n";
    const machine = { architecture: "arm64", model: "", cpuinfo };
    expect(processorKernels(machine)).toBe("arm64-neon+dot+fp16+i8mm+bf16+sve");
  });

  test("are named by the processor where the system lists no features", () => {
    const machine = { architecture: "arm64", model: "Apple M3 Max", cpuinfo: undefined };
    expect(processorKernels(machine)).toBe("arm64-apple-m3-max");
  });
});

describe("the arithmetic of a provider", () => {
  test("is a whole class with the model, names the runtime's version, and is the same at every start", async () => {
    const arithmetic = await arithmeticOf("cpu");
    expect(arithmetic).toMatchObject({ provider: "cpu", rows: "alone" });
    expect(arithmetic.runtime).toMatch(/^onnxruntime-node-\d+\.\d+\.\d+/);
    expect(numericsText({ ...arithmetic, model: "ab".repeat(32) })).toBe(
      numericsText({ ...(await arithmeticOf("cpu")), model: "ab".repeat(32) }),
    );
  });

  test("of WebAssembly does not depend on the machine", () => {
    const machine = { architecture: "x64", model: "", host: "a", cpuinfo: undefined };
    const version = () => "1.2.3";
    const one = machineArithmetic("wasm", machine, version);
    const other = machineArithmetic(
      "wasm",
      { ...machine, architecture: "arm64", host: "b" },
      version,
    );
    expect(one).toEqual(other);
    expect(one.runtime).toMatch(/^onnxruntime-web-\d/);
  });

  test("is what its runtime tells, where it tells", async () => {
    const told = { runtime: "onnxruntime-1.30.0", kernels: "sm90-driver580.65" };
    expect(await arithmeticOf("cuda", told)).toEqual({ provider: "cuda", rows: "alone", ...told });
    expect(await arithmeticOf("webgpu", { kernels: "nvidia-hopper", rows: "b32" })).toMatchObject({
      ...{ kernels: "nvidia-hopper", rows: "b32" },
      runtime: expect.stringMatching(/^onnxruntime-node-\d/),
    });
  });

  test.each(["webgpu", "cuda"] as const)(
    "of a device that its runtime does not name is no other machine's: %s",
    (provider) => {
      const machine = { architecture: "x64", model: "", host: "gpu-1", cpuinfo: undefined };
      const kernels = ["gpu-1", "gpu-2"].map(
        (host) => machineArithmetic(provider, { ...machine, host }, () => "1.2.3").kernels,
      );
      expect(kernels).toEqual(["host-gpu-1", "host-gpu-2"]);
    },
  );
});
