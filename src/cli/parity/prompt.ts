import type { Tensor } from "#domain/tensor.ts";
import { embedPrompt, promptLength } from "#model/text/embed.ts";
import { IMAGE_SLOT, imageTokenIds } from "#model/text/prompt.ts";
import { type Comparison, tolerances } from "./comparison.ts";
import type { ReferenceModel } from "./model.ts";
import { embedPictures } from "./pictures.ts";
import type { CaseFile, ReferenceCase } from "./reference-case.ts";

/** Brings a case's pictures and ids to the vectors [p, D] of its prompt, comparing every step on the way. */
export async function embedCase(
  model: ReferenceModel,
  reference: ReferenceCase,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Tensor> {
  const { engine, promptLimit: limit } = model;
  const pictures = await embedPictures(model, reference, comparison, signal);
  const ids = promptIds(reference.file, comparison);
  const { image_tokens_per_image: counts } = reference.file;
  const vectors = pictures.map(({ shape: [count = 0] }) => count);
  // Of a prompt that is cut off the reference tells what is left, which prompt_len tells as well.
  if (counts !== undefined && promptLength(ids, vectors) <= limit) {
    comparison.same("image_tokens_per_image", vectors, counts);
  }
  const prompt = await embedPrompt(engine, ids, pictures, limit, signal);
  comparison.same("prompt_len", prompt.shape[0], reference.file.prompt_len);
  comparison.array("inputs_embeds", prompt.data, tolerances.embedding);
  return prompt;
}

/** The case's ids; where it also has the text that they were made of, the text must give the same. */
function promptIds(file: CaseFile, comparison: Comparison): number[] {
  const slot = file.special_ids.image_sentinel ?? IMAGE_SLOT;
  const ids = file.input_ids.map((id) => (id === slot ? IMAGE_SLOT : id));
  if (file.prompt_text !== undefined) {
    const encoded = imageTokenIds(file.prompt_text, file.special_ids.bos, {
      encode: (text) => encodeToy(text, file.special_ids),
    });
    comparison.same("input_ids from prompt_text", encoded, ids);
  }
  return ids;
}

/** Id of character c in the reference's toy tokenizer is this plus its code. Source: README.md of the reference cases, "cases". */
const TOY_CHARACTER_BASE = 130;

/** Encodes with the reference's toy tokenizer: special tokens where they are written out, else one id per character. */
function encodeToy(text: string, ids: CaseFile["special_ids"]): number[] {
  const special: Readonly<Record<string, number>> = {
    "<|startoftext|>": ids.bos,
    "<|endoftext|>": ids.eos,
    "<|start_header_id|>": ids.soh,
    "<|end_header_id|>": ids.eoh,
    "<|eot_id|>": ids.eot,
    "<|mdm_mask|>": ids.mask,
  };
  const pieces = text.match(/<\|[a-z_]+\|>|[\s\S]/gu) ?? [];
  return pieces.flatMap((piece) =>
    special[piece] === undefined
      ? Array.from(piece, (letter) => TOY_CHARACTER_BASE + (letter.codePointAt(0) ?? 0))
      : [special[piece]],
  );
}
