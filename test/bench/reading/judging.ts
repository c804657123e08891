import { riskCoverage, wilson } from "#cli/eval/scoring/statistics.ts";
import { mulberry32, type UniformStream } from "#model/decode/noise.ts";
import { distribution } from "#model/template/distribution.ts";

/** A field as it was read, with its truth. */
export interface ScoredField {
  /** Fields of one picture hang together: an interval resamples pictures. */
  readonly picture: string;
  /** Index of the right option. */
  readonly truth: number;
  /** ln p of each option. */
  readonly scores: readonly number[];
  readonly bias: readonly number[];
  /** Whether the last option is "none of these". */
  readonly hasNone: boolean;
}

/** What scores are corrected by. */
export interface Corrections {
  readonly temperature: number;
  /** Whether the scores with a grey picture are taken off. */
  readonly neutral: boolean;
}

/** What fields came to. */
export interface Quality {
  readonly fields: number;
  readonly accuracy: number;
  /** 95 %, by resampling pictures; where none or all are right, Wilson's of as many trials as pictures. */
  readonly interval: readonly [low: number, high: number];
  /** Mean distance of the guess's probability from how often it is right, over ten bins of equally many fields. */
  readonly ece: number;
  readonly brier: number;
  /** Area under the risk-coverage curve. */
  readonly aurc: number;
  /** Share that is right of the surest half, 80 % and 90 %. */
  readonly surest: readonly number[];
}

/** A guess is made, and is right or not. */
export interface Guess {
  readonly picture: string;
  readonly probability: number;
  readonly isRight: boolean;
}

const BINS = 10;
const RESAMPLES = 2000;

/** Reads fields as the service does. */
export function guessesOf(
  fields: readonly ScoredField[],
  corrections: Corrections,
): readonly Guess[] {
  return fields.map((field) => {
    const { best, probabilities } = judged(field, corrections);
    const isRight = best === field.truth;
    return { picture: field.picture, probability: probabilities[best]!, isRight };
  });
}

function judged({ scores, bias }: ScoredField, { temperature, neutral }: Corrections) {
  return distribution(scores, { temperature, ...(neutral ? { bias } : {}) });
}

/** Says how good readings are. */
export function qualityOf(fields: readonly ScoredField[], corrections: Corrections): Quality {
  const guesses = guessesOf(fields, corrections);
  const trusted = guesses.map(({ probability, isRight }) => ({
    ...{ confidence: probability, score: isRight ? 1 : 0, abstained: false },
  }));
  const { aurc, at } = riskCoverage(trusted);
  return {
    fields: fields.length,
    accuracy: shareRight(guesses),
    interval: intervalOf(guesses),
    ece: calibrationError(guesses),
    brier: brierScore(fields, corrections),
    aurc,
    surest: at.filter(({ coverage }) => coverage < 1).map(({ score }) => score),
  };
}

/** With fewer mistakes than this there is nothing that a temperature could be fitted to. */
const LEAST_MISTAKES = 5;

/**
 * The temperature with the smallest Brier score, found on ln T by golden section; 1 where hardly a mistake is made. Not the likeliest
 * one (Guo et al. 2017): that is ruled by the single mistake that is made surest, and makes all else unsure.
 */
export function fitTemperature(fields: readonly ScoredField[], neutral: boolean): number {
  const guesses = guessesOf(fields, { temperature: 1, neutral });
  if (guesses.filter(({ isRight }) => !isRight).length < LEAST_MISTAKES) return 1;
  const loss = (logT: number): number =>
    brierScore(fields, { temperature: Math.exp(logT), neutral });
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(0.1), Math.log(20)];
  for (let step = 0; step < 60; step++) {
    const [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (loss(left) < loss(right)) high = right;
    else low = left;
  }
  return Number(Math.exp((low + high) / 2).toPrecision(3));
}

/** Mean squared distance of probabilities from the truth, over all options of a field. Source: Brier 1950. */
function brierScore(fields: readonly ScoredField[], corrections: Corrections): number {
  const squares = fields.map((field) =>
    judged(field, corrections).probabilities.reduce(
      (sum, p, index) => sum + (p - (index === field.truth ? 1 : 0)) ** 2,
      0,
    ),
  );
  return squares.reduce((sum, one) => sum + one, 0) / Math.max(1, squares.length);
}

function shareRight(guesses: readonly Guess[]): number {
  return guesses.filter(({ isRight }) => isRight).length / Math.max(1, guesses.length);
}

/** Source: Guo et al. 2017, with bins of equally many (Nixon et al. 2019). */
function calibrationError(guesses: readonly Guess[]): number {
  const sorted = guesses.toSorted((a, b) => a.probability - b.probability);
  let sum = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const [from, to] = [bin, bin + 1].map((edge) => Math.round((edge * sorted.length) / BINS));
    const own = sorted.slice(from, to);
    const mean = own.reduce((total, { probability }) => total + probability, 0) / (own.length || 1);
    sum += own.length * Math.abs(mean - shareRight(own));
  }
  return sum / Math.max(1, guesses.length);
}

function intervalOf(guesses: readonly Guess[]): readonly [number, number] {
  const pictures = [...Map.groupBy(guesses, ({ picture }) => picture).values()].map((own) => ({
    fields: own.length,
    right: own.filter(({ isRight }) => isRight).length,
  }));
  const share = shareRight(guesses);
  // Resampling says nothing of what never happened: then a picture counts as one trial.
  if (share === 0 || share === 1) return wilson(share * pictures.length, pictures.length);
  const random = mulberry32(1);
  const means = Array.from({ length: RESAMPLES }, () => resampled(pictures, random)).toSorted(
    (a, b) => a - b,
  );
  return [means[Math.floor(0.025 * RESAMPLES)] ?? 0, means[Math.floor(0.975 * RESAMPLES)] ?? 1];
}

function resampled(
  pictures: readonly { readonly fields: number; readonly right: number }[],
  random: UniformStream,
): number {
  let [fields, right] = [0, 0];
  for (let draw = 0; draw < pictures.length; draw++) {
    const one = pictures[Math.floor(random.next() * pictures.length)]!;
    fields += one.fields;
    right += one.right;
  }
  return right / Math.max(1, fields);
}

/** What declining costs and spares at a bound of probability. */
export interface Declining {
  readonly below: number;
  /** Share of the right guesses that are withheld: false abstention. */
  readonly rightWithheld: number;
  /** Share of the wrong guesses that are. */
  readonly wrongWithheld: number;
}

/** Says what `abstain_below` does. */
export function decliningAt(guesses: readonly Guess[], below: number): Declining {
  const share = (own: readonly Guess[]): number =>
    own.filter(({ probability }) => probability < below).length / Math.max(1, own.length);
  const [right, wrong] = [true, false].map((is) => guesses.filter((one) => one.isRight === is));
  return { below, rightWithheld: share(right ?? []), wrongWithheld: share(wrong ?? []) };
}

/** What "none of these" does, of fields that have it. */
export interface NoneFigures {
  readonly shown: number;
  /** Share of what is shown that is called none: false abstention. */
  readonly shownDeclined: number;
  readonly absent: number;
  /** Share of what is not shown that is. */
  readonly absentDeclined: number;
}

/** Counts how often "none of these" is said, rightly and wrongly. */
export function noneFigures(fields: readonly ScoredField[], corrections: Corrections): NoneFigures {
  const own = fields
    .filter(({ hasNone }) => hasNone)
    .map((field) => {
      const none = field.scores.length - 1;
      return { isNone: field.truth === none, saysNone: judged(field, corrections).best === none };
    });
  const [absent, shown] = [true, false].map((is) => own.filter(({ isNone }) => isNone === is));
  const declined = (some: typeof own = []): number =>
    some.filter(({ saysNone }) => saysNone).length / Math.max(1, some.length);
  return {
    ...{ shown: shown?.length ?? 0, shownDeclined: declined(shown) },
    ...{ absent: absent?.length ?? 0, absentDeclined: declined(absent) },
  };
}
