import type { NumberField, OpenField, TextField } from "../fields.ts";

/** Positions that an open field's hole has. */
export function openWidth(field: OpenField): number {
  return field.type === "text" ? field.maxTokens : " ".length + longestText(field);
}

function longestText(field: Exclude<OpenField, TextField>): number {
  switch (field.type) {
    case "number":
      return Math.max(
        ...[field.minimum, field.maximum].map((bound) => numeralLength(bound, field)),
      );
    case "date":
      return "2026-11-28".length;
    case "time":
      return field.seconds ? "09:05:30".length : "09:05".length;
    case "datetime":
      return field.seconds ? "2026-11-28T09:05:30".length : "2026-11-28T09:05".length;
    default:
      return field satisfies never;
  }
}

function numeralLength(bound: number, { decimals }: NumberField): number {
  const sign = bound < 0 ? 1 : 0;
  const whole = Math.trunc(Math.abs(bound)).toFixed(0).length;
  return sign + whole + (decimals > 0 ? 1 + decimals : 0);
}
