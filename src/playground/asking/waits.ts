import { nameProblem } from "../fields/rows.ts";
import { modelOf, type State } from "../state.ts";
import type { Draft } from "./draft.ts";

/** What the question as it stands still waits for, in words; null where it is whole and can be asked. */
export function waitsFor(
  state: Pick<State, "arriving" | "private" | "models" | "draft">,
): string | null {
  return (
    waitsForPictures(state) ??
    waitsForReader(state) ??
    waitsForNames(state.draft) ??
    waitsForModel(state)
  );
}

/** What its pictures wait for: without them it would be another question, of another price. */
export function waitsForPictures({ arriving }: Pick<State, "arriving">): string | null {
  const [first, ...others] = arriving;
  if (first === undefined) return null;
  return others.length === 0
    ? `${first.name} is being made ready …`
    : `${arriving.length} pictures are being made ready …`;
}

/** What its values wait for: without names they are no request. */
export function waitsForNames({ wants, rows }: Draft): string | null {
  if (wants === "words") return null;
  const unnamed = rows.findIndex((row) => nameProblem(row, rows) !== null);
  return unnamed < 0 ? null : `Value ${unnamed + 1} needs a name of its own.`;
}

/** Values are read by the service alone, and not of every model. */
function waitsForReader(state: Pick<State, "private" | "models" | "draft">): string | null {
  if (state.draft.wants === "words") return null;
  if (state.private.isOn)
    return "Nothing is sent: on this device only words are answered. Switch it off to have values read.";
  return modelOf(state)?.read === null ? "This model reads no values: ask it in words." : null;
}

/** Who wants to ask without sending is not answered by sending, whatever became of the model. */
function waitsForModel({
  private: { isOn, phase },
  ...state
}: Pick<State, "private" | "models" | "draft">): string | null {
  if (!isOn) return null;
  if (phase.kind === "loading") return "The model is on its way to this device …";
  if (phase.kind !== "ready")
    return "Nothing is sent: the model is not on this device. Try again, or switch it off to ask by sending.";
  const asked = modelOf(state)?.id;
  return asked === undefined || asked === phase.modelId
    ? null
    : `Nothing is sent: ${phase.modelId} is on this device, and ${asked} is asked. Switch it off and on to load that one.`;
}
