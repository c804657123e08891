import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { FIELD_LIMITS } from "#domain/fields.ts";
import type { Actions } from "../actions.ts";
import { modelOf, type State } from "../state.ts";
import { presets } from "./presets.ts";
import { problemsOfRow } from "./problems.ts";
import { RowView } from "./row-view.tsx";
import { type FieldRow, nameProblem, typesOf } from "./rows.ts";

export interface BuilderViewProps {
  readonly state: State;
  readonly actions: Actions;
}

/** Where the values are named that are to be read off the picture. */
export function BuilderView({ state, actions }: BuilderViewProps): JSX.Element {
  const { rows } = state.draft;
  const [said, say] = useState("");
  const types = typesOf(modelOf(state)?.read ?? null);
  const move = (row: FieldRow, by: number): void => {
    const place = rows.indexOf(row) + by;
    if (place < 0 || place >= rows.length) return;
    actions.moveRow(row.id, by);
    say(`${row.name} is now ${place + 1} of ${rows.length}.`);
  };
  const remove = (row: FieldRow): void => {
    const next = rows[rows.indexOf(row) + 1] ?? rows[rows.indexOf(row) - 1];
    actions.removeRow(row.id);
    say(`${row.name} is removed.`);
    focusSoon(next === undefined ? "add-value" : `name-${next.id}`);
  };
  return (
    <div class="builder">
      <div class="suggestions">
        {presets.map((preset) => (
          <button type="button" class="quiet" onClick={() => void actions.openPreset(preset)}>
            {preset.words}
          </button>
        ))}
      </div>
      {rows.length > 0 && (
        <ol class="fields" aria-label="Values">
          {rows.map((row, index) => (
            <RowView
              key={row.id}
              {...{ row, types, index }}
              isLast={index === rows.length - 1}
              problems={[
                ...[nameProblem(row, rows)].filter((problem) => problem !== null),
                ...problemsOfRow(row, state.fieldProblems),
              ]}
              onChange={(change) => actions.changeRow(row.id, change)}
              onMove={(by) => move(row, by)}
              onRemove={() => remove(row)}
            />
          ))}
        </ol>
      )}
      <button
        type="button"
        id="add-value"
        disabled={rows.length >= FIELD_LIMITS.fields}
        onClick={() => {
          actions.addRow();
          setTimeout(focusLastName);
        }}
      >
        Add a value
      </button>
      <p class="unseen" role="status">
        {said}
      </p>
    </div>
  );
}

/** Once the page is drawn anew: what had the focus is gone. */
function focusSoon(id: string): void {
  setTimeout(() => document.getElementById(id)?.focus());
}

function focusLastName(): void {
  const names = document.querySelectorAll<HTMLInputElement>(".fields .name input");
  const last = names[names.length - 1];
  last?.focus();
  last?.select();
}
