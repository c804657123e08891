/**
 * What decides the last bits of an answer. Two functions of one class give every answer the same tokens; of two classes the same
 * weights may round otherwise, and one token that falls the other way changes all that come after it.
 */
export interface NumericsClass {
  /** Execution provider: `cpu`, `webgpu`, … */
  readonly provider: string;
  /** The runtime and its version: `onnxruntime-node-1.30.0`. */
  readonly runtime: string;
  /** What chooses the kernels within the runtime: a processor's instruction sets, a GPU with its driver. */
  readonly kernels: string;
  /** In which form rows are computed: `alone` where each is as if its answer were alone, or the name of a padding (`b32`). */
  readonly rows: string;
  /** Lower-case hex SHA-256 of the bundle's manifest. */
  readonly model: string;
}

/** A class as text, the same for equal classes: `provider/runtime/kernels/rows/model`. */
export type NumericsText = string;

/** Characters of one part at the most. Threat: names of devices, which drivers choose, in every answer and every log line. */
const MAX_PART_LENGTH = 64;

/** Characters of a class at the most. */
export const MAX_NUMERICS_LENGTH: number = 5 * MAX_PART_LENGTH + 4;

const PART = new RegExp(`^[a-z0-9._+-]{1,${MAX_PART_LENGTH}}$`);

/** Writes a class in its one form. Throws RangeError where a part is none (`numericsPart` makes one of any name). */
export function numericsText(numerics: NumericsClass): NumericsText {
  const parts = partsOf(numerics);
  const wrong = parts.find((part) => !PART.test(part));
  if (wrong !== undefined) throw new RangeError(`"${wrong}" is no part of a numerics class`);
  return parts.join("/");
}

/** Reads what `numericsText` wrote; undefined for anything else. */
export function parseNumerics(text: NumericsText): NumericsClass | undefined {
  const parts = text.split("/");
  const [provider = "", runtime = "", kernels = "", rows = "", model = ""] = parts;
  if (parts.length !== 5 || !parts.every((part) => PART.test(part))) return undefined;
  return { provider, runtime, kernels, rows, model };
}

/** Whether two functions of these classes give every answer the same tokens. */
export function isSameNumerics(one: NumericsClass, other: NumericsClass): boolean {
  const others = partsOf(other);
  return partsOf(one).every((part, index) => part === others[index]);
}

/** Makes a part of any name, as of a device: `NVIDIA H100 80GB HBM3` becomes `nvidia-h100-80gb-hbm3`. */
export function numericsPart(name: string): string {
  const part = name
    .toLowerCase()
    .replace(/[^a-z0-9._+]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, MAX_PART_LENGTH);
  return part === "" ? "unknown" : part;
}

function partsOf({ provider, runtime, kernels, rows, model }: NumericsClass): readonly string[] {
  return [provider, runtime, kernels, rows, model];
}
