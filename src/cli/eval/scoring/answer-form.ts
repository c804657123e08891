import { type Metric, normalised, pickedChoice, wordsOf } from "./metrics.ts";
import { numbersIn } from "./numbers.ts";

/**
 * How an answer came, beside what it scored:
 *   `empty`      nothing was written
 *   `declined`   it says that it will not or cannot
 *   `cut`        it ends where its room ended
 *   `unclear`    of the choices it names none, or several
 *   `extracted`  what was scored was found in a longer text
 *   `explained`  a right answer stands in it and scored nothing, because of what stands around it
 *   `plain`      none of these
 */
export type AnswerForm =
  | ("plain" | "empty" | "declined" | "cut")
  | ("unclear" | "extracted" | "explained");

/** How models say no. The sentences that instruction-tuned models of several makers begin with; whoever writes otherwise is scored as usual. */
const DECLINES =
  /^(?:(?:i['’]?m|i am) (?:very |really |so )?sorry\b|sorry\b|i (?:can['’]?t|cannot|can not|won['’]?t|will not|am (?:not able|unable)|do not|don['’]?t)\b|i['’]m (?:not able|unable)\b|as an ai\b|unfortunately\b|it is not possible\b)/i;

/** Scored things about an answer. */
export interface AnsweredQuestion {
  readonly metric: Metric;
  readonly expected: readonly string[];
  readonly choices: readonly string[];
  readonly score: number;
  /** Whether its room ended before it did. */
  readonly isCut: boolean;
}

/** Says how an answer came. */
export function formOf(answer: string, question: AnsweredQuestion): AnswerForm {
  const { metric, choices, score, isCut } = question;
  const text = normalised(answer);
  if (text === "") return "empty";
  if (score === 0 && DECLINES.test(answer.trim())) return "declined";
  if (metric === "choice") {
    if (pickedChoice(answer, choices) === undefined) return isCut ? "cut" : "unclear";
    return isLetterOrChoice(text, choices) ? "plain" : "extracted";
  }
  if (isCut) return "cut";
  const isNumber = metric === "number" && numbersIn(answer).length > 0;
  if (isNumber) return /^[-−+]?[\d.,]+$/.test(text) ? "plain" : "extracted";
  return score === 0 && holdsAnswer(answer, question) ? "explained" : "plain";
}

function isLetterOrChoice(text: string, choices: readonly string[]): boolean {
  return /^\(?[a-z]\)?[.:]?$/.test(text) || choices.some((choice) => normalised(choice) === text);
}

function holdsAnswer(answer: string, { expected }: AnsweredQuestion): boolean {
  const words = ` ${wordsOf(answer).join(" ")} `;
  return expected.some((one) => {
    const wanted = wordsOf(one).join(" ");
    return wanted !== "" && words.trim() !== wanted && words.includes(` ${wanted} `);
  });
}
