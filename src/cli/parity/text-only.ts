import type { CheckpointFolder } from "#weights/checkpoint/checkpoint-folder.ts";
import { type ByteSource, memorySource } from "#weights/source.ts";

/** What of a checkpoint's config.json and tensors is about pictures. */
const OF_PICTURES = /^(?:mm_|image_|vision_)|^model\.(?:vision_tower|mm_projector|image_newline)/;

/**
 * Sees a LLaDA-V checkpoint as one of LLaDA: its language tower alone, so that a case of text-only code runs on what such a
 * checkpoint is converted to, its rules of decoding with it. The files are the developer's own and small: each is read whole.
 */
export function textOnly(checkpoint: CheckpointFolder): CheckpointFolder {
  return {
    ...checkpoint,
    async open(name, signal) {
      const source = await checkpoint.open(name, signal);
      if (source === undefined) return undefined;
      if (name === "config.json") return memorySource(encode(withoutPictures(await json(source))));
      return name.endsWith(".safetensors") ? memorySource(await languageTensors(source)) : source;
    },
  };
}

function withoutPictures(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.entries(record).filter(([key]) => !OF_PICTURES.test(key));
  return { ...Object.fromEntries(own), model_type: "llada", architectures: ["LLaDAModelLM"] };
}

/** Only the header is written anew: places count from its end, and numbers that no name points to are no fault. */
async function languageTensors(source: ByteSource): Promise<Uint8Array> {
  const file = await source.slice(0, source.byteLength);
  const headerEnd = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  const header: Record<string, unknown> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, headerEnd)),
  );
  const kept = encode(
    Object.fromEntries(Object.entries(header).filter(([name]) => !OF_PICTURES.test(name))),
  );
  const rewritten = new Uint8Array(8 + kept.byteLength + file.byteLength - headerEnd);
  new DataView(rewritten.buffer).setBigUint64(0, BigInt(kept.byteLength), true);
  rewritten.set(kept, 8);
  rewritten.set(file.subarray(headerEnd), 8 + kept.byteLength);
  return rewritten;
}

async function json(source: ByteSource): Promise<Record<string, unknown>> {
  return JSON.parse(new TextDecoder().decode(await source.slice(0, source.byteLength)));
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
