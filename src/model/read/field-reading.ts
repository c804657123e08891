import type { FieldReading, OpenReading, SingleReading } from "#domain/field-reading.ts";
import { asClosed, asOpen, type Field, type ListField, type OpenField } from "#domain/fields.ts";
import type { Part, Role } from "#domain/reading/lines.ts";
import {
  type Correction,
  type Distribution,
  distribution,
  joinChunks,
} from "../template/distribution.ts";
import { readNumeral } from "../template/language/numerals.ts";
import { isTruncated, readClosed } from "../template/reading.ts";
import type { Slot } from "../template/template.ts";
import type { HoleString } from "./holes.ts";
import type { SlotScores } from "./slots.ts";

/** What a field is judged by. */
export interface JudgeTerms {
  /** A guess that is less likely is no value, 0 … 1. */
  readonly abstainBelow: number;
  /** Of the model, for fields of this kind: above 1 makes less sure. */
  readonly temperature: number;
  readonly filler: number;
  readonly decode: (tokens: readonly number[]) => string;
}

/** Everything that was read of one field. */
export interface FieldEvidence {
  readonly slots: readonly (SlotScores & Pick<Correction, "bias">)[];
  readonly strings: readonly HoleString[];
}

/** Which option of a slot is the likeliest, once it is corrected. */
export function compared(
  { scores, bias }: FieldEvidence["slots"][number],
  temperature: number,
): Distribution {
  return distribution(scores, { temperature, ...(bias === undefined ? {} : { bias }) });
}

/** Whether a picture shows an open field's value; true where that was not asked. */
export function isPresent(evidence: FieldEvidence, temperature: number): boolean {
  return (gateOf(evidence, temperature) ?? 1) >= 0.5;
}

/** How many items a list has; undefined of what is none. */
export function countOf({ slots }: FieldEvidence, temperature: number): number | undefined {
  const slot = slots.find(({ slot: { role } }) => role.of === "count");
  return slot === undefined ? undefined : compared(slot, temperature).best;
}

/** Judges a field by all that was read of it: its slots, and the strings in its holes where there are any. */
export function readField(field: Field, evidence: FieldEvidence, terms: JudgeTerms): FieldReading {
  if (field.type !== "list") return readSingle(field, evidence, terms, "value");
  const slot = evidence.slots.find(({ slot: { role } }) => role.of === "count");
  if (slot === undefined) throw new Error("a list was read without its count");
  const counts = compared(slot, terms.temperature);
  const items = Array.from({ length: counts.best }, (_, index) =>
    readSingle(field.items, itemOf(evidence, index), terms, "item"),
  );
  return { kind: "list", type: "list", items, counts: counts.probabilities };
}

function readSingle(
  field: Exclude<Field, ListField>,
  evidence: FieldEvidence,
  terms: JudgeTerms,
  role: "value" | "item",
): SingleReading {
  const closed = asClosed(field);
  if (closed !== undefined) {
    const read = readOptions(evidence, terms, role);
    const logProbabilities = field.type === "answers" ? slotOf(evidence, role).scores : undefined;
    return {
      ...readClosed(closed, read, terms.abstainBelow),
      ...(logProbabilities === undefined ? {} : { logProbabilities }),
    };
  }
  const open = asOpen(field);
  if (open === undefined)
    throw new Error(`a field of type ${field.type} is neither read nor written`);
  return readOpen(open, evidence, terms);
}

function readOptions(
  evidence: FieldEvidence,
  { temperature }: JudgeTerms,
  role: "value" | "item",
): Parameters<typeof readClosed>[1] {
  const { slots } = evidence;
  const own = slotOf(evidence, role);
  const chunks = slots.filter(({ slot }) => slot.role.of === "chunk");
  if (chunks.length > 0) {
    const read = chunks.map((chunk) => compared(chunk, temperature));
    return { distribution: joinChunks(read, compared(own, temperature)) };
  }
  const { slot, scores } = own;
  const read = { distribution: compared(own, temperature) };
  // Options of one canvas exclude one another; those of several are conditioned on different lengths.
  if (slot.groups.length > 1) return read;
  return { ...read, scores: slot.hasRest === true ? scores.slice(0, -1) : scores };
}

function slotOf({ slots }: FieldEvidence, role: "value" | "item"): FieldEvidence["slots"][number] {
  const own = slots.find(({ slot }) => slot.role.of === role);
  if (own === undefined) throw new Error("a field was read without the slot of its value");
  return own;
}

function readOpen(
  field: OpenField,
  evidence: FieldEvidence,
  { temperature, filler, decode }: JudgeTerms,
): OpenReading {
  const gate = gateOf(evidence, temperature);
  const pNone = gate === undefined ? null : 1 - gate;
  const [string] = evidence.strings;
  const common = { kind: "open", type: field.type, pNone } as const;
  if (string === undefined)
    return { ...common, value: null, probability: null, tokenMin: null, truncated: false };
  const { tokens, logProbs } = string;
  const text = textOf(tokens, { filler, decode });
  return {
    ...common,
    value: field.type === "number" ? readNumeral(text) : text,
    probability: Math.exp(logProbs.reduce((sum, logProb) => sum + logProb, 0)),
    tokenMin: Math.exp(Math.min(0, ...logProbs)),
    truncated: isCutOff(field, string, { filler, decode }),
  };
}

function textOf(
  tokens: readonly number[],
  { filler, decode }: Pick<JudgeTerms, "filler" | "decode">,
): string {
  return decode(tokens.filter((token) => token !== filler)).trim();
}

/** Whether what was written is a text that its room cut off. */
export function isCutOff(
  field: Field,
  { tokens }: HoleString,
  terms: Pick<JudgeTerms, "filler" | "decode">,
): boolean {
  const { type } = field.type === "list" ? field.items : field;
  return type === "text" && isTruncated(tokens, terms.filler, textOf(tokens, terms));
}

/** p of there being a value; undefined where that was not asked. */
function gateOf({ slots }: FieldEvidence, temperature: number): number | undefined {
  const gate = slots.find(({ slot: { role } }) => role.of === "present");
  return gate === undefined ? undefined : compared(gate, temperature).probabilities[0];
}

function itemOf({ slots, strings }: FieldEvidence, index: number): FieldEvidence {
  const isIts = ({ role }: Part): boolean => role.of === "item" && role.index === index;
  return {
    slots: slots.filter(({ slot }) => isIts(slot)),
    strings: strings.filter(({ hole }) => isIts(hole)),
  };
}

/** Whether a place is needed for what a field is, once its gate or its count is known. */
export function isNeeded(
  role: Role,
  { present, count }: { readonly present: boolean; readonly count: number | undefined },
): boolean {
  return role.of === "item" ? role.index < (count ?? 0) : present;
}

/** The tokens of an option. Throws Error where the slot has none of that index. */
export function optionTokens({ groups }: Slot, index: number): readonly number[] {
  const option = groups.flatMap(({ options }) => options).find((one) => one.index === index);
  if (option === undefined) throw new Error(`a slot has no option ${index}`);
  return option.tokens;
}
