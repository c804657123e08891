import type { Failure } from "#domain/failure.ts";
import type { AdviceOf } from "./advice.ts";
import { askingAdvice } from "./asking.ts";
import { makingAdvice } from "./making.ts";
import { pictureAdvice } from "./pictures.ts";

/** Of every code that there is: what happened, and what to do. */
export const advice: AdviceOf<Failure["kind"]> = {
  ...askingAdvice,
  ...pictureAdvice,
  ...makingAdvice,
};
