import { elementCount, type Shape } from "#domain/tensor.ts";
import { MAX_SAFETENSORS_HEADER_BYTES } from "../limits.ts";
import type { ByteSource } from "../source.ts";
import { WeightsError } from "../weights-error.ts";
import { MAX_LFS_POINTER_BYTES, refuseLfsPointer } from "./lfs-pointer.ts";

/** Number types that checkpoints of this family use; others are refused by name. */
export type SafetensorsDtype = "F32" | "F16" | "BF16";

/** A tensor inside a safetensors file. `offset` counts from the start of the file. */
export interface SourceTensor {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: Shape;
  readonly offset: number;
  readonly bytes: number;
}

/** Bytes per number. */
export const DTYPE_BYTES: Readonly<Record<SafetensorsDtype, number>> = { F32: 4, F16: 2, BF16: 2 };

/**
 * Reads and checks the header of a safetensors file: every tensor lies inside the file, none overlaps another, and each
 * has as many bytes as its shape and type need. The numbers themselves are not read.
 * Source: the format's README, https://github.com/huggingface/safetensors#format
 */
export async function readSafetensorsHeader(
  source: ByteSource,
  fileName: string,
  signal?: AbortSignal,
): Promise<SourceTensor[]> {
  const text = await readHeaderText(source, fileName, signal);
  const header = parseHeader(text, fileName);
  const dataStart = 8 + text.byteLength;
  const tensors = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => parseTensor(name, entry, dataStart, fileName));
  checkPlaces(tensors, source.byteLength, fileName);
  return tensors;
}

async function readHeaderText(
  source: ByteSource,
  fileName: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (source.byteLength < MAX_LFS_POINTER_BYTES) {
    refuseLfsPointer(await source.slice(0, source.byteLength, signal), fileName);
  }
  if (source.byteLength < 8) {
    throw new WeightsError(
      "safetensors_truncated",
      `${fileName} has ${source.byteLength} bytes, less than the length field of a safetensors file`,
    );
  }
  const prefix = await source.slice(0, 8, signal);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_SAFETENSORS_HEADER_BYTES)) {
    throw new WeightsError(
      "safetensors_header_too_large",
      `${fileName} claims a header of ${length} bytes; allowed are ${MAX_SAFETENSORS_HEADER_BYTES}`,
    );
  }
  if (8 + Number(length) > source.byteLength) {
    throw new WeightsError(
      "safetensors_truncated",
      `${fileName} claims a header of ${length} bytes but has only ${source.byteLength} in all`,
    );
  }
  return source.slice(8, Number(length), signal);
}

function parseHeader(bytes: Uint8Array, fileName: string): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw new WeightsError("safetensors_bad_json", `the header of ${fileName} is not JSON`, {
      cause,
    });
  }
  if (!isRecord(header)) {
    throw new WeightsError("safetensors_bad_json", `the header of ${fileName} is not an object`);
  }
  const repeated = firstRepeatedKey(text);
  if (repeated !== undefined) {
    throw new WeightsError(
      "safetensors_duplicate_name",
      `${fileName} holds two tensors named ${repeated}`,
    );
  }
  return header;
}

function parseTensor(
  name: string,
  entry: unknown,
  dataStart: number,
  fileName: string,
): SourceTensor {
  const complain = (problem: string): WeightsError =>
    new WeightsError("safetensors_bad_offsets", `${fileName}: tensor ${name} ${problem}`);
  if (!isRecord(entry)) throw complain("is not described by an object");
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new WeightsError(
      "safetensors_unknown_dtype",
      `${fileName}: tensor ${name} has numbers of type ${JSON.stringify(dtype)}; known are ${Object.keys(DTYPE_BYTES).join(", ")}`,
    );
  }
  if (!isCountList(shape)) throw complain("has no shape of non-negative integers");
  if (!isCountList(offsets) || offsets.length !== 2) throw complain("has no pair of data offsets");
  const [start = 0, end = 0] = offsets;
  const known = dtype as SafetensorsDtype;
  const needed = elementCount(shape) * DTYPE_BYTES[known];
  if (end - start !== needed) {
    throw complain(
      `lies in ${end - start} bytes, its shape [${shape.join(", ")}] of ${dtype} needs ${needed}`,
    );
  }
  return { name, dtype: known, shape, offset: dataStart + start, bytes: needed };
}

function checkPlaces(tensors: readonly SourceTensor[], fileBytes: number, fileName: string): void {
  let end = 0;
  let previous = "";
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    if (tensor.bytes > 0 && tensor.offset < end) {
      throw new WeightsError(
        "safetensors_bad_offsets",
        `${fileName}: tensors ${previous} and ${tensor.name} overlap`,
      );
    }
    if (tensor.offset + tensor.bytes > fileBytes) {
      throw new WeightsError(
        "safetensors_truncated",
        `${fileName}: tensor ${tensor.name} ends at byte ${tensor.offset + tensor.bytes}, the file at ${fileBytes}`,
      );
    }
    end = Math.max(end, tensor.offset + tensor.bytes);
    previous = tensor.name;
  }
}

/**
 * Finds a name that stands twice at the top of a JSON object, which `JSON.parse` lets pass (the last one wins). The text
 * is known to be valid JSON, so only strings and depth have to be followed.
 */
function firstRepeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && token.endsWith(":")) {
      const key: string = JSON.parse(token.slice(0, -1));
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCountList(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= 8 &&
    value.every((count) => Number.isSafeInteger(count) && count >= 0)
  );
}
