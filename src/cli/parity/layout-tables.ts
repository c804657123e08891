import type { ImagePolicy, PatchTower } from "#domain/architecture.ts";
import { imageLayout, layoutVectorCount, unpaddedBox } from "#domain/image/layout.ts";
import { tensor } from "#domain/tensor.ts";
import { stitchFeatures } from "#model/vision/stitch.ts";
import { readCheckpointConfig } from "#weights/checkpoint/architecture.ts";
import { type Comparison, tolerances } from "./comparison.ts";
import type { NamedArrays } from "./tensor-file.ts";

interface AnyresTable {
  readonly image_size: number;
  readonly patches_per_side: number;
  readonly grid_pinpoints: string;
  readonly image_aspect_ratio: string;
  readonly rows: readonly {
    readonly w: number;
    readonly h: number;
    readonly best: readonly number[];
    readonly tiles: number;
    readonly unpadded_hw: readonly number[];
    readonly letterbox_xyxy?: readonly number[];
    readonly tokens: number;
    readonly rows_out: number;
    readonly cols_out: number;
  }[];
}

/** How pictures of many sizes are cut and how many vectors they become. */
export function compareAnyresSizes(table: AnyresTable, comparison: Comparison): void {
  const { vision, image } = imageRules(table);
  for (const row of table.rows) {
    const layout = imageLayout({ width: row.w, height: row.h }, image, vision, "auto");
    if (layout.kind !== "tiled") throw new Error(`${row.w}x${row.h} is not tiled`);
    const { canvas, tiles, kept, shrunk, letterbox: box } = layout;
    const actual: Partial<AnyresTable["rows"][number]> = {
      best: [canvas.width, canvas.height],
      tiles: 1 + tiles.width * tiles.height,
      unpadded_hw: [kept.height, kept.width],
      letterbox_xyxy: [box.left, box.top, box.left + box.width, box.top + box.height],
      tokens: layoutVectorCount(layout),
      rows_out: shrunk.height,
      cols_out: shrunk.width,
    };
    for (const [key, value] of Object.entries(actual)) {
      const expected = row[key as keyof typeof row];
      // Of very large pictures the table leaves out where they lie on the canvas.
      if (expected !== undefined) comparison.same(`${row.w}x${row.h} ${key}`, value, expected);
    }
  }
}

/** Which part of a letterboxed grid shows the picture: its size and its first and last cell, counted row by row. */
export function compareUnpad(
  table: {
    rows: {
      grid_hw: [number, number];
      image_wh: [number, number];
      out_hw: number[];
      first: number | null;
      last: number | null;
    }[];
  },
  comparison: Comparison,
): void {
  for (const { grid_hw, image_wh, ...expected } of table.rows) {
    const [[rows, columns], [width, height]] = [grid_hw, image_wh];
    const box = unpaddedBox({ width: columns, height: rows }, { width, height });
    const name = `${width}x${height} on ${columns}x${rows}`;
    comparison.same(`${name} out_hw`, [box.height, box.width], expected.out_hw);
    // An extreme picture can lose all cells; then there is no first.
    if (expected.first === null) continue;
    const last = (box.top + box.height - 1) * columns + box.left + box.width - 1;
    comparison.same(`${name} first`, box.top * columns + box.left, expected.first);
    comparison.same(`${name} last`, last, expected.last);
  }
}

/**
 * The rules under which `assembly_maps.safetensors` was recorded; the file holds arrays only and does not say them.
 * Source: config.json of GSAI-ML/LLaDA-V, the same as `anyres_sizes.json` states beside its rows.
 */
const ASSEMBLY_RULES = {
  image_size: 384,
  patches_per_side: 27,
  grid_pinpoints: "(1x1),...,(6x6)",
  image_aspect_ratio: "anyres_max_4",
} as const;

/** Where each vector of a picture comes from: features that name their own tile, row and column, and newlines of −1. */
export function compareAssemblyMaps(arrays: NamedArrays, comparison: Comparison): void {
  const { vision, image } = imageRules(ASSEMBLY_RULES);
  const side = ASSEMBLY_RULES.patches_per_side;
  for (const name of arrays.names) {
    const [width = 0, height = 0] = name.split("x").map(Number);
    const layout = imageLayout({ width, height }, image, vision, "auto");
    if (layout.kind !== "tiled") throw new Error(`${name} is not tiled`);
    const views = 1 + layout.tiles.width * layout.tiles.height;
    const features = new Float32Array(views * side * side * 3);
    for (let place = 0; place < views * side * side; place++) {
      const patch = place % (side * side);
      const origin = [Math.floor(place / (side * side)), Math.floor(patch / side), patch % side];
      features.set(origin, place * 3);
    }
    const newline = Float32Array.of(-1, -1, -1);
    const joined = stitchFeatures(tensor([views, side * side, 3], features), newline, layout);
    comparison.numbers(name, joined.data, arrays.get(name).data, tolerances.embedding);
  }
}

/** Bilinear scaling of in{k} [C, H, W] to the size of out{k}, as the stitching does it: tiles of one patch make any grid. */
export function compareBilinear(arrays: NamedArrays, comparison: Comparison): void {
  for (const name of arrays.names.filter((candidate) => candidate.startsWith("in"))) {
    const source = arrays.get(name);
    const target = arrays.get(name.replace("in", "out"));
    const [channels = 0, rows = 0, columns = 0] = source.shape;
    const [, height = 0, width = 0] = target.shape;
    const features = new Float32Array((1 + rows * columns) * channels);
    features.set(turned(source.data, channels, rows * columns), channels);
    const joined = stitchFeatures(
      tensor([1 + rows * columns, 1, channels], features),
      new Float32Array(channels),
      {
        kind: "tiled",
        patches: 1,
        canvas: { width: columns, height: rows },
        letterbox: { left: 0, top: 0, width: columns, height: rows },
        tiles: { width: columns, height: rows },
        kept: { left: 0, top: 0, width: columns, height: rows },
        shrunk: { width, height },
      },
    );
    const expected = turned(target.data, channels, height * width);
    // Behind the base view's one vector, each row of vectors ends with a newline.
    const vectors = Array.from({ length: height * width }, (_, cell) => {
      const start = (1 + cell + Math.floor(cell / width)) * channels;
      return [...joined.data.subarray(start, start + channels)];
    });
    comparison.numbers(name, vectors.flat(), expected, tolerances.embedding);
  }
}

function imageRules(
  table: Pick<
    AnyresTable,
    "image_size" | "patches_per_side" | "grid_pinpoints" | "image_aspect_ratio"
  >,
): { readonly vision: PatchTower; readonly image: ImagePolicy } {
  const { vision, image } = readCheckpointConfig({
    ...anyLanguageTower,
    mm_vision_tower: "siglip",
    image_grid_pinpoints: table.grid_pinpoints,
    image_aspect_ratio: table.image_aspect_ratio,
    vision_config: {
      image_size: table.image_size,
      patch_size: Math.floor(table.image_size / table.patches_per_side),
    },
  });
  if (vision === undefined || vision.kind === "conv" || image === undefined)
    throw new Error("the table describes no pictures");
  return { vision, image };
}

/** Sizes that a configuration must have and that say nothing about pictures. */
const anyLanguageTower = {
  hidden_size: 2,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  intermediate_size: 2,
  vocab_size: 2,
  rope_theta: 1,
  max_position_embeddings: 2,
};

/** [C, cells] → [cells, C]. */
function turned(values: ArrayLike<number>, channels: number, cells: number): Float32Array {
  const result = new Float32Array(channels * cells);
  for (let channel = 0; channel < channels; channel++) {
    for (let cell = 0; cell < cells; cell++) {
      result[cell * channels + channel] = values[channel * cells + cell] ?? Number.NaN;
    }
  }
  return result;
}
