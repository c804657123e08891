import type { JsonScalar } from "./scalar.ts";
import type { Absence, ObjectShape, PropertyShape, Shape, ValueForm } from "./shape.ts";

/** A field as a reply tells it, as far as a JSON value needs it. */
export interface ToldField {
  readonly value: unknown;
  /** The likeliest option, where there are options. */
  readonly guess?: JsonScalar;
  readonly items?: readonly ToldField[];
  /** A deadline came before it. */
  readonly unfinished?: true;
}

/** Finds what is told of a field; undefined as long as nothing is. */
export type Told = (name: string) => ToldField | undefined;

/** JSON text, as far as it is known. */
export interface JsonText {
  /** The whole text, or what it will begin with. */
  readonly text: string;
  readonly isWhole: boolean;
}

/**
 * Writes the value that a schema describes, its properties in the schema's order. What is not known yet ends the text before it: with
 * more fields told it only grows. The model writes none of it, so what is whole parses.
 */
export function writeJson(shape: ObjectShape, told: Told): JsonText {
  return new JsonWriter(told).write(shape);
}

class JsonWriter {
  readonly #told: Told;
  #text = "";

  constructor(told: Told) {
    this.#told = told;
  }

  write(shape: ObjectShape): JsonText {
    const isWhole = this.#object(shape);
    return { text: this.#text, isWhole };
  }

  /** Whether all of it was written. */
  #object({ properties }: ObjectShape): boolean {
    this.#text += "{";
    let separator = "";
    for (const property of properties) {
      const before = `${separator}${JSON.stringify(property.name)}:`;
      const written = this.#property(property, before);
      if (written === "unknown") return false;
      if (written === "whole") separator = ",";
    }
    this.#text += "}";
    return true;
  }

  #property({ shape, absence }: PropertyShape, before: string): "whole" | "omitted" | "unknown" {
    if (shape.kind === "object") {
      const isThere = this.#isThere(shape);
      if (isThere === undefined) return "unknown";
      this.#text += before;
      if (!isThere) this.#text += "null";
      return !isThere || this.#object(shape) ? "whole" : "unknown";
    }
    const value = this.#valueOf(shape, absence);
    if (value === undefined) return "unknown";
    if (value === null && absence === "omitted" && shape.kind === "field") return "omitted";
    this.#text += before + JSON.stringify(value);
    return "whole";
  }

  #isThere({ presence }: ObjectShape): boolean | undefined {
    if (presence === undefined) return true;
    const told = this.#known(presence);
    return told === undefined ? undefined : told.value === true;
  }

  /** Undefined of what is not known yet; null of what was not read. */
  #valueOf(shape: Exclude<Shape, ObjectShape>, absence: Absence): unknown {
    if (shape.kind === "constant") return shape.value;
    const told = this.#known(shape.name);
    return told === undefined ? undefined : valueIn(told, shape.form, absence);
  }

  #known(name: string): ToldField | undefined {
    const told = this.#told(name);
    return told?.unfinished === true ? undefined : told;
  }
}

function valueIn(told: ToldField, form: ValueForm, absence: Absence): unknown {
  if (form.of === "list") {
    const items = (told.items ?? []).map((item) => valueIn(item, form.item, form.itemAbsence));
    return form.isUnique ? distinct(items) : items;
  }
  const value = told.value ?? (absence === "guess" ? (told.guess ?? null) : null);
  switch (form.of) {
    case "itself":
      return value;
    case "options":
      return value === null ? null : optionIn(value, form);
    case "text":
      // What was cut off and so is no value is an empty text where null is none.
      return value === null && absence === "guess" ? "" : textIn(value, form);
    default:
      return form satisfies never;
  }
}

function optionIn(value: unknown, { values }: Extract<ValueForm, { of: "options" }>): JsonScalar {
  const option = values.get(String(value));
  if (option === undefined) throw new Error("a field was read as none of its options");
  return option;
}

function textIn(value: unknown, form: Extract<ValueForm, { of: "text" }>): unknown {
  if (typeof value !== "string") return value;
  const { maxLength, suffix = "" } = form;
  const text = maxLength === undefined ? value : [...value].slice(0, maxLength).join("");
  return text + suffix;
}

function distinct(items: readonly unknown[]): readonly unknown[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
