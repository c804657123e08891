import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { numberOf, textOf } from "../control-values.ts";
import { type FieldRow, usual } from "./rows.ts";

export type Change = Partial<Omit<FieldRow, "id">>;

export interface DetailsProps {
  readonly row: FieldRow;
  readonly onChange: (change: Change) => void;
}

/** What the type wants to know besides. */
export function Details({ row, onChange }: DetailsProps): JSX.Element {
  switch (row.type) {
    case "choice":
      return (
        <>
          <Options
            {...{ row, onChange }}
            label="Options, one a line"
            example={"apple\n  whole, cut or bitten\nguitar"}
          />
          <Check {...{ row, onChange }} member="none" words="or none of these" />
        </>
      );
    case "score":
      return (
        <Options
          {...{ row, onChange }}
          label="Levels, one a line, the lowest first"
          example={"new\nused\n  with scratches"}
        />
      );
    case "list":
      return (
        <>
          <Options
            {...{ row, onChange }}
            label="Items to choose from, one a line; none: any text"
            example={"red\nblue\n  turquoise too"}
          />
          <Bounds {...{ row, onChange }} members={["maxItems"]} />
        </>
      );
    case "number":
      return (
        <>
          <Bounds {...{ row, onChange }} members={["minimum", "maximum", "decimals"]} />
          <Required {...{ row, onChange }} />
        </>
      );
    case "text":
      return (
        <>
          <Bounds {...{ row, onChange }} members={["maxTokens"]} />
          <Required {...{ row, onChange }} />
        </>
      );
    case "time":
    case "datetime":
      return (
        <>
          <Check {...{ row, onChange }} member="seconds" words="with seconds" />
          <Required {...{ row, onChange }} />
        </>
      );
    case "date":
      return <Required {...{ row, onChange }} />;
    case "boolean":
      return <Sides {...{ row, onChange }} />;
    default:
      return row.type satisfies never;
  }
}

interface CheckProps extends DetailsProps {
  readonly member: "none" | "required" | "seconds";
  readonly words: string;
}

function Check({ row, onChange, member, words }: CheckProps): JSX.Element {
  return (
    <label class="row none">
      <input
        type="checkbox"
        checked={row[member]}
        onChange={(event: Event) =>
          onChange({ [member]: (event.currentTarget as HTMLInputElement).checked })
        }
      />
      {words}
    </label>
  );
}

function Required(props: DetailsProps): JSX.Element {
  return <Check {...props} member="required" words="a value even if none is shown" />;
}

/** What yes and no mean, where the words do not say it. */
function Sides({ row, onChange }: DetailsProps): JSX.Element {
  // What a link brings is not hidden; from then on it is whoever writes that opens and closes it.
  const [isOpen] = useState(row.yes !== "" || row.no !== "");
  return (
    <details class="sides" open={isOpen}>
      <summary>What yes and no mean</summary>
      {(["yes", "no"] as const).map((side) => (
        <div class="field">
          <label for={`${side}-${row.id}`}>{`${side === "yes" ? "Yes" : "No"} means`}</label>
          <input
            id={`${side}-${row.id}`}
            type="text"
            autocomplete="off"
            maxlength={FIELD_LIMITS.instructionsLength}
            placeholder={side === "yes" ? "a puppy, or a part of one" : "a toy, or a drawn one"}
            value={row[side]}
            onInput={(event: Event) => onChange({ [side]: textOf(event) })}
          />
        </div>
      ))}
    </details>
  );
}

interface OptionsProps extends DetailsProps {
  readonly label: string;
  readonly example: string;
}

/** Options, a line each whatever its length: one that went on below would look as if another began there. */
function Options({ row, onChange, label, example }: OptionsProps): JSX.Element {
  return (
    <div class="field">
      <label for={`options-${row.id}`}>{label}</label>
      <textarea
        id={`options-${row.id}`}
        rows={3}
        wrap="off"
        placeholder={example}
        value={row.options}
        aria-describedby={`meaning-${row.id}`}
        onInput={(event: Event) => onChange({ options: textOf(event) })}
      />
      <span class="fine" id={`meaning-${row.id}`}>
        a line set in by two spaces says what the one above means
      </span>
    </div>
  );
}

const bounds = {
  minimum: { label: "From", least: undefined },
  maximum: { label: "To", least: undefined },
  decimals: { label: "Decimals", least: 0 },
  maxTokens: { label: "Length, tokens", least: 1 },
  maxItems: { label: "Items at most", least: 1 },
} as const;

function Bounds({
  row,
  onChange,
  members,
}: DetailsProps & { readonly members: readonly (keyof typeof bounds)[] }): JSX.Element {
  return (
    <div class="bounds">
      {members.map((member) => {
        const { label, least } = bounds[member];
        return (
          <div class="field">
            <label for={`${member}-${row.id}`}>{label}</label>
            <input
              id={`${member}-${row.id}`}
              type="number"
              inputmode="decimal"
              step={least === undefined ? "any" : "1"}
              {...(least === undefined ? {} : { min: least })}
              placeholder={String(usual[member])}
              value={row[member] ?? ""}
              onInput={(event: Event) => onChange({ [member]: numberOf(event) })}
            />
          </div>
        );
      })}
    </div>
  );
}
