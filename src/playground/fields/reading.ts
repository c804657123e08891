import { type AnswerUpdate, isEnd } from "#client/answer-stream.ts";
import type { FieldBody } from "#wire/api/answers/fields/field-body.ts";
import type { Run } from "../state.ts";
import type { FieldRow } from "./rows.ts";

/** Values on their way, or read. */
export interface Reading {
  /** What was asked for, as it was written then. */
  readonly rows: readonly FieldRow[];
  /** What is known by now, by its name. */
  readonly told: ReadonlyMap<string, FieldBody>;
  /** Passes that have run. */
  readonly passes: number;
}

/** Nothing is known yet. */
export function openReading(rows: readonly FieldRow[]): Reading {
  return { rows, told: new Map(), passes: 0 };
}

/** A reading behind one more thing that happened. */
export function readingAfter(reading: Reading, update: AnswerUpdate): Reading {
  switch (update.event) {
    case "answer.started":
    case "answer.restarted":
      return openReading(reading.rows);
    case "field.completed": {
      const { event: _event, field, ...body } = update;
      return { ...reading, told: new Map(reading.told).set(field, body) };
    }
    case "answer.frame":
      return { ...reading, passes: update.step };
    case "answer.snapshot":
      return reading;
    default: {
      const { fields = {}, usage } = update;
      return { ...reading, told: new Map(Object.entries(fields)), passes: usage.steps };
    }
  }
}

/** Tells a run each value as soon as it is known: nothing waits for the eye, since none of them changes any more. Rejects as `updates` does. */
export async function showReading(
  updates: AsyncIterable<AnswerUpdate>,
  tell: (change: (run: Run) => Run) => void,
): Promise<void> {
  for await (const update of updates) {
    tell((run) =>
      run.reading === null ? run : { ...run, reading: readingAfter(run.reading, update) },
    );
    if (isEnd(update)) {
      const { event: _event, ...answer } = update;
      tell((run) => ({ ...run, answer }));
    }
  }
}
