import { FIELD_LIMITS, type NumberField } from "#domain/fields.ts";
import type { SchemaNode } from "./node.ts";
import { obeys } from "./rules.ts";
import type { SchemaWalk } from "./walk.ts";

/** What a number without bounds is read from and to: a canvas has a place for each digit. */
const USUAL_RANGE = { minimum: -999, maximum: 9_999 } as const;

/** Digits behind the point of a number that says no step: cents. */
const USUAL_DECIMALS = 2;

const BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const;

/** Reads an integer or a number. Bounds that no double holds to the last digit are those that libraries write where there is none. */
export function numberOf(node: SchemaNode, walk: SchemaWalk): NumberField | undefined {
  const { keywords, pointer } = node;
  if (!obeys(node, ["type", "multipleOf", ...BOUNDS], walk)) return undefined;
  for (const name of BOUNDS) {
    const said = keywords.get(name);
    if (said !== undefined && typeof said.value !== "number")
      return walk.refuse(said.pointer, "must be a number");
  }
  const decimals = decimalsOf(node, walk);
  if (decimals === undefined) return undefined;
  const scale = 10 ** decimals;
  const lowest = highest(
    stepsFrom(keywords.get("minimum")?.value, scale, Math.ceil),
    stepsFrom(keywords.get("exclusiveMinimum")?.value, scale, (steps) => Math.floor(steps) + 1),
  );
  const most = lowestOf(
    stepsFrom(keywords.get("maximum")?.value, scale, Math.floor),
    stepsFrom(keywords.get("exclusiveMaximum")?.value, scale, (steps) => Math.ceil(steps) - 1),
  );
  const range = rangeOf(lowest, most, scale);
  if (range.minimum > range.maximum) {
    const step = decimals === 0 ? "whole number" : `number with ${decimals} decimals`;
    return walk.refuse(pointer, `no ${step} lies within its bounds`);
  }
  if (lowest === undefined || most === undefined)
    walk.assume(pointer, `is read from ${range.minimum} to ${range.maximum}`);
  return { type: "number", ...range, decimals };
}

function decimalsOf({ keywords, pointer }: SchemaNode, walk: SchemaWalk): number | undefined {
  const isWhole = keywords.get("type")?.value === "integer";
  const said = keywords.get("multipleOf");
  if (said === undefined) {
    if (!isWhole) walk.assume(pointer, `is read to ${USUAL_DECIMALS} decimals`);
    return isWhole ? 0 : USUAL_DECIMALS;
  }
  const decimals = Array.from({ length: FIELD_LIMITS.decimals + 1 }, (_, digits) => digits).find(
    (digits) => Number(`1e-${digits}`) === said.value,
  );
  if (decimals === undefined)
    return walk.refuse(
      said.pointer,
      "must be 1, 0.1, 0.01 … 0.000001: a number is written digit by digit",
    );
  return isWhole ? 0 : decimals;
}

/** A bound in steps, rounded into the range; undefined of what is none. 0.29 / 0.01 is 28.999999999999996 of them. */
function stepsFrom(
  bound: unknown,
  scale: number,
  round: (steps: number) => number,
): number | undefined {
  if (typeof bound !== "number") return undefined;
  const steps = bound * scale;
  if (Math.abs(steps) >= Number.MAX_SAFE_INTEGER / 10) return undefined;
  const whole = Math.round(steps);
  return round(whole / scale === bound ? whole : steps);
}

function highest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

function lowestOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** A side that is open is as wide as usual, beyond the side that is not. */
function rangeOf(
  least: number | undefined,
  most: number | undefined,
  scale: number,
): Pick<NumberField, "minimum" | "maximum"> {
  const { minimum, maximum } = USUAL_RANGE;
  const [low, high] = [minimum * scale, maximum * scale];
  const from = most === undefined || most >= low ? low : most - high;
  const to = least === undefined || least <= high ? high : least + high;
  return { minimum: (least ?? from) / scale, maximum: (most ?? to) / scale };
}
