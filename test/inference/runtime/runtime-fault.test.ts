import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";
import { failureOf, midwayFailureOf } from "#inference/fault.ts";
import { replacementCode } from "#inference/replacement.ts";
import { classifyRuntimeFault, runtimeFaultOf } from "#inference/runtime/runtime-fault.ts";

const faults: { readonly kind: string; readonly source: string; readonly text: string }[] =
  JSON.parse(readFileSync("test/fixtures/runtime-faults/faults.json", "utf8"));
const loading: Record<string, string> = JSON.parse(
  readFileSync("test/fixtures/cuda/faults.json", "utf8"),
);

describe("what a runtime says", () => {
  test.each(faults)("is $kind ($source)", ({ kind, text }) => {
    expect(classifyRuntimeFault(text)).toBe(kind);
  });

  test.each(Object.entries(loading))("while CUDA is loaded is %s", (kind, text) => {
    expect(classifyRuntimeFault(text)).toBe(kind);
  });

  test("of other things has no kind, and stays a fault of ours", () => {
    for (const text of [
      "stage layer-00 failed to run",
      "the engine has been disposed",
      "Non-zero status code returned while running MatMul node. Name:'y' Status Message: matmul_helper.h:144 left operand cannot broadcast on dim 0",
      "CUDA failure 1: invalid argument",
    ])
      expect(classifyRuntimeFault(text)).toBeUndefined();
    expect(midwayFailureOf(new Error("a bug"), false)).toEqual({ kind: "internal" });
  });

  test("is found below what we say of it, and by its message alone once it has crossed a thread", () => {
    const cause = new Error("CUDA failure 2: out of memory ; GPU=0");
    expect(runtimeFaultOf(new Error("stage layer-00 failed to run", { cause }))).toBe(
      "out_of_memory",
    );
    const named = new ProviderUnavailableError("cuda", "driver_missing", {
      ...{ why: "the driver is not installed", next: "Install it" },
    });
    const crossed = new Error(named.message);
    expect(runtimeFaultOf(new Error("the runtime cannot be loaded", { cause: crossed }))).toBe(
      "driver_missing",
    );
  });
});

describe("a runtime's fault", () => {
  const errorOf = (text: string): Error =>
    new Error("stage head failed to run", { cause: new Error(text) });

  test("while weights are loaded is why the model cannot be served", () => {
    expect(failureOf(errorOf("Failed to get a WebGPU adapter: No supported adapters"))).toEqual({
      ...{ kind: "weights_failed", code: "no_gpu" },
    });
  });

  test("of memory in the middle of an answer may pass where others were made beside it, and never where it was alone", () => {
    const full = errorOf("CUDA failure 2: out of memory");
    expect(midwayFailureOf(full, false)).toEqual({ kind: "device_out_of_memory" });
    expect(midwayFailureOf(full, true)).toEqual({ kind: "device_too_small" });
  });

  test.each([
    "CUDA failure 700: an illegal memory access",
    "CUDA failure 100: no CUDA-capable device",
  ])("of the device in the middle of an answer is its loss, whatever it says: %s", (text) => {
    expect(midwayFailureOf(errorOf(text), true)).toEqual({ kind: "device_lost" });
  });

  test("is mended by another process where that begins anew with the device, and by none where the machine lacks something", () => {
    expect(replacementCode("device_lost")).toBe(75);
    expect(replacementCode("out_of_memory")).toBe(75);
    for (const kind of ["no_gpu", "driver_missing", "driver_too_old"] as const)
      expect(replacementCode(kind)).toBe(78);
    for (const kind of ["files_missing", "files_wrong", "libraries_missing"] as const)
      expect(replacementCode(kind)).toBe(78);
  });
});
