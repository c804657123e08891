import { type ReadAnswer, UNWRITTEN } from "#domain/answer-text.ts";
import type { AnswerCompleted, AnswerEvent } from "#domain/event.ts";
import type { ImageLayout } from "#domain/image/layout.ts";
import type { Usage } from "#domain/question.ts";
import type { Picture, Tensor } from "#domain/tensor.ts";
import {
  type DomainScore,
  type JudgedAnswer,
  judge,
  type Trust,
  type TrustTerms,
} from "#domain/trust.ts";
import { AnswerSoFar } from "./answer-so-far.ts";
import { type Canvas, openCanvas } from "./decode/canvas.ts";
import { decode } from "./decode/decode.ts";
import { servicePolicy } from "./decode/policy.ts";
import { normaliseViews } from "./image/patches.ts";
import { type AnswerTools, type PicturedQuestion, prepare } from "./prepare.ts";
import { embedPrompt } from "./text/embed.ts";
import { cutViews } from "./vision/crops.ts";
import { domainScore } from "./vision/domain-score.ts";
import { featureKey, type PictureFeatures } from "./vision/kept-features.ts";
import { stitchFeatures } from "./vision/stitch.ts";

/** What happens to a question; whoever knows the weights' digest adds what a replay is held to. */
export type ModelEvent =
  | Exclude<AnswerEvent, AnswerCompleted>
  | Omit<AnswerCompleted, "digest" | "decoder">;

/**
 * Answers a question: started, one frame per step, completed. A question that cannot be asked gives one `answer.failed`
 * and nothing else, before any work; an answer in which the model wrote no text ends as `answer.failed` too. Faults of the
 * engine, and the signal's reason once it is aborted, are thrown.
 * Leaving the loop between two frames ends the work; what the frames revealed is the answer so far.
 *
 * When `deadline` is aborted, the pass under way is given up and the answer is `partial`: what was committed, and the last
 * pass's best guess for everything else. Before the first pass has ended it is empty.
 *
 * The completed answer is the canvas's text up to its end, then the suffix. Its tokens are the canvas's alone. Where the model's
 * maker says how far it can be trusted, the end is judged by that, and the first frame tells how the pictures are of its world.
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
  const { prompt, plan, ends, suffix } = prepared.value;
  const { engine, tokenizer, trust = {} } = tools;
  const { options } = question;
  const found = findFeatures(question, prompt.layouts, tools);
  const counts = { ...vectorCounts(prompt.imageVectors, found), promptLength: prompt.length };
  const { canvas: length, steps } = options;
  yield { kind: "answer.started", ...counts, canvas: length, steps, ...termsOf(trust) };

  const usage = { ...counts, canvas: length, steps: 0, forwardPasses: 0, refreshes: 0, rows: 0 };
  const { mask } = engine.architecture.special;
  const soFar = new AnswerSoFar(length, { tokenizer, mask, ends }, options);
  const both = AbortSignal.any([signal, deadline]);
  let canvas: Canvas | undefined;
  let seen: Pick<JudgedAnswer, "domainScore"> = {};
  const judged = (read: ReadAnswer): JudgedAnswer => judge(read, options, trust, seen.domainScore);
  try {
    const images = await encodePictures(question, prompt.layouts, found, tools, both);
    seen = worstOf(images);
    const vectors = images.map((image) => image.vectors);
    const promptPD = await embedPrompt(engine, prompt.ids, vectors, prompt.length, both);
    canvas = await openCanvas(engine, promptPD, length, suffix, servicePolicy, both);
    const whole = { ...plan, ending: soFar.ending };
    for await (const step of decode(engine, canvas, whole, servicePolicy, both)) {
      usage.steps = step.number;
      usage.forwardPasses += step.forwardPasses;
      usage.refreshes += step.refresh === "none" ? 0 : step.forwardPasses;
      usage.rows += step.rows * step.forwardPasses;
      yield step.number === 1 ? { ...soFar.tell(step), ...seen } : soFar.tell(step);
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw cause;
    const read = canvas === undefined ? UNWRITTEN : soFar.guessed(canvas);
    yield { kind: "answer.partial", ...judged(read), usage };
    return;
  }
  yield soFar.hasText
    ? { kind: "answer.completed", ...judged(soFar.whole()), usage }
    : { kind: "answer.failed", failure: { kind: "empty_answer", canvas: length } };
}

const never: AbortSignal = new AbortController().signal;

/** What is kept of each picture: taken before anything is told, so that what was told is what is used. */
function findFeatures(
  { pictureDigests }: PicturedQuestion,
  layouts: readonly ImageLayout[],
  { features }: AnswerTools,
): readonly (PictureFeatures | undefined)[] {
  return layouts.map((layout, index) => {
    const digest = pictureDigests?.[index];
    return digest === undefined ? undefined : features?.find(featureKey(digest, layout));
  });
}

function vectorCounts(
  imageVectors: number,
  found: readonly (PictureFeatures | undefined)[],
): Pick<Usage, "imageVectors" | "cachedImageVectors"> {
  const cached = found.reduce((sum, features) => sum + (features?.vectors.shape[0] ?? 0), 0);
  return cached === 0 ? { imageVectors } : { imageVectors, cachedImageVectors: cached };
}

async function encodePictures(
  { pictures, pictureDigests }: PicturedQuestion,
  layouts: readonly ImageLayout[],
  found: readonly (PictureFeatures | undefined)[],
  tools: AnswerTools,
  signal: AbortSignal,
): Promise<PictureFeatures[]> {
  const images: PictureFeatures[] = [];
  for (const [index, picture] of pictures.entries()) {
    const layout = layouts[index]!;
    const digest = pictureDigests?.[index];
    const making = (stop: AbortSignal): Promise<PictureFeatures> =>
      encodePicture(picture, layout, tools, stop);
    const { features } = tools;
    const made =
      features === undefined || digest === undefined
        ? () => making(signal)
        : () => features.make(featureKey(digest, layout), making, signal);
    images.push(found[index] ?? (await made()));
  }
  return images;
}

async function encodePicture(
  picture: Picture,
  layout: ImageLayout,
  { engine, resize, trust }: AnswerTools,
  signal: AbortSignal,
): Promise<PictureFeatures> {
  const { vision } = engine.architecture;
  if (vision === undefined) throw new Error("this architecture has no vision tower");
  const views = cutViews(picture, layout, vision.imageSize, resize);
  const viewsNCHW = normaliseViews(views, vision);
  const score = trust?.domain?.score;
  let seen: Pick<PictureFeatures, "domainScore"> = {};
  const look = (featuresPW: Tensor, by: DomainScore): void => {
    seen = { domainScore: domainScore(by, featuresPW) };
  };
  const featuresNPD = await (score === undefined
    ? engine.encodeImage(viewsNCHW, signal)
    : engine.encodeImage(viewsNCHW, signal, (featuresPW) => look(featuresPW, score)));
  const vectors = stitchFeatures(featuresNPD, await engine.imageNewline(signal), layout);
  return { vectors, ...seen };
}

/** Of several pictures the one that is furthest out: an answer about all of them is worth no more than that. */
function worstOf(images: readonly PictureFeatures[]): Pick<JudgedAnswer, "domainScore"> {
  const scores = images.flatMap((image) => image.domainScore ?? []);
  return scores.length === 0 ? {} : { domainScore: Math.min(...scores) };
}

/** What whoever tells the answer as it stands needs to judge it. */
function termsOf({ calibration, abstention }: Trust): { readonly trust?: TrustTerms } {
  if (calibration === undefined && abstention === undefined) return {};
  return {
    trust: {
      ...(calibration === undefined ? {} : { calibration }),
      ...(abstention === undefined ? {} : { abstention }),
    },
  };
}
