import path from "node:path";
import type { Tensor } from "#domain/tensor.ts";
import { compareWith } from "./comparison.ts";
import { compareFirstStep } from "./first-step.ts";
import { openModel, type ParityEngine, type ParityProvider, type ReferenceModel } from "./model.ts";
import { embedCase } from "./prompt.ts";
import { type ReferenceCase, readCase } from "./reference-case.ts";
import { compareRun } from "./run.ts";
import { failure, judge, type Verdict } from "./verdict.ts";

/** Runs that are required: LLaDA-V's own sampler and Fast-dLLM's hook for it, and Fast-dLLM's code for text-only LLaDA. */
const OFFERED: readonly string[] = ["baseline", "fast", "nv_generate", "nv_prefix_cache"];

/** Runs in modes that this engine does not have, with the reason that is printed. */
const NOT_OFFERED: Readonly<Record<string, string>> = {
  nv_dual_cache:
    "keeps the keys and values of the masks behind a block too; it pays with several blocks only, which cost LLaDA-V 7 to 9 points",
  dllm_cache:
    "keeps features of the answer between passes, from which repetitions come, and gains less than the prefix cache",
};

/** Checks one case with one provider: first everything up to the first pass, then run after run. */
export async function* checkCase(
  root: string,
  folder: string,
  engine: ParityEngine,
  signal: AbortSignal,
): AsyncGenerator<Verdict> {
  const { provider } = engine;
  let reference: ReferenceCase;
  let model: ReferenceModel;
  try {
    reference = await readCase(folder);
    model = await openModel(root, reference.file, engine, signal);
  } catch (error) {
    signal.throwIfAborted();
    yield failure(`${path.basename(folder)} ${provider}`, error);
    return;
  }
  try {
    yield* checkWithModel(model, reference, provider, signal);
  } finally {
    await model.engine.dispose();
  }
}

async function* checkWithModel(
  model: ReferenceModel,
  reference: ReferenceCase,
  provider: ParityProvider,
  signal: AbortSignal,
): AsyncGenerator<Verdict> {
  const { name, file, arrays } = reference;
  let prompt: Tensor | undefined;
  yield await judge(`${name} tensors ${provider}`, compareWith(arrays), signal, async (tensors) => {
    prompt = await embedCase(model, reference, tensors, signal);
    await compareFirstStep(model, reference, prompt, tensors, signal);
  });
  for (const [index, run] of file.runs.entries()) {
    const label = `${name} run ${index}`;
    const reason = NOT_OFFERED[run.mode];
    if (reason !== undefined) {
      yield {
        outcome: "skipped",
        name: `${label} ${provider}`,
        detail: `mode ${run.mode}: ${reason}`,
      };
      continue;
    }
    yield await judge(
      `${label} ${run.mode} ${provider}`,
      compareWith(arrays),
      signal,
      async (steps) => {
        if (!OFFERED.includes(run.mode)) throw new Error(`no such mode is known: ${run.mode}`);
        if (prompt === undefined) throw new Error("its prompt could not be made");
        await compareRun(model.engine, reference, index, prompt, steps, signal);
      },
    );
  }
}
