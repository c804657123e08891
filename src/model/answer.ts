import { type ReadAnswer, UNWRITTEN } from "#domain/answer-text.ts";
import type { AnswerCompleted, AnswerEvent } from "#domain/event.ts";
import { type JudgedAnswer, judge, type Trust, type TrustTerms } from "#domain/trust.ts";
import { AnswerSoFar } from "./answer-so-far.ts";
import { type Canvas, openCanvas } from "./decode/canvas.ts";
import { decode } from "./decode/decode.ts";
import { servicePolicy } from "./decode/policy.ts";
import { encodePictures, findFeatures, vectorCounts, worstOf } from "./pictures.ts";
import { type AnswerTools, type PicturedQuestion, prepare } from "./prepare.ts";
import { embedPrompt } from "./text/embed.ts";

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
