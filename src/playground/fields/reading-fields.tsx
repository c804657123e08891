import type { JSX } from "hono/jsx/jsx-runtime";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { type TruncateRule, truncateRules } from "#domain/question.ts";
import type { ReadingOptions } from "../asking/draft.ts";
import { numberOf, textOf } from "../control-values.ts";

export interface ReadingFieldsProps {
  readonly reading: ReadingOptions;
  readonly onChange: (change: Partial<ReadingOptions>) => void;
}

/** How values are read: how likely they have to be, in how many passes what is written is, and what becomes of a text that does not fit. */
export function ReadingFields({ reading, onChange }: ReadingFieldsProps): JSX.Element {
  return (
    <>
      <NumberField
        name="abstain"
        label="Abstain below"
        hint="0 to 1; an option that is less likely is no value"
        limits={{ inputmode: "decimal", min: 0, max: 1, step: 0.05, placeholder: "0" }}
        value={reading.abstainBelow}
        onChange={(abstainBelow) => onChange({ abstainBelow })}
      />
      <NumberField
        name="passes"
        label="Passes at most"
        hint="to write texts, dates and the like; fewer cost less"
        limits={{
          inputmode: "numeric",
          min: 1,
          max: FIELD_LIMITS.passes,
          step: 1,
          placeholder: "all",
        }}
        value={reading.passes}
        onChange={(passes) => onChange({ passes })}
      />
      <div class="field wide">
        <label for="truncate">A text that does not fit</label>
        <select
          id="truncate"
          value={reading.onTruncate ?? "keep"}
          onChange={(event: Event) => {
            const rule = truncateRules.find((one) => one === textOf(event));
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

interface NumberFieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly limits: {
    readonly inputmode: "decimal" | "numeric";
    readonly min: number;
    readonly max: number;
    readonly step: number;
    /** What holds where nothing is said. */
    readonly placeholder: string;
  };
  readonly value: number | null;
  readonly onChange: (value: number | null) => void;
}

function NumberField({
  name,
  label,
  hint,
  limits,
  value,
  onChange,
}: NumberFieldProps): JSX.Element {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        type="number"
        {...limits}
        aria-describedby={`${name}-hint`}
        value={value ?? ""}
        onInput={(event: Event) => onChange(numberOf(event))}
      />
      <span class="fine" id={`${name}-hint`}>
        {hint}
      </span>
    </div>
  );
}
