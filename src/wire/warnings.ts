import * as z from "zod";
import type { Warning } from "#domain/abilities.ts";

/** What of a question the model was not trained for, or what was left out of it. It was taken all the same. */
export interface WarningBody {
  /** `canvas_not_recommended` … as the domain's `Warning`; more may come. */
  readonly code: string;
  readonly message: string;
}

/** Renders warnings. */
export function warningBodies(warnings: readonly Warning[]): WarningBody[] {
  return warnings.map((warning) => ({ code: warning.kind, message: sentence(warning) }));
}

function sentence(warning: Warning): string {
  switch (warning.kind) {
    case "canvas_not_recommended":
      return `The model was not trained for a canvas of ${warning.canvas}: beyond ${warning.recommended} answers get worse, and may be empty.`;
    case "system_message_dropped":
      return "The model knows no system messages: it was not given the one that was sent. Write instructions into the question.";
    case "several_pictures_untrained":
      return `The model was trained with one picture at a time, and ${warning.pictures} were shown.`;
    case "late_picture_untrained":
      return "The model was trained with pictures in the first message alone, and one was shown later.";
    case "several_turns_untrained":
      return "The model was trained with single questions, and this is a conversation.";
    case "schema_bounds_assumed":
      return `The schema leaves open what has to have bounds here: ${warning.bounds.join("; ")}. Say minimum, maximum, multipleOf, maxLength or maxItems for others.`;
    default:
      return warning satisfies never;
  }
}

/** Schema of warnings, for the API's description and for tests that hold replies to it. */
export const warningsSchema: z.ZodType<readonly WarningBody[]> = z
  .array(z.strictObject({ code: z.string(), message: z.string() }).meta({ id: "Warning" }))
  .meta({
    description: "What of the question the model was not trained for, or what was left out of it.",
  });
