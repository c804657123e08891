import type { FieldBody } from "#wire/api/answers/fields/field-body.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { ListedEnd } from "#wire/function/usage-event.ts";
import {
  countedTypes,
  type FieldCount,
  type FieldOutcome,
  fieldOutcomes,
} from "#wire/telemetry/field-counts.ts";

/** How the list of answers tells one that has ended; null of one that has not. Of a reading that was cancelled or failed no fields are counted. */
export function listedEnd(body: AnswerBody): ListedEnd | null {
  const { status, created_at, ended_at, fields } = body;
  if (status === "queued" || status === "running" || ended_at === null) return null;
  const end = { status, created_at: Date.parse(created_at), ended_at: Date.parse(ended_at) };
  const isTold = status === "completed" || status === "partial";
  return fields !== undefined && isTold ? { ...end, fields: countFields(fields) } : end;
}

/** Counts the fields of an answer by type and outcome; a list, whose items each came out somehow, counts as one that was read. */
function countFields(fields: Readonly<Record<string, FieldBody>>): readonly FieldCount[] {
  const bodies = Object.values(fields);
  return countedTypes.flatMap((type) => {
    const outcomes = bodies.filter((body) => body.type === type).map(outcomeOf);
    return fieldOutcomes.flatMap((outcome) => {
      const count = outcomes.filter((one) => one === outcome).length;
      return count === 0 ? [] : [{ type, outcome, count }];
    });
  });
}

function outcomeOf(body: FieldBody): FieldOutcome {
  if ("unfinished" in body) return "unfinished";
  if ("abstained" in body && body.abstained) return "abstained";
  if ("truncated" in body && body.truncated) return "truncated";
  return body.value === null ? "none" : "read";
}
