import type { AnswerCompleted, AnswerEvent, CanvasToken } from "#domain/event.ts";
import type { ImageLayout } from "#domain/image/layout.ts";
import type { Picture, Tensor } from "#domain/tensor.ts";
import { answerTokens, type Canvas, openCanvas, withGuesses } from "./decode/canvas.ts";
import { decode, type Reveal } from "./decode/decode.ts";
import { servicePolicy } from "./decode/policy.ts";
import { scanStops } from "./decode/stop.ts";
import { normaliseViews } from "./image/patches.ts";
import { type AnswerTools, type PicturedQuestion, prepare } from "./prepare.ts";
import { canvasText, textPieces } from "./text/detokenizer.ts";
import { embedPrompt } from "./text/embed.ts";
import type { Tokenizer } from "./text/tokenizer.ts";
import { cutViews } from "./vision/crops.ts";
import { stitchFeatures } from "./vision/stitch.ts";

/** What happens to a question; whoever knows the weights' digest adds the replay digest to the completed answer. */
export type ModelEvent = Exclude<AnswerEvent, AnswerCompleted> | Omit<AnswerCompleted, "digest">;

/**
 * Answers a question: started, one frame per step, completed. A question that cannot be asked gives one `answer.failed`
 * and nothing else, before any work. Faults of the engine, and the signal's reason once it is aborted, are thrown.
 * Leaving the loop between two frames ends the work; what the frames revealed is the answer so far.
 *
 * When `deadline` is aborted, the pass under way is given up and the answer is `partial`: what was committed, and the last
 * pass's best guess for everything else. Before the first pass has ended it is empty.
 *
 * The completed answer is the canvas up to the stop, then the suffix. Its tokens are the canvas's alone.
 */
export async function* answer(
  question: PicturedQuestion,
  tools: AnswerTools,
  signal: AbortSignal,
  deadline: AbortSignal = never,
): AsyncGenerator<ModelEvent, void, undefined> {
  const prepared = prepare(question, tools);
  if (!prepared.ok) {
    yield { kind: "answer.failed", failure: prepared.refusal };
    return;
  }
  const { prompt, plan, suffix } = prepared.value;
  const { engine, tokenizer } = tools;
  const counts = { imageVectors: prompt.imageVectors, promptLength: prompt.length };
  const { canvas: length, steps } = question.options;
  yield { kind: "answer.started", ...counts, canvas: length, steps };

  const usage = { ...counts, canvas: length, steps: 0, forwardPasses: 0 };
  const written = new Map<number, CanvasToken>();
  const both = AbortSignal.any([signal, deadline]);
  const known = (reveals: readonly Reveal[], step: number): CanvasToken[] =>
    reveals.map((reveal) => ({ ...reveal, text: tokenizer.decode([reveal.token]), step }));
  let canvas: Canvas | undefined;
  let guesses: readonly Reveal[] = [];
  try {
    const images = await encodePictures(question.pictures, prompt.layouts, tools, both);
    const promptPD = await embedPrompt(engine, prompt.ids, images, prompt.length, both);
    canvas = await openCanvas(engine, promptPD, length, suffix, servicePolicy, both);
    for await (const step of decode(engine, canvas, plan, servicePolicy, both)) {
      usage.steps = step.number;
      usage.forwardPasses += step.forwardPasses;
      guesses = step.guesses;
      const revealed = known(step.reveals, step.number);
      for (const token of revealed) written.set(token.position, token);
      const { number, stableUntil } = step;
      yield { kind: "answer.frame", step: number, revealed, stableUntil };
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw cause;
    const read = canvas === undefined || usage.steps === 0 ? nothing : readSoFar(canvas);
    yield { kind: "answer.partial", ...read, usage };
    return;
  }
  yield { kind: "answer.completed", ...read(canvas, written, tokenizer), usage };

  function readSoFar(soFar: Canvas): Read {
    const filled = withGuesses(soFar, guesses);
    scanStops(filled, plan.stops, servicePolicy);
    const guessed = known(guesses, usage.steps).filter(({ position }) => !written.has(position));
    const all = new Map([...guessed.map((token) => [token.position, token] as const), ...written]);
    return read(filled, all, tokenizer);
  }
}

const never: AbortSignal = new AbortController().signal;

/** What a canvas reads as. */
type Read = Pick<AnswerCompleted, "answer" | "confidence" | "tokens">;

const nothing: Read = { answer: "", confidence: 0, tokens: [] };

async function encodePictures(
  pictures: readonly Picture[],
  layouts: readonly ImageLayout[],
  { engine, resize }: AnswerTools,
  signal: AbortSignal,
): Promise<Tensor[]> {
  const size = engine.architecture.vision?.imageSize ?? 0;
  const images: Tensor[] = [];
  for (const [index, picture] of pictures.entries()) {
    const layout = layouts[index]!;
    const viewsNCHW = normaliseViews(cutViews(picture, layout, size, resize), size);
    const featuresNPD = await engine.encodeImage(viewsNCHW, signal);
    images.push(stitchFeatures(featuresNPD, await engine.imageNewline(signal), layout));
  }
  return images;
}

/** Reads a filled canvas: text, tokens with the text that each adds, and how sure the model was of them. */
function read(
  canvas: Canvas,
  written: ReadonlyMap<number, CanvasToken>,
  tokenizer: Tokenizer,
): Read {
  const ids = answerTokens(canvas);
  const own = ids.slice(0, ids.length - canvas.suffix.length);
  const tokens = textPieces(own, canvas.maskToken, tokenizer).flatMap((text, position) => {
    const token = written.get(position);
    return token === undefined ? [] : [{ ...token, text }];
  });
  const logs = tokens.reduce((sum, { confidence }) => sum + Math.log(confidence), 0);
  return {
    answer: canvasText(ids, canvas.maskToken, tokenizer),
    confidence: tokens.length === 0 ? 0 : Math.exp(logs / tokens.length),
    tokens,
  };
}
