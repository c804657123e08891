import { RefusedError } from "#client/errors.ts";
import type { FieldProblem } from "#domain/failure.ts";
import type { FieldRow } from "./rows.ts";

/** Where the problems of fields stand in a refusal. */
const PLACE = "/fields";

/** What a refusal says of the fields; empty where it is about anything else. */
export function fieldProblemsOf(cause: unknown): readonly FieldProblem[] {
  if (!(cause instanceof RefusedError)) return [];
  return cause.problem.errors.filter(({ pointer }) => isWithin(pointer, PLACE));
}

/** What is wrong with a row, in words: of each of its parts under the name that this page has for it. */
export function problemsOfRow(
  { name, type }: FieldRow,
  problems: readonly FieldProblem[],
): string[] {
  const place = placeOf(name);
  return problems
    .filter(({ pointer }) => isWithin(pointer, place))
    .map(({ pointer, message }) => {
      const within = pointer.slice(place.length);
      const isMeaning = type === "boolean" && within.startsWith("/criteria");
      const part = isMeaning ? "What it means" : partWords[within];
      return part === undefined ? message : `${part}: ${message}`;
    });
}

/** What is wrong with all fields together. */
export function problemsOfAll(problems: readonly FieldProblem[]): string[] {
  return problems
    .filter(({ pointer }) => pointer === PLACE)
    .map(({ message }) => `All values: ${message}`);
}

/** Source: RFC 6901 section 3. */
function placeOf(name: string): string {
  return `${PLACE}/${name.trim().replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function isWithin(pointer: string, place: string): boolean {
  return pointer === place || pointer.startsWith(`${place}/`);
}

const partWords: Readonly<Record<string, string>> = {
  "/instructions": "Asked",
  "/criteria": "Options",
  "/items/criteria": "Options",
  "/minimum": "From",
  "/maximum": "To",
  "/decimals": "Decimals",
  "/max_tokens": "Length",
  "/items/max_tokens": "Length",
  "/max_items": "Items",
};
