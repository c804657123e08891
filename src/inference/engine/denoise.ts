import type { LanguageTower } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { rotationTables } from "#graph/rotary.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { type EngineParts, floats } from "./engine-parts.ts";
import { checkForwardPass } from "./forward-pass.ts";
import { predict } from "./predict.ts";

/** Runs all layers over the whole sequence and the head over the asked rows; see `Engine.denoise`. */
export async function denoise(
  parts: EngineParts,
  pass: ForwardPass,
  signal: AbortSignal,
): Promise<Predictions> {
  checkForwardPass(parts.architecture, pass);
  const { language } = parts.architecture;
  let hidden = branches(pass); // [B, S, D]
  const surroundings = surroundingsOf(language, hidden);
  for (let layer = 0; layer < language.layers; layer++) {
    const session = await parts.sessions.layer(layer, signal);
    signal.throwIfAborted();
    const result = await session.run({ hidden, ...surroundings }, ["hiddenOut"]);
    hidden = floats(result["hiddenOut"]);
    parts.observe(`hidden${layer + 1}`, hidden);
  }
  return predict(parts, pass, hidden, signal);
}

/** With guidance the two sequences run as one batch: the weights, which are most of what is read, are then read once. */
function branches({ embeddingsSD, guidance }: ForwardPass): Tensor {
  if (guidance === undefined) return tensor([1, ...embeddingsSD.shape], embeddingsSD.data);
  const both = new Float32Array(2 * embeddingsSD.data.length);
  both.set(embeddingsSD.data);
  both.set(guidance.unconditionalSD.data, embeddingsSD.data.length);
  return tensor([2, ...embeddingsSD.shape], both);
}

/** What every layer of an exact pass sees beside the hidden vectors: the window is the whole sequence, and nothing lies before it. */
function surroundingsOf(language: LanguageTower, hidden: Tensor): Readonly<Record<string, Tensor>> {
  const [batch = 1, length = 0] = hidden.shape;
  const { headSize, keyValueHeads } = language;
  const { cosines, sines } = rotationTables(language, 0, length);
  const nothing = tensor([batch, keyValueHeads, 0, headSize], new Float32Array(0));
  return {
    cosines: tensor([1, length, headSize / 2], cosines),
    sines: tensor([1, length, headSize / 2], sines),
    contextKeys: nothing,
    contextValues: nothing,
    mask: tensor([1, 1, 1, length], new Float32Array(length)),
  };
}
