import path from "node:path";
import type { Tensor } from "#domain/tensor.ts";
import { compareWith } from "./comparison.ts";
import { compareFirstStep } from "./first-step.ts";
import { openModel, type ParityProvider, type ReferenceModel } from "./model.ts";
import { embedCase } from "./prompt.ts";
import { type ReferenceCase, readCase } from "./reference-case.ts";
import { compareRun } from "./run.ts";
import { failure, judge, type Verdict } from "./verdict.ts";

/** Checks one case with one provider: first everything up to the first pass, then run after run. */
export async function* checkCase(
  root: string,
  folder: string,
  provider: ParityProvider,
  signal: AbortSignal,
): AsyncGenerator<Verdict> {
  let reference: ReferenceCase;
  let model: ReferenceModel;
  try {
    reference = await readCase(folder);
    model = await openModel(root, reference.file, provider, signal);
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
    if (run.mode !== "baseline") {
      yield { outcome: "skipped", name: `${label} ${provider}`, detail: `mode ${run.mode}` };
      continue;
    }
    yield await judge(
      `${label} baseline ${provider}`,
      compareWith(arrays),
      signal,
      async (steps) => {
        if (prompt === undefined) throw new Error("its prompt could not be made");
        await compareRun(model.engine, reference, index, prompt, steps, signal);
      },
    );
  }
}
