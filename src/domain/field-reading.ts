import type { ComparedField, Field, OpenField } from "./fields.ts";

/** A value that JSON has. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[];

/** A field of a request as it was read, by its name. */
export interface ReadField {
  readonly name: string;
  readonly reading: FieldReading | UnfinishedReading;
}

/** What a field was read as. Values of JSON throughout, so that it is kept and told as it stands. */
export type FieldReading = SingleReading | ListReading;

/** What a field is read as that is no list, and an item of one. */
export type SingleReading = ClosedReading | OpenReading;

/** A field whose value is one of a few. */
export interface ClosedReading {
  readonly kind: "closed";
  readonly type: ComparedField["type"];
  /** Null where it abstains, or where none of the options is the likeliest. */
  readonly value: string | number | boolean | null;
  /** The likeliest of the options, whatever is thought of it. */
  readonly guess: string | number | boolean;
  /** Of each option in the field's order, "none of these" not among them: they sum to 1 − `pNone`. */
  readonly probabilities: readonly {
    readonly value: string | number | boolean;
    readonly probability: number;
  }[];
  /** Of the guess; of a boolean that of true. */
  readonly probability: number;
  /** 0 … 1. Of a boolean max(p, 1 − p), of anything else 1 − H / ln K. */
  readonly confidence: number;
  /** Share of the vocabulary's probability that the options had; null where they do not stand in one canvas, being of several lengths. */
  readonly labelMass: number | null;
  /** Of "none of these"; null where it was no option. */
  readonly pNone: number | null;
  /** Whether the guess was not sure enough to be a value. */
  readonly abstained: boolean;
  /** Of a score alone: the mean of the levels' indices by probability. */
  readonly score?: number;
  /** Of answers alone, in their order: natural logarithms of how likely the model is to give each, whatever the others are. */
  readonly logProbabilities?: readonly number[];
}

/** A field whose value was written. */
export interface OpenReading {
  readonly kind: "open";
  readonly type: OpenField["type"];
  /** Null where the picture does not show it, or where a text that was cut off is not wanted. */
  readonly value: string | number | null;
  /** Likelihood of the string as it was written, over the whole vocabulary, 0 … 1; null where none was. */
  readonly probability: number | null;
  /** Of the least likely of its tokens; null where none was written. */
  readonly tokenMin: number | null;
  /** Of there being no value; null where that was not asked. */
  readonly pNone: number | null;
  /** Whether a text was cut off for want of room. */
  readonly truncated: boolean;
}

/** Values, as many as were counted. */
export interface ListReading {
  readonly kind: "list";
  readonly type: "list";
  readonly items: readonly SingleReading[];
  /** How likely each count is, from 0. */
  readonly counts: readonly number[];
}

/** A field that a deadline cut off. */
export interface UnfinishedReading {
  readonly kind: "unfinished";
  readonly type: Field["type"];
}

/** Returns a field's value as JSON has it; null of one that was not finished. */
export function jsonValueOf(reading: FieldReading | UnfinishedReading): JsonValue {
  switch (reading.kind) {
    case "closed":
    case "open":
      return reading.value;
    case "list":
      return reading.items.map(({ value }) => value);
    case "unfinished":
      return null;
    default:
      return reading satisfies never;
  }
}

/** Writes the values of fields as JSON, in the order of the fields. */
export function answerJson(fields: readonly ReadField[]): string {
  return jsonObject(fields.map(({ name, reading }) => [name, jsonValueOf(reading)]));
}

/**
 * Writes values as a JSON object in their order. The model writes none of it, so it always parses; and no object is made of it on the
 * way, so that names like `__proto__` and `10` stay where they are.
 */
export function jsonObject(entries: readonly (readonly [string, JsonValue])[]): string {
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
}
