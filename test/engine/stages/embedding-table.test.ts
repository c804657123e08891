import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import type { TensorEncoding } from "#domain/bundle.ts";
import { openEmbeddingTable, readVector } from "#engine/stages/embedding-table.ts";
import { packStage } from "#engine/stages/packed-stage.ts";
import { openScratchFile } from "#inference/loading/scratch-file.ts";

/** A table of 6 rows of 40 numbers: more than one quantisation block, and the last one partly padding. */
function table(encoding: TensorEncoding) {
  const values = Float32Array.from({ length: 240 }, (_, index) => Math.sin(index) * 3);
  return packStage("embed", [{ name: "weight", shape: [6, 40], encoding, values }]);
}

describe("openEmbeddingTable", () => {
  test.each(["f32", "f16", "q8"] as const)(
    "reads rows of a %s table in the order asked",
    async (encoding) => {
      const stage = table(encoding);
      const stored = stage.weights("weight") ?? new Float32Array(0);
      const { shape, data } = await openEmbeddingTable(stage).rows([5, 0, 5]);
      expect(shape).toEqual([3, 40]);
      expect([...data.subarray(0, 40)]).toEqual([...stored.subarray(200, 240)]);
      expect([...data.subarray(40, 80)]).toEqual([...stored.subarray(0, 40)]);
      expect([...data.subarray(80)]).toEqual([...stored.subarray(200, 240)]);
    },
  );

  test("reads a stage that begins at an odd byte of somebody's buffer", async () => {
    const { layout, bytes } = table("f32");
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const moved = { layout, bytes: shifted.subarray(3) };
    expect(await openEmbeddingTable(moved).rows([1])).toEqual(
      await openEmbeddingTable({ layout, bytes }).rows([1]),
    );
  });

  test.each(["f32", "f16", "q8"] as const)(
    "rows of a %s table that was put aside are those of the one in memory, each read once",
    async (encoding) => {
      const { layout, bytes } = table(encoding);
      const file = await openScratchFile(tmpdir(), bytes);
      const reads: number[] = [];
      const aside = openEmbeddingTable({ layout, bytes: new Uint8Array() }, (offset, length) => {
        reads.push(offset);
        return file.read(offset, length);
      });
      const ids = [5, 0, 5, 5, 3];
      expect(await aside.rows(ids)).toEqual(await openEmbeddingTable({ layout, bytes }).rows(ids));
      expect(reads).toHaveLength(new Set(reads).size);
      await file.close();
    },
  );

  test("an id outside the table is a RangeError that names it", async () => {
    const open = openEmbeddingTable(table("f32"));
    await expect(open.rows([0, 6])).rejects.toThrow(
      new RangeError("token id 6 is outside the vocabulary of 6"),
    );
    await expect(open.rows([-1])).rejects.toThrow(RangeError);
    expect((await open.rows([])).shape).toEqual([0, 40]);
  });

  test("a table stored as a linear has no rows", () => {
    expect(() => openEmbeddingTable(table("f32t"))).toThrow("stored as f32t");
  });

  test("readVector reads a tensor of one dimension, and names the one that is missing", async () => {
    const values = Float32Array.of(1, 2, 3);
    const stage = packStage("projector", [
      { name: "image_newline", shape: [3], encoding: "f32", values },
    ]);
    expect(await readVector(stage, "image_newline")).toEqual(values);
    expect(() => readVector(stage, "newline")).toThrow("stage projector has no tensor newline");
  });
});
