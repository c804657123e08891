import * as z from "zod";
import { outOfPointer } from "#domain/json-pointer.ts";
import type { Problem } from "../../../error.ts";

/**
 * A refusal as Jev's clients read it: faults of a body as FastAPI lists them, a question that cannot be asked as a sentence, all else by its type.
 * `code` and `request_id` are our own. Source: `openjev/api.py` (razorback16/openjev), which holds its shapes to the live API's.
 */
export interface SystemOneErrorBody {
  readonly detail: readonly SystemOneFault[] | string | SystemOneErrorDetail;
  readonly code: string;
  readonly request_id: string;
}

export interface SystemOneFault {
  readonly type: "value_error";
  /** `body`, and the way into it: names, and numbers of lists. */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

export interface SystemOneErrorDetail {
  readonly error_type: string;
  readonly message: string;
}

/** Renders a refusal. */
export function systemOneError(problem: Problem): SystemOneErrorBody {
  const { code, request_id } = problem;
  return { detail: detailOf(problem), code, request_id };
}

/** Status of a refusal as Jev's clients know it: 422 is a body of the wrong shape, 529 a service that has too much to do. */
export function systemOneStatus({ code, status }: Problem): number {
  switch (code) {
    case "invalid_request":
      return 422;
    case "unknown_model":
      return 400;
    case "overloaded":
      return 529;
    default:
      return status;
  }
}

/** What a question, and not the body's shape, is refused for. */
const aboutQuestions: ReadonlySet<string> = new Set([
  "fields_invalid",
  "field_options_collide",
  "fields_too_large",
]);

function detailOf(problem: Problem): SystemOneErrorBody["detail"] {
  const { code, detail, errors } = problem;
  if (code === "invalid_request")
    return errors.map(({ pointer, message }) => ({
      type: "value_error",
      loc: ["body", ...placeOf(pointer)],
      msg: message,
    }));
  if (aboutQuestions.has(code)) return detail;
  return { error_type: errorType(problem), message: detail };
}

function placeOf(pointer: string): (string | number)[] {
  const parts = pointer.split("/").slice(1);
  return parts.map((part) =>
    /^(?:0|[1-9][0-9]*)$/.test(part) ? Number(part) : outOfPointer(part),
  );
}

function errorType({ code, status }: Problem): string {
  if (code === "overloaded") return "overloaded_error";
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "api_error" : "api_usage_error";
}

/** Schema of a refusal, for the API's description. */
export const systemOneErrorSchema: z.ZodType<SystemOneErrorBody> = z
  .object({
    detail: z.union([
      z.array(
        z.object({
          type: z.literal("value_error"),
          loc: z.array(z.union([z.string(), z.number()])),
          msg: z.string(),
        }),
      ),
      z.string(),
      z.object({ error_type: z.string(), message: z.string() }),
    ]),
    code: z.string(),
    request_id: z.string(),
  })
  .meta({ id: "SystemOneError" });
