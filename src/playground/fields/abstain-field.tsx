import type { JSX } from "hono/jsx/jsx-runtime";

export interface AbstainFieldProps {
  readonly abstainBelow: number | null;
  readonly onChange: (abstainBelow: number | null) => void;
}

/** How likely a value has to be: what is less likely is withheld, and told as a guess. */
export function AbstainField({ abstainBelow, onChange }: AbstainFieldProps): JSX.Element {
  return (
    <div class="field">
      <label for="abstain">Abstain below</label>
      <input
        id="abstain"
        type="number"
        inputmode="decimal"
        min={0}
        max={1}
        step={0.05}
        placeholder="0"
        value={abstainBelow ?? ""}
        onInput={(event: Event) => {
          const text = (event.currentTarget as HTMLInputElement).value;
          onChange(text === "" ? null : Number(text));
        }}
      />
      <span class="fine">a probability; what is less likely is no value</span>
    </div>
  );
}
