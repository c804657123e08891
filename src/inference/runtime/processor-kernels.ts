import { numericsPart } from "#domain/numerics.ts";

/** What of a machine decides which of its kernels the CPU's runtime takes. */
export interface Machine {
  /** As Node names it: `x64`, `arm64`. */
  readonly architecture: string;
  /** The processor's name. */
  readonly model: string;
  /** Its own name among machines. */
  readonly host: string;
  /** Text of /proc/cpuinfo; undefined where there is none. */
  readonly cpuinfo: string | undefined;
}

/**
 * Names the instruction sets by which ONNX Runtime's CPU kernels are chosen, the widest of each kind: `x64-avx512+vnni`.
 * Where the system does not list them, the processor's name stands for them.
 *
 * Seen with ONNX Runtime 1.30.0 on an x64 with AVX-512 VNNI, and in QEMU without: products in f32, f16, w8 and w7 have the
 * same bits with AVX2 as with AVX-512 VNNI, those in q4 have not; and whole layers have others in every format, since
 * normalisation, softmax and the activation are vectorised too. So an answer in w8a8 is not bit-equal between the two.
 * Source of the flags: onnxruntime/core/mlas/lib/platform.cpp.
 */
export function processorKernels({ architecture, model, cpuinfo }: Omit<Machine, "host">): string {
  const flags = flagsIn(cpuinfo ?? "");
  if (flags.size === 0) return numericsPart(`${architecture}-${model}`);
  const has = (...names: readonly string[]): boolean => names.every((name) => flags.has(name));
  const names = architecture === "arm64" ? arm64Names(has) : x64Names(has);
  return numericsPart(`${architecture}-${names.join("+")}`);
}

type Has = (...names: readonly string[]) => boolean;

function x64Names(has: Has): string[] {
  return [
    widestOfX64(has),
    ...(has("avx512_vnni") ? ["vnni"] : []),
    ...(has("avx_vnni") ? ["avxvnni"] : []),
    ...(has("avx_vnni_int8") ? ["avxvnniint8"] : []),
    ...(has("amx_tile", "amx_int8") ? ["amx"] : []),
  ];
}

function widestOfX64(has: Has): string {
  if (has("avx512f", "avx512bw", "avx512dq", "avx512vl")) return "avx512";
  if (has("avx512f")) return "avx512f";
  if (has("avx2", "fma")) return "avx2";
  return has("avx") ? "avx" : "sse";
}

function arm64Names(has: Has): string[] {
  return [
    "neon",
    ...(has("asimddp") ? ["dot"] : []),
    ...(has("asimdhp") ? ["fp16"] : []),
    ...(has("i8mm") ? ["i8mm"] : []),
    ...(has("bf16") ? ["bf16"] : []),
    ...(has("sve") ? ["sve"] : []),
    ...(has("sme") ? ["sme"] : []),
  ];
}

/** Flags of the first processor: x64 calls them `flags`, arm64 `Features`. */
function flagsIn(cpuinfo: string): ReadonlySet<string> {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? "";
  return new Set(line.split(/\s+/).filter((flag) => flag !== ""));
}
