import type { JSX } from "hono/jsx/jsx-runtime";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { type TruncateRule, truncateRules } from "#domain/question.ts";
import type { ReadingOptions } from "../asking/draft.ts";

export interface ReadingFieldsProps {
  readonly reading: ReadingOptions;
  readonly onChange: (change: Partial<ReadingOptions>) => void;
}

/** How values are read: how likely they have to be, in how many passes what is written is, and what becomes of a text that does not fit. */
export function ReadingFields({ reading, onChange }: ReadingFieldsProps): JSX.Element {
  return (
    <>
      <div class="field">
        <label for="abstain">Abstain below</label>
        <input
          id="abstain"
          type="number"
          inputmode="decimal"
          min={0}
          max={1}
          step={0.05}
          aria-describedby="abstain-hint"
          placeholder="0"
          value={reading.abstainBelow ?? ""}
          onInput={(event: Event) => onChange({ abstainBelow: numberIn(event) })}
        />
        <span class="fine" id="abstain-hint">
          0 to 1; an option that is less likely is no value
        </span>
      </div>
      <div class="field">
        <label for="passes">Passes at most</label>
        <input
          id="passes"
          type="number"
          inputmode="numeric"
          min={1}
          max={FIELD_LIMITS.passes}
          step={1}
          aria-describedby="passes-hint"
          placeholder="all"
          value={reading.passes ?? ""}
          onInput={(event: Event) => onChange({ passes: numberIn(event) })}
        />
        <span class="fine" id="passes-hint">
          to write texts, dates and the like; fewer cost less
        </span>
      </div>
      <div class="field wide">
        <label for="truncate">A text that does not fit</label>
        <select
          id="truncate"
          value={reading.onTruncate ?? "keep"}
          onChange={(event: Event) => {
            const { value } = event.currentTarget as HTMLSelectElement;
            const rule = truncateRules.find((one) => one === value);
            onChange({ onTruncate: rule === undefined || rule === "keep" ? null : rule });
          }}
        >
          {truncateRules.map((rule) => (
            <option value={rule} selected={rule === (reading.onTruncate ?? "keep")}>
              {ruleWords[rule]}
            </option>
          ))}
        </select>
      </div>
    </>
  );
}

const ruleWords: Readonly<Record<TruncateRule, string>> = {
  keep: "is cut off",
  widen: "gets twice the room, once",
  null: "is no value",
};

function numberIn(event: Event): number | null {
  const text = (event.currentTarget as HTMLInputElement).value;
  return text === "" ? null : Number(text);
}
