import { describe, expect, test } from "vitest";
import { keepArchitecture } from "../../infra/gpu-check/pack/fatbin.ts";

/** Code of two containers, 16 bytes each entry, filled with its architecture. */
const containers = [
  [75, 90],
  [90, 120],
];

describe("a library's code for GPUs", () => {
  test("is kept for one architecture and zero for the others, and nothing else changes", () => {
    const library = elfWith(containers);
    const before = library.slice();
    expect([...keepArchitecture(library, 90)]).toEqual([
      [75, 16],
      [90, 32],
      [120, 16],
    ]);
    const changed = [...library.keys()].filter((index) => library[index] !== before[index]);
    expect(changed.length).toBe(32);
    expect(changed.every((index) => library[index] === 0)).toBe(true);
    expect(new Set(changed.map((index) => before[index]))).toEqual(new Set([75, 120]));
    expect(library.filter((byte) => byte === 90).length).toBe(
      before.filter((byte) => byte === 90).length,
    );
  });

  test("is refused where the architecture wanted is not in it", () => {
    expect(() => keepArchitecture(elfWith(containers), 100)).toThrow(
      "the library has no code for sm_100, only for sm_75, sm_90, sm_120",
    );
  });

  test("is refused where its containers are not laid out as expected, before more is lost", () => {
    const long = elfWith(containers);
    new DataView(long.buffer).setBigUint64(sectionAt + 8, 1_000_000n, true);
    expect(() => keepArchitecture(long, 90)).toThrow(
      `not laid out as expected at byte ${sectionAt}`,
    );
    const strange = elfWith(containers);
    strange[sectionAt] = 1;
    expect(() => keepArchitecture(strange, 90)).toThrow(
      `not laid out as expected at byte ${sectionAt}`,
    );
  });

  test("is refused in what is no library, or has none", () => {
    expect(() => keepArchitecture(new Uint8Array(64), 90)).toThrow("no 64-bit ELF file");
    expect(() => keepArchitecture(elfWith(containers, ".data"), 90)).toThrow(
      "the library has no section .nv_fatbin",
    );
  });
});

const sectionAt = 64;

/** The least that is an ELF file: a header, one section of code, one of names, and their two headers. */
function elfWith(
  all: readonly (readonly number[])[],
  name = ".nv_fatbin",
): Uint8Array<ArrayBuffer> {
  const code = all.flatMap((architectures) => [...container(architectures)]);
  const names = new TextEncoder().encode(`${name}\0.shstrtab\0`);
  const namesAt = sectionAt + code.length;
  const headersAt = namesAt + names.length;
  const bytes = new Uint8Array(headersAt + 2 * 64);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x7f45_4c46);
  bytes[4] = 2;
  view.setBigUint64(0x28, BigInt(headersAt), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 2, true);
  view.setUint16(0x3e, 1, true);
  bytes.set(code, sectionAt);
  bytes.set(names, namesAt);
  const section = (index: number, nameAt: number, at: number, length: number): void => {
    view.setUint32(headersAt + index * 64, nameAt, true);
    view.setBigUint64(headersAt + index * 64 + 0x18, BigInt(at), true);
    view.setBigUint64(headersAt + index * 64 + 0x20, BigInt(length), true);
  };
  section(0, 0, sectionAt, code.length);
  section(1, name.length + 1, namesAt, names.length);
  return bytes;
}

function container(architectures: readonly number[]): Uint8Array {
  const entryBytes = 64 + 16;
  const bytes = new Uint8Array(16 + architectures.length * entryBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xba55_ed50, true);
  view.setUint16(6, 16, true);
  view.setBigUint64(8, BigInt(architectures.length * entryBytes), true);
  for (const [index, architecture] of architectures.entries()) {
    const at = 16 + index * entryBytes;
    view.setUint16(at, 2, true);
    view.setUint32(at + 4, 64, true);
    view.setBigUint64(at + 8, 16n, true);
    view.setUint32(at + 28, architecture, true);
    bytes.fill(architecture, at + 64, at + entryBytes);
  }
  return bytes;
}
