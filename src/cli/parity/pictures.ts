import { readFile } from "node:fs/promises";
import path from "node:path";
import { type VisionTower, viewRules } from "#domain/architecture.ts";
import { type ImageLayout, imageLayout } from "#domain/image/layout.ts";
import type { Picture, Tensor } from "#domain/tensor.ts";
import { insideTower } from "#engine/passes/encode-image.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { normaliseViews } from "#model/image/patches.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { cutViews } from "#model/vision/crops.ts";
import { stitchFeatures } from "#model/vision/stitch.ts";
import { type Comparison, tolerances } from "./comparison.ts";
import type { ReferenceModel } from "./model.ts";
import type { ReferenceCase } from "./reference-case.ts";

/** A picture of a case, cut as the model will see it. */
interface SeenPicture {
  readonly layout: ImageLayout;
  readonly views: readonly Picture[];
}

/** Turns a case's pictures into their vectors [count, D], comparing pixels, views and features on the way. */
export async function embedPictures(
  model: ReferenceModel,
  reference: ReferenceCase,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Tensor[]> {
  const { engine } = model;
  const { vision, image } = engine.architecture;
  const files = reference.file.images ?? [];
  if (files.length === 0) return [];
  if (vision === undefined || image === undefined) {
    throw new Error(`${reference.file.checkpoint} has no vision tower, but the case has pictures`);
  }
  const pictures: SeenPicture[] = [];
  for (const [index, { file }] of files.entries()) {
    const picture = await decodeFile(path.join(reference.folder, file));
    comparison.array(`image${index}_u8`, picture.pixelsHWC, tolerances.exact);
    const layout = imageLayout(picture, image, viewRules(vision), "auto");
    pictures.push({ layout, views: cutViews(picture, layout, vision.imageSize, resizeBicubic) });
  }
  await compareTiles(reference, pictures, comparison);
  const { tiles_per_image: tiles } = reference.file;
  if (tiles !== undefined) {
    comparison.same(
      "tiles_per_image",
      pictures.map(({ views }) => views.length),
      tiles,
    );
  }
  return see(model, pictures, vision, comparison, signal);
}

async function decodeFile(file: string): Promise<Picture> {
  const decoded = await decodeImages([await readFile(file)]);
  if (!decoded.ok) throw new Error(`${file} cannot be decoded: ${JSON.stringify(decoded.refusal)}`);
  const [picture] = decoded.value;
  if (picture === undefined) throw new Error(`${file} gave no picture`);
  return picture;
}

/** Some cases keep their views as pictures in place of pixel values. */
async function compareTiles(
  { folder, file }: ReferenceCase,
  pictures: readonly SeenPicture[],
  comparison: Comparison,
): Promise<void> {
  for (const [index, { tiles }] of (file.images ?? []).entries()) {
    if (!Array.isArray(tiles)) continue;
    for (const [view, name] of tiles.entries()) {
      const expected = await decodeFile(path.join(folder, name));
      const actual = pictures[index]?.views[view]?.pixelsHWC ?? [];
      comparison.numbers(name, actual, expected.pixelsHWC, tolerances.exact);
    }
  }
}

async function see(
  { engine, observe }: ReferenceModel,
  pictures: readonly SeenPicture[],
  vision: VisionTower,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Tensor[]> {
  const projected: Tensor[] = [];
  const inside = await observe(async () => {
    for (const [index, { views }] of pictures.entries()) {
      const pixels = normaliseViews(views, vision);
      comparison.array(`pixel_values${index}`, pixels.data, tolerances.exact);
      projected.push(await engine.encodeImage(pixels, signal));
    }
  });
  const show = (theirs: string, ours: string): void =>
    comparison.array(theirs, inside.get(ours) ?? [], tolerances.embedding);
  for (const name of [...insideTower(vision), "features"]) show(`vision_${name}`, name);
  comparison.array(
    "projected",
    projected.flatMap(({ data }) => [...data]),
    tolerances.embedding,
  );
  const newline = await engine.imageNewline(signal);
  return projected.map((features, index) => {
    const layout = pictures[index]?.layout;
    if (layout === undefined) throw new Error(`picture ${index} has no layout`);
    return stitchFeatures(features, newline, layout);
  });
}
