/**
 * Machine code for GPUs in a Linux library: section `.nv_fatbin`, a row of containers, each with one entry for each architecture. All
 * little-endian. Source: the library of ONNX Runtime 1.30, whose 578 containers end exactly where these sizes say.
 */

/** Container: magic u32, version u16, bytes of this header u16, bytes behind it u64. */
const CONTAINER_MAGIC = 0xba55_ed50;
const CONTAINER_HEADER_SIZE_AT = 6;
const CONTAINER_SIZE_AT = 8;

/** Entry: kind u16, unknown u16, bytes of this header u32, bytes behind it u64, …, architecture u32 (90 for `sm_90`). */
const ENTRY_HEADER_SIZE_AT = 4;
const ENTRY_SIZE_AT = 8;
const ENTRY_ARCHITECTURE_AT = 28;

const SECTION = ".nv_fatbin";

/** Bytes of code by architecture, as found before anything was taken away. */
export type CodeSizes = ReadonlyMap<number, number>;

/**
 * Overwrites the code of all architectures but one with zeros, in place: nothing moves, the driver of that architecture finds its own as
 * before, and zeros compress to nothing. Throws an Error if the library is not laid out as expected, or lacks the architecture.
 */
export function keepArchitecture(library: Uint8Array, architecture: number): CodeSizes {
  const view = new DataView(library.buffer, library.byteOffset, library.byteLength);
  const { offset, bytes } = findSection(library, view);
  const sizes = new Map<number, number>();
  const end = offset + bytes;
  for (let at = offset; at < end; ) {
    if (view.getUint32(at, true) !== CONTAINER_MAGIC) {
      if (view.getUint32(at, true) !== 0) throw unexpected(at);
      at += 4; // containers begin at multiples of 8
      continue;
    }
    const first = at + view.getUint16(at + CONTAINER_HEADER_SIZE_AT, true);
    const last = first + size(view, at + CONTAINER_SIZE_AT);
    if (last > end) throw unexpected(at);
    for (let entry = first; entry < last; ) {
      const code = entry + view.getUint32(entry + ENTRY_HEADER_SIZE_AT, true);
      const next = code + size(view, entry + ENTRY_SIZE_AT);
      if (code <= entry || next > last) throw unexpected(entry);
      const found = view.getUint32(entry + ENTRY_ARCHITECTURE_AT, true);
      sizes.set(found, (sizes.get(found) ?? 0) + next - code);
      if (found !== architecture) library.fill(0, code, next);
      entry = next;
    }
    at = last;
  }
  if (!sizes.has(architecture)) {
    const known = [...sizes.keys()].map((each) => `sm_${each}`).join(", ");
    throw new Error(`the library has no code for sm_${architecture}, only for ${known}`);
  }
  return sizes;
}

/** A section of a 64-bit ELF file. Source: System V ABI, "Sections". */
function findSection(library: Uint8Array, view: DataView): { offset: number; bytes: number } {
  if (view.getUint32(0) !== 0x7f45_4c46 || library[4] !== 2) throw new Error("no 64-bit ELF file");
  const headers = size(view, 0x28);
  const headerBytes = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const headerOf = (index: number): number => headers + index * headerBytes;
  const names = size(view, headerOf(view.getUint16(0x3e, true)) + 0x18);
  for (let index = 0; index < count; index++) {
    const start = names + view.getUint32(headerOf(index), true);
    const text = new TextDecoder().decode(library.subarray(start, start + SECTION.length + 1));
    if (text === `${SECTION}\0`)
      return {
        offset: size(view, headerOf(index) + 0x18),
        bytes: size(view, headerOf(index) + 0x20),
      };
  }
  throw new Error(`the library has no section ${SECTION}`);
}

function size(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function unexpected(at: number): Error {
  return new Error(`the library's code for GPUs is not laid out as expected at byte ${at}`);
}
