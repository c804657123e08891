import type { JSX } from "hono/jsx/jsx-runtime";
import { FIELD_LIMITS, type FieldType, fieldTypes } from "#domain/fields.ts";
import { textOf } from "../control-values.ts";
import { type Change, Details } from "./row-details.tsx";
import { type FieldRow, typeWords } from "./rows.ts";

export interface RowViewProps {
  readonly row: FieldRow;
  readonly key: number;
  /** What the model can be asked for. */
  readonly types: readonly FieldType[];
  readonly index: number;
  readonly isLast: boolean;
  readonly problems: readonly string[];
  readonly onChange: (change: Change) => void;
  readonly onMove: (by: number) => void;
  readonly onRemove: () => void;
}

/** One value: what it is called, what it is, what is asked for it. Alt with the arrow keys moves it. */
export function RowView(props: RowViewProps): JSX.Element {
  const { row, types, problems, onChange, onMove } = props;
  const { id } = row;
  const offered = fieldTypes.filter((type) => types.includes(type) || type === row.type);
  return (
    <li
      class={problems.length > 0 ? "value-row faulty" : "value-row"}
      onKeyDown={(event: KeyboardEvent) => {
        const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
        // In a list of choices it opens that.
        if (!event.altKey || by === 0 || event.target instanceof HTMLSelectElement) return;
        event.preventDefault();
        const held = document.activeElement?.id ?? "";
        onMove(by);
        setTimeout(() => document.getElementById(held)?.focus());
      }}
    >
      <fieldset aria-describedby={`problems-${id}`}>
        <legend class="unseen">{`Value ${props.index + 1}: ${row.name}`}</legend>
        <div class="name-and-type">
          <div class="field name">
            <label for={`name-${id}`}>Name</label>
            <input
              id={`name-${id}`}
              type="text"
              autocomplete="off"
              spellcheck={false}
              maxlength={FIELD_LIMITS.nameLength}
              value={row.name}
              onInput={(event: Event) => onChange({ name: textOf(event) })}
            />
          </div>
          <div class="field type">
            <label for={`type-${id}`}>Type</label>
            <select
              id={`type-${id}`}
              value={row.type}
              onChange={(event: Event) => {
                const chosen = textOf(event);
                onChange({ type: fieldTypes.find((type) => type === chosen) ?? "boolean" });
              }}
            >
              {offered.map((type) => (
                <option value={type} selected={type === row.type}>
                  {typeWords[type]}
                </option>
              ))}
            </select>
          </div>
        </div>
        <div class="field">
          <label for={`asked-${id}`}>Asked</label>
          <input
            id={`asked-${id}`}
            type="text"
            autocomplete="off"
            maxlength={FIELD_LIMITS.instructionsLength}
            placeholder={examples[row.type]}
            value={row.instructions}
            onInput={(event: Event) => onChange({ instructions: textOf(event) })}
          />
        </div>
        <Details {...{ row, onChange }} />
        <div class="problems" id={`problems-${id}`} aria-live="polite">
          {problems.map((problem) => (
            <p class="wrong">{problem}</p>
          ))}
        </div>
        <Handles {...props} />
      </fieldset>
    </li>
  );
}

function Handles({ row, index, isLast, onMove, onRemove }: RowViewProps): JSX.Element {
  const move = (by: number, handle: string): void => {
    onMove(by);
    // Moved, it has lost the focus; at either end the handle is off, and the other one takes it.
    setTimeout(() => {
      const button = document.getElementById(handle) as HTMLButtonElement | null;
      const other = handle.startsWith("up") ? `down-${row.id}` : `up-${row.id}`;
      (button?.disabled === false ? button : document.getElementById(other))?.focus();
    });
  };
  const name = row.name === "" ? `value ${index + 1}` : row.name;
  return (
    <div class="row handles">
      <button
        type="button"
        class="quiet"
        id={`up-${row.id}`}
        aria-label={`Move ${name} up`}
        disabled={index === 0}
        onClick={() => move(-1, `up-${row.id}`)}
      >
        ↑
      </button>
      <button
        type="button"
        class="quiet"
        id={`down-${row.id}`}
        aria-label={`Move ${name} down`}
        disabled={isLast}
        onClick={() => move(1, `down-${row.id}`)}
      >
        ↓
      </button>
      <button type="button" class="quiet" aria-label={`Remove ${name}`} onClick={onRemove}>
        Remove
      </button>
    </div>
  );
}

/** A question of each kind. */
const examples: Readonly<Record<FieldType, string>> = {
  boolean: "Is there a dog?",
  choice: "What is on the left?",
  score: "How worn is it?",
  number: "How many things are there?",
  date: "When is it due?",
  time: "When does it open?",
  datetime: "When was it taken?",
  text: "What does the label say?",
  list: "Which colors has it?",
};
