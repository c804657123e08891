import { RefusedError } from "#client/errors.ts";
import type { FieldProblem } from "#domain/failure.ts";
import type { FieldType } from "#domain/fields.ts";
import { inPointer } from "#domain/json-pointer.ts";
import type { FieldRow } from "./rows.ts";

/** Where the problems of fields stand in a refusal. */
const PLACE = "/fields";

/** What a refusal says of the fields, and of what is set beside them; empty where it is about anything else. */
export function fieldProblemsOf(cause: unknown): readonly FieldProblem[] {
  if (!(cause instanceof RefusedError)) return [];
  return cause.problem.errors.filter(
    ({ pointer }) => isWithin(pointer, PLACE) || partOf(pointer, partsOfAll) !== undefined,
  );
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
      const part = partOf(within, criteriaWords[type] ?? {}) ?? partOf(within, partsOfRow);
      return part === undefined ? message : `${part}: ${message}`;
    });
}

/** Why a question as it stands is refused, in words for beside its price; null where it is not. What a row says is not said again. */
export function refusedWords(
  problems: readonly FieldProblem[],
  rows: readonly FieldRow[],
): string | null {
  if (problems.length === 0) return null;
  const general = problems.flatMap(({ pointer, message }) => {
    const part = pointer === PLACE ? "All values" : partOf(pointer, partsOfAll);
    return part === undefined ? [] : [`${part}: ${message}`];
  });
  if (general.length > 0) return general.join(" ");
  const marked = rows.findIndex((row) => problemsOfRow(row, problems).length > 0);
  return marked < 0 ? null : `Value ${marked + 1} cannot be read as it stands.`;
}

/** Source: RFC 6901 section 3. */
function placeOf(name: string): string {
  return `${PLACE}/${inPointer(name.trim())}`;
}

function isWithin(pointer: string, place: string): boolean {
  return pointer === place || pointer.startsWith(`${place}/`);
}

type Parts = Readonly<Record<string, string>>;

/** What this page calls the part that a pointer is within. */
function partOf(pointer: string, parts: Parts): string | undefined {
  return Object.entries(parts).find(([place]) => isWithin(pointer, place))?.[1];
}

/** Where the options of a type are called something else. */
const criteriaWords: Readonly<Partial<Record<FieldType, Parts>>> = {
  boolean: { "/criteria": "What yes and no mean" },
  score: { "/criteria": "Levels" },
};

const partsOfRow: Parts = {
  "/instructions": "Asked",
  "/criteria": "Options",
  "/items/criteria": "Items",
  "/minimum": "From",
  "/maximum": "To",
  "/decimals": "Decimals",
  "/max_tokens": "Length",
  "/items/max_tokens": "Length",
  "/max_items": "Items at most",
};

/** What stands under Advanced, where it may be closed. */
const partsOfAll: Parts = {
  "/abstain_below": "Abstain below",
  "/passes": "Passes at most",
  "/canvas": "Canvas",
  "/steps": "Steps",
  "/block_length": "Block",
  "/temperature": "Temperature",
  "/seed": "Seed",
  "/stop": "Stop",
};
