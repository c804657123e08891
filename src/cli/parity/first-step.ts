import type { Tensor } from "#domain/tensor.ts";
import { openCanvas } from "#model/decode/canvas.ts";
import { referencePolicy } from "#model/decode/policy.ts";
import { type Comparison, tolerances } from "./comparison.ts";
import type { ReferenceModel } from "./model.ts";
import type { ReferenceCase } from "./reference-case.ts";

/** Compares what the network computes in the first pass of a case's first run: hidden vectors of each layer, and logits. */
export async function compareFirstStep(
  { engine, observe }: ReferenceModel,
  { file, arrays }: ReferenceCase,
  prompt: Tensor,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<void> {
  const [run] = file.runs;
  if (run === undefined) return;
  const suffix = run.suffix_token_ids ?? [];
  const canvas = await openCanvas(engine, prompt, run.gen_length, suffix, referencePolicy, signal);
  const { embeddingsSD, promptLength } = canvas;
  const [length = 0] = embeddingsSD.shape;
  const positions = Array.from({ length }, (_, position) => position);
  comparison.array("position_ids", positions, tolerances.exact);
  comparison.array("run0_step0_x_embeds", embeddingsSD.data, tolerances.embedding);

  const wantsAll = ["run0_step0_logits", "run0_step0_normed", "step0_logits"].some((name) =>
    arrays.has(name),
  );
  const wantsCanvas = ["run0_step0_logits_gen", "run0_step0_logits_gen_at_ids"].some((name) =>
    arrays.has(name),
  );
  if (!wantsAll && !wantsCanvas) return;
  const rows = wantsAll ? positions : positions.slice(promptLength);
  const inside = await observe(() =>
    engine.denoise({ embeddingsSD, rows, suppressed: [] }, signal),
  );
  const { layers } = engine.architecture.language;
  for (let layer = 1; layer <= layers; layer++) {
    const hidden = inside.get(`hidden${layer}`) ?? [];
    comparison.array(`run0_step0_hidden${layer}`, hidden, tolerances.hidden);
  }
  comparison.array("run0_step0_normed", inside.get("normed") ?? [], tolerances.hidden);

  const columns = engine.architecture.logitsColumns;
  const logits = inside.get("logits") ?? new Float32Array(0); // [R, V]
  const canvasLogits = wantsAll ? logits.subarray(promptLength * columns) : logits;
  comparison.array("run0_step0_logits", logits, tolerances.logit);
  comparison.array("step0_logits", logits, tolerances.logit);
  comparison.array("run0_step0_logits_gen", canvasLogits, tolerances.logit);
  const ids = [...(arrays.get("logits_vocab_ids")?.data ?? [])];
  const atIds = Array.from({ length: rows.length }, (_, row) =>
    ids.map((id) => canvasLogits[row * columns + id] ?? Number.NaN),
  );
  comparison.array("run0_step0_logits_gen_at_ids", atIds.flat(), tolerances.logit);
}
