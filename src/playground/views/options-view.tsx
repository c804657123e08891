import type { JSX } from "hono/jsx/jsx-runtime";
import type { ModelBody } from "#wire/api/models.ts";
import { MAX_SEED, MAX_TEMPERATURE } from "#wire/limits.ts";
import type { Actions } from "../actions.ts";
import { type Departure, departures } from "../asking/departures.ts";
import type { Draft, Options } from "../asking/draft.ts";
import { numberOf, textOf } from "../control-values.ts";
import { ReadingFields } from "../fields/reading-fields.tsx";
import { DeadlineField } from "./deadline-field.tsx";

export interface OptionsViewProps {
  readonly draft: Draft;
  readonly model: ModelBody | null;
  readonly models: readonly ModelBody[];
  readonly actions: Actions;
}

/** What may be asked otherwise than the model's card recommends; where it is, that is said beside it. */
export function OptionsView({ draft, model, models, actions }: OptionsViewProps): JSX.Element {
  const { options } = draft;
  const areValues = draft.wants === "values";
  const left = departures(options, model).filter(
    ({ option }) => !areValues || beside.includes(option),
  );
  const set = actions.setOptions;
  const ofReading = Object.values(draft.reading).filter((value) => value !== null).length;
  const changed = left.length + (areValues ? ofReading : 0);
  return (
    <details class="options">
      <summary>
        Advanced
        {changed > 0 && <span class="tag">{`${changed} changed`}</span>}
      </summary>
      <div class="grid">
        {models.length > 1 && (
          <Field name="model" label="Model">
            <select
              id="model"
              value={model?.id}
              onChange={(event: Event) => void actions.setModel(textOf(event))}
            >
              {models.map(({ id }) => (
                <option value={id}>{id}</option>
              ))}
            </select>
          </Field>
        )}
        {areValues ? (
          <>
            <ModeField {...{ model, left, set, options }} />
            <ReadingFields reading={draft.reading} onChange={actions.setReading} />
          </>
        ) : (
          <WordsFields {...{ model, left, set, options }} />
        )}
        <DeadlineField
          deadlineMs={options.deadlineMs}
          areValues={areValues}
          onChange={(deadlineMs) => set({ deadlineMs })}
        />
      </div>
      {left.some(({ words }) => words !== null) && (
        <ul class="warnings">
          {left.map(({ words }) => (words === null ? null : <li>{words}</li>))}
        </ul>
      )}
    </details>
  );
}

/** What is taken beside values; the rest follows from them. */
const beside: readonly (keyof Options)[] = ["mode", "deadlineMs"];

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** Whether it takes a line of its own. */
  readonly isWide?: boolean;
  readonly children: unknown;
}

function Field({ name, label, hint, isWide = false, children }: FieldProps): JSX.Element {
  return (
    <div class={isWide ? "field wide" : "field"}>
      <label for={name}>{label}</label>
      {children as JSX.Element}
      {hint !== undefined && <span class="fine">{hint}</span>}
    </div>
  );
}

type NumberName = "canvas" | "steps" | "blockLength" | "temperature" | "seed";

interface OptionProps {
  readonly options: Options;
  readonly left: readonly Departure[];
  readonly set: (change: Partial<Options>) => void;
}

interface NumberFieldProps extends OptionProps {
  readonly name: NumberName;
  readonly label: string;
  readonly unit: string;
  readonly min: number;
  readonly max: number | undefined;
  readonly step?: number;
  /** What holds where nothing is said. */
  readonly usual: number | string | undefined;
}

function NumberField({
  name,
  label,
  unit,
  min,
  max,
  step = 1,
  usual,
  options,
  left,
  set,
}: NumberFieldProps): JSX.Element {
  const hint = usual === undefined ? unit : `${unit} · recommended: ${usual}`;
  return (
    <Field
      name={name}
      label={label}
      hint={left.some((one) => one.option === name) ? `${hint}, left` : hint}
    >
      <input
        id={name}
        type="number"
        inputmode="decimal"
        {...{ min, step }}
        {...(max === undefined ? {} : { max })}
        placeholder={usual === undefined ? "" : String(usual)}
        value={options[name] ?? ""}
        onInput={(event: Event) => set({ [name]: numberOf(event) })}
      />
    </Field>
  );
}

/** What shapes an answer in words alone. */
function WordsFields({
  model,
  ...shared
}: OptionProps & { readonly model: ModelBody | null }): JSX.Element {
  const { options, set } = shared;
  return (
    <>
      <NumberField
        {...shared}
        name="canvas"
        label="Canvas"
        unit="positions"
        min={1}
        max={model?.limits.canvas}
        usual={model?.canvas.default}
      />
      <NumberField
        {...shared}
        name="steps"
        label="Steps"
        unit="at most"
        min={1}
        max={options.canvas ?? model?.limits.canvas}
        usual={options.canvas ?? model?.canvas.default}
      />
      <ModeField {...{ model, ...shared }} />
      <NumberField
        {...shared}
        name="blockLength"
        label="Block"
        unit="positions"
        min={1}
        max={options.canvas ?? model?.limits.canvas}
        usual={model?.block_length ?? "whole canvas"}
      />
      <NumberField
        {...shared}
        name="temperature"
        label="Temperature"
        unit="0 takes the likeliest"
        min={0}
        max={MAX_TEMPERATURE}
        step={0.1}
        usual={0}
      />
      <NumberField
        {...shared}
        name="seed"
        label="Seed"
        unit="of the noise"
        min={0}
        max={MAX_SEED}
        usual={0}
      />
      <Field name="stop" label="Stop" hint="one text a line; the answer ends before it">
        <textarea
          id="stop"
          rows={1}
          value={options.stop}
          onInput={(event: Event) => set({ stop: textOf(event) })}
        />
      </Field>
    </>
  );
}

function ModeField({
  model,
  options,
  set,
}: OptionProps & { readonly model: ModelBody | null }): JSX.Element {
  const modes = model?.modes ?? ["exact", "cached", "fast"];
  return (
    <Field
      name="mode"
      label="Mode"
      hint="exact has the reference's tokens; fast may end early"
      isWide
    >
      <select
        id="mode"
        value={options.mode ?? ""}
        onChange={(event: Event) => {
          const chosen = textOf(event);
          set({ mode: modes.find((mode) => mode === chosen) ?? null });
        }}
      >
        <option value="">
          {model === null ? "as the model has it" : `${model.mode} (recommended)`}
        </option>
        {modes
          .filter((mode) => mode !== model?.mode)
          .map((mode) => (
            <option value={mode}>{mode}</option>
          ))}
      </select>
    </Field>
  );
}
