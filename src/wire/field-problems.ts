import * as z from "zod";
import type { FieldProblem } from "#domain/failure.ts";
import { inPointer } from "#domain/json-pointer.ts";
import { fieldSentence, UNKNOWN_FIELD } from "./field-sentence.ts";
import { MAX_FIELD_PROBLEMS } from "./limits.ts";
import { nameOf } from "./named-values.ts";

// For every schema at once: one that is checked without it would tell callers the library's words.
z.config({ customError: fieldSentence });

/** Names each fault of a body by JSON Pointer, at most `MAX_FIELD_PROBLEMS` of them. */
export function problemsOf(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap(fieldProblems).slice(0, MAX_FIELD_PROBLEMS);
}

function fieldProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      pointer: jsonPointer([...issue.path, key]),
      message: UNKNOWN_FIELD,
    }));
  if (issue.code === "invalid_union") {
    const branch = issue.errors.filter(isInside).toSorted(byStrangeness)[0];
    if (branch !== undefined)
      return branch.flatMap((inner) =>
        fieldProblems({ ...inner, path: [...issue.path, ...inner.path] }),
      );
  }
  return [{ pointer: jsonPointer(issue.path), message: issue.message }];
}

/** Of a union's branches the one that the caller meant is the one whose type fits and whose content does not. */
function isInside(issues: readonly z.core.$ZodIssue[]): boolean {
  return !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0);
}

/** Of several objects the one that was meant is the one whose members fit best. */
function byStrangeness(left: readonly z.core.$ZodIssue[], right: readonly z.core.$ZodIssue[]) {
  return strangeness(left) - strangeness(right);
}

/** How many members are unknown or, as far as one can see, missing. */
function strangeness(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => {
    if (issue.code === "unrecognized_keys") return sum + issue.keys.length;
    return sum + (issue.code === "invalid_type" && issue.path.length === 1 ? 1 : 0);
  }, 0);
}

/** Source: RFC 6901 section 3. Keys come from the caller, so each is cut to a length that may be echoed. */
function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${inPointer(nameOf(String(part)).slice(0, 64))}`).join("");
}
