/** Features of pictures by the vision tower that ships, which `world.py` fits the score of its world to. See there. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { loadKernels } from "#inference/runtime/kernels.ts";
import { fileStore } from "#inference/file-store.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { viewRules } from "#domain/architecture.ts";
import { imageLayout } from "#domain/image/layout.ts";
import { normaliseViews } from "#model/image/patches.ts";
import { cutViews } from "#model/vision/crops.ts";

const MODEL = "unmask-demo";
const BUNDLE = path.join(import.meta.dirname, "bundle");
const forever = new AbortController().signal;

/** Writes `features.f32`, [pictures, patches, width] as little-endian float32, and `features.json` beside the pictures of each folder. */
async function writeFeatures(folders: readonly string[]): Promise<void> {
  const { resize } = await loadKernels();
  const host = createModelHost({
    model: MODEL,
    provider: "cpu",
    resize,
    log: () => undefined,
    open: (signal) => openModel({ store: fileStore(BUNDLE), model: MODEL, signal }),
  });
  const { engine } = (await host.described(forever)).tools;
  const { image, vision } = engine.architecture;
  if (image === undefined || vision === undefined) throw new Error("the model sees no pictures");
  for (const folder of folders) {
    const names = (await readdir(folder)).filter((name) => /\.(png|jpe?g)$/.test(name)).toSorted();
    const parts: Float32Array[] = [];
    let shape: readonly number[] = [];
    for (const name of names) {
      const decoded = await decodeImages([await readFile(path.join(folder, name))]);
      if (!decoded.ok) throw new Error(`${name}: ${decoded.refusal.kind}`);
      const [picture] = decoded.value;
      if (picture === undefined) throw new Error(`${name} is no picture`);
      const layout = imageLayout(picture, image, viewRules(vision), "auto");
      const views = normaliseViews(cutViews(picture, layout, vision.imageSize, resize), vision);
      await engine.encodeImage(views, forever, (features) => {
        shape = features.shape;
        parts.push(features.data.slice());
      });
    }
    await writeFile(path.join(folder, "features.f32"), Buffer.concat(parts.map((part) => Buffer.from(part.buffer))));
    await writeFile(path.join(folder, "features.json"), `${JSON.stringify({ shape: [names.length, ...shape], names })}\n`);
    process.stdout.write(`${folder}: ${names.length} pictures\n`);
  }
  await host.dispose();
}

const [command, ...rest] = process.argv.slice(2);
if (command === "features" && rest.length > 0) await writeFeatures(rest);
else throw new Error("node world.ts features FOLDER …");
