import { readFileSync } from "node:fs";
import sharp, { type Create } from "sharp";
import type { ImagePolicy } from "#domain/architecture.ts";
import { imageLayouts } from "#domain/image/layout.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";
import { cutViews } from "#model/vision/crops.ts";
import { llavaPolicy, siglip } from "./vision.ts";

// Run by a test in a process of its own: by how many MiB looking at a picture makes it grow at the most.
//   node test/support/picture-memory.ts <file | widthxheight> <anyres | pad>

const [name = "", aspect = "anyres"] = process.argv.slice(2);
const policy: ImagePolicy = { ...llavaPolicy, aspect: aspect === "pad" ? "pad" : "anyres" };
const { resize } = await loadKernels();

async function look(file: Uint8Array): Promise<void> {
  const decoded = await decodeImages([file]);
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.refusal));
  const layouts = imageLayouts(decoded.value, policy, siglip, "auto");
  for (const [index, layout] of layouts.entries()) {
    const picture = decoded.value[index];
    if (picture !== undefined) cutViews(picture, layout, siglip.imageSize, resize);
  }
}

async function fileOf(text: string): Promise<Uint8Array> {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (width === undefined) return readFileSync(text);
  const create = { width: Number(width), height: Number(height), channels: 3, background: "red" };
  return await sharp({ create: create as Create })
    .png()
    .toBuffer();
}

const file = await fileOf(name);
// Libraries, pools and compiled code are there before anything is measured.
await look(await fileOf("1200x900"));
const before = process.resourceUsage().maxRSS;
await look(file);
process.stdout.write(String(Math.round((process.resourceUsage().maxRSS - before) / 1024)));
