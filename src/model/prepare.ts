import { type Architecture, decodingOf, viewRules } from "#domain/architecture.ts";
import type { Failure } from "#domain/failure.ts";
import { type ImageLayout, imageLayouts, layoutVectorCount } from "#domain/image/layout.ts";
import { commitsToRefresh } from "#domain/modes.ts";
import type { AnswerOptions, Message } from "#domain/question.ts";
import type { ReadCard } from "#domain/read-style.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { Picture } from "#domain/tensor.ts";
import type { Trust } from "#domain/trust.ts";
import type { CommitRule } from "./decode/commit.ts";
import type { DecodePlan } from "./decode/decode.ts";
import { mulberry32 } from "./decode/noise.ts";
import type { RefreshRule } from "./decode/refresh.ts";
import type { Engine } from "./engine.ts";
import type { KeptScores } from "./read/neutral.ts";
import { promptLength } from "./text/embed.ts";
import { neutralise, promptIds, type RenderTemplate } from "./text/prompt.ts";
import type { Tokenizer } from "./text/tokenizer.ts";
import type { Resize } from "./vision/crops.ts";
import type { KeptFeatures } from "./vision/kept-features.ts";

/** A question whose pictures are decoded and upright. */
export interface PicturedQuestion {
  readonly messages: readonly Message[];
  readonly pictures: readonly Picture[];
  /** A digest of each picture's pixels and size, where what becomes of it may be kept. */
  readonly pictureDigests?: readonly string[];
  readonly options: AnswerOptions;
  /** How many other tokens are told of each place that is written, 0 … `MAX_ALTERNATIVES`; the answer is the same. Absent: none. */
  readonly alternatives?: number;
}

/** What answering needs from outside: the network, the bundle's language files, and a way to scale pictures. */
export interface AnswerTools {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly renderTemplate: RenderTemplate;
  readonly resize: Resize;
  /** What earlier questions' pictures became. Absent: each question's are made for it alone. */
  readonly features?: KeptFeatures;
  /** How far the model can be trusted, where its maker says so. */
  readonly trust?: Trust;
  /** How values are read off pictures. */
  readonly read?: ReadCard;
  /** What reads scored with pictures that show nothing. Absent: it is found out for each question. */
  readonly neutral?: KeptScores;
  /** An experiment that no request can ask for; see `DecodePlan`. */
  readonly halvesRefreshes?: boolean;
}

/** A question as the network will be asked it. */
export interface PreparedQuestion {
  readonly prompt: {
    /** With an IMAGE_SLOT for each picture. */
    readonly ids: readonly number[];
    /** One per picture. */
    readonly layouts: readonly ImageLayout[];
    readonly imageVectors: number;
    /** Positions, image vectors included. */
    readonly length: number;
  };
  /** Everything but where the answer ends. */
  readonly plan: Omit<DecodePlan, "ending">;
  /** Ids that end the answer before them; they are no text, and nothing behind the first of them is. */
  readonly ends: readonly number[];
  readonly suffix: readonly number[];
}

/** Works out everything about a question that can be known, and refused, without the network. */
export function prepare(
  { messages, pictures, options, alternatives = 0 }: PicturedQuestion,
  tools: AnswerTools,
): Result<PreparedQuestion, Failure> {
  const { engine, tokenizer, halvesRefreshes = false } = tools;
  const layouts = layOutPictures(pictures, options.detail, engine.architecture);
  if (!layouts.ok) return layouts;
  const prompt = preparePrompt(messages, layouts.value, tools);
  if (!prompt.ok) return prompt;
  const { length } = prompt.value;
  if (options.mode !== "exact" && length > engine.prefixLimit) {
    const { mode } = options;
    return refuse({ kind: "prompt_too_long", length, limit: engine.prefixLimit, mode });
  }
  const ends = endsOf(engine.architecture);
  const imageVectors = countVectors(layouts.value);
  return ok({
    prompt: { ...prompt.value, layouts: layouts.value, imageVectors },
    plan: {
      blockLength: options.blockLength,
      steps: options.steps,
      temperature: options.temperature,
      remasking: "low_confidence",
      guidanceScale: 0,
      refresh: refreshRule(options),
      halvesRefreshes,
      commit: commitRule(options, ends),
      uniform: mulberry32(options.seed),
      ...(alternatives === 0 ? {} : { alternatives }),
    },
    ends,
    suffix: tokenizer.encode(neutralise(options.suffix ?? "", tokenizer)),
  });
}

/** How pictures are cut. Refuses with `images_not_supported` where the model sees none. */
export function layOutPictures(
  pictures: readonly Picture[],
  detail: AnswerOptions["detail"],
  { vision, image }: Architecture,
): Result<readonly ImageLayout[], Failure> {
  if (vision !== undefined && image !== undefined)
    return ok(imageLayouts(pictures, image, viewRules(vision), detail));
  return pictures.length > 0 ? refuse({ kind: "images_not_supported" }) : ok([]);
}

/** Vectors that pictures become. */
export function countVectors(layouts: readonly ImageLayout[]): number {
  return layouts.reduce((sum, layout) => sum + layoutVectorCount(layout), 0);
}

/** A conversation's ids, with an IMAGE_SLOT for each picture, and its positions. Refuses with `prompt_too_long`. */
export function preparePrompt(
  messages: readonly Message[],
  layouts: readonly ImageLayout[],
  { engine, tokenizer, renderTemplate }: AnswerTools,
): Result<{ readonly ids: readonly number[]; readonly length: number }, Failure> {
  const { prompt: rules, special } = engine.architecture;
  const { beginOfText } = special;
  const ids = promptIds(messages, layouts.length, {
    rules,
    beginOfText,
    tokenizer,
    renderTemplate,
  });
  const length = promptLength(
    ids,
    layouts.map((layout) => layoutVectorCount(layout)),
  );
  const limit = rules.maxPromptLength;
  return length > limit ? refuse({ kind: "prompt_too_long", length, limit }) : ok({ ids, length });
}

/** When the prompt is computed anew in a mode. */
export function refreshRule({ mode, refresh: steps, canvas }: AnswerOptions): RefreshRule {
  switch (mode) {
    case "exact":
      return { kind: "always" };
    case "cached":
      return { kind: "every", steps };
    case "fast":
      return { kind: "by_commits", commits: commitsToRefresh(canvas), steps };
    default:
      return mode satisfies never;
  }
}

function commitRule({ commit, temperature }: AnswerOptions, ends: readonly number[]): CommitRule {
  if (commit.rule === "schedule") return { kind: "schedule" };
  const { bound, gaps } = commit;
  // With noise added, a clear largest logit does not say what will be written.
  return { kind: "entropy", bound, gaps: temperature === 0 ? gaps : [], ends };
}

/** What ends an answer: the end of the turn, and of the text where the model may write it: it is trained to fill with that what an answer leaves over. */
function endsOf(architecture: Architecture): number[] {
  const { endOfTurn, endOfText } = architecture.special;
  const mayEndText = !decodingOf(architecture).suppressed.includes(endOfText);
  return mayEndText ? [endOfTurn, endOfText] : [endOfTurn];
}
