import type { Abilities } from "../abilities.ts";
import { orderFailure } from "../check-fields.ts";
import type { FieldsFailure } from "../failure.ts";
import type { AnswerOptions, ReadOrder } from "../question.ts";
import { type ReadStyle, readStyleOf } from "../read-style.ts";
import { ok, type Result, refuse } from "../result.ts";
import { readPlan } from "./read-plan.ts";

/** The options of an answer whose fields are read: canvas and steps are the most that reading them takes. Refuses fields that this model cannot be asked for, and too many of them. */
export function optionsToRead(
  read: ReadOrder,
  options: AnswerOptions,
  card: { readonly abilities: Pick<Abilities, "canvas">; readonly read?: ReadStyle },
): Result<AnswerOptions, FieldsFailure> {
  const plan = readPlan(read, readStyleOf(card), card.abilities.canvas.limit);
  if (!plan.ok) return refuse(orderFailure(read, plan.refusal));
  const { canvas, passes } = plan.value;
  return ok({ ...options, canvas, steps: passes, blockLength: canvas });
}
