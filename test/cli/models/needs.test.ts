import { expect, test } from "vitest";
import { chooseForm, requireDisk, requireMemory } from "#cli/models/needs.ts";
import { needsOf } from "#weights/needs.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";

const eightBillion = synthArchitecture("llada-v-8b");

test.each([
  [64e9, { format: "w8a8" }],
  [8e9, { format: "q4", block: 128 }],
  // Not even this one fits: it is the one whose numbers are told.
  [1e9, { format: "q4", block: 128 }],
])("with %d bytes of memory an 8B model is stored as %j where nobody says", (memoryBytes, form) => {
  const machine = { memoryBytes, freeBytes: async () => 0 };
  expect(chooseForm("auto", eightBillion, "cpu", machine)).toEqual(form);
  expect(chooseForm({ format: "f16" }, eightBillion, "cpu", machine)).toEqual({ format: "f16" });
});

test.each([
  ["f32", 33.7, 2.7],
  ["f16", 16.9, 1.6],
  ["w8a8", 9.0, 1.1],
] as const)(
  "an 8B model in %s takes %d GB of disk, %d GB of memory to be converted",
  (format, disk, memory) => {
    const needs = needsOf(eightBillion, { format });
    expect(needs.bundleBytes / 1e9).toBeCloseTo(disk, 0);
    expect(needs.conversionBytes / 1e9).toBeCloseTo(memory, 1);
  },
);

test("what is there already needs no room any more", async () => {
  const form = { format: "w8a8" } as const;
  const needs = needsOf(eightBillion, form);
  const machine = { memoryBytes: 0, freeBytes: async () => 1e9 };
  const requiring = (keptBytes: number) =>
    requireDisk(needs, form, { folder: "/models/x", keptBytes, machine });
  await expect(requiring(0)).rejects.toMatchObject({ code: "disk_too_small" });
  await requiring(needs.bundleBytes - 5e8);
});

test.each([
  [24e9, { format: "q8" }],
  [10e9, { format: "q4", block: 32 }],
  [undefined, { format: "q8" }],
])(
  "with %d bytes of a graphics card's memory it is stored as %j where nobody says",
  (deviceBytes, form) => {
    const machine = { memoryBytes: 8e9, freeBytes: async () => 0 };
    const card = deviceBytes === undefined ? machine : { ...machine, deviceBytes };
    expect(chooseForm("auto", eightBillion, "webgpu", card)).toEqual(form);
  },
);

const q8 = { format: "q8" } as const;
const f32 = { format: "f32" } as const;

test.each([
  [
    f32,
    "cpu",
    { memoryBytes: 32e9 },
    /needs 38\.6 GB of memory to be served; this machine has 32\.0 GB/,
  ],
  [
    q8,
    "gpu",
    { memoryBytes: 32e9, deviceBytes: 8e9 },
    /needs 1\d\.\d GB of the graphics card's memory; it has 8\.0 GB/,
  ],
  [
    q8,
    "gpu",
    { memoryBytes: 2e9 },
    /needs 2\.\d GB of memory to be served; this machine has 2\.0 GB/,
  ],
] as const)(
  "an 8B model in %j on a %s is refused to a machine with %j, with the numbers",
  (form, processor, has, says) => {
    const machine = { ...has, freeBytes: async () => 0 };
    expect(() => requireMemory(needsOf(eightBillion, form, { processor }), form, machine)).toThrow(
      says,
    );
  },
);

test("a conversion that does not fit into memory is refused for that", () => {
  const machine = { memoryBytes: 2e9, freeBytes: async () => 0 };
  const needs = { ...needsOf(eightBillion, f32), servingBytes: 1e9 };
  expect(() => requireMemory(needs, f32, machine, "conversion")).toThrow(
    /needs 2\.7 GB of memory to be converted; this machine has 2\.0 GB/,
  );
  requireMemory(needs, f32, machine);
});
