import type {
  ClosedFieldBody,
  FieldBody,
  ListFieldBody,
  OpenFieldBody,
} from "#wire/api/answers/fields/field-body.ts";

/** How likely something is, to be drawn as a bar. */
export interface Share {
  readonly words: string;
  /** 0 … 1. */
  readonly share: number;
  /** Whether it is the value. */
  readonly isValue: boolean;
}

/** So many options have a bar; the others share one. */
const MAX_BARS = 8;

type Known = ClosedFieldBody | OpenFieldBody | ListFieldBody;

/** A value as a person reads it; null where there is none. */
export function valueWords(value: Known["value"]): string | null {
  if (value === null) return null;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "object") return String(value);
  return value.map((item) => valueWords(item) ?? "–").join(", ");
}

/** Why there is no value, or not all of it; null where it is whole. */
export function stateWords(body: FieldBody): string | null {
  if ("unfinished" in body) return "Not known when the answer ended.";
  if ("items" in body) return body.items.length === 0 ? "None are there." : null;
  if ("truncated" in body) {
    if (body.truncated) return "Cut off: it did not fit. Give it more length.";
    return body.value === null ? "The picture does not show it." : null;
  }
  const guess = valueWords(body.guess);
  if (body.abstained) return `Abstained: “${guess}” was less likely than asked for.`;
  return body.value === null ? `None of these; of them “${guess}” was the likeliest.` : null;
}

/** How likely each option was, in the order of the request; of what was written how likely that was. */
export function sharesOf(body: FieldBody): readonly Share[] {
  if ("unfinished" in body) return [];
  if ("items" in body) return body.items.flatMap(itemShare);
  if ("truncated" in body) return openShares(body);
  const { value, abstained, p_none } = body;
  const shares = body.probabilities.map((option) => ({
    words: valueWords(option.value) ?? "",
    share: option.probability,
    isValue: option.value === value,
  }));
  const none = { words: "none of these", isValue: value === null && !abstained };
  return [...likeliest(shares), ...(p_none === null ? [] : [{ ...none, share: p_none }])];
}

function openShares({ value, probability, p_none }: OpenFieldBody): readonly Share[] {
  return [
    ...(probability === null
      ? []
      : [{ words: "as written", share: probability, isValue: value !== null }]),
    ...(p_none === null ? [] : [{ words: "not shown", share: p_none, isValue: value === null }]),
  ];
}

function itemShare(item: ClosedFieldBody | OpenFieldBody): readonly Share[] {
  const { value, probability } = item;
  if (probability === null) return [];
  return [{ words: valueWords(value) ?? "–", share: probability, isValue: value !== null }];
}

function likeliest(shares: readonly Share[]): readonly Share[] {
  if (shares.length <= MAX_BARS) return shares;
  const kept = new Set(
    shares.toSorted((one, other) => other.share - one.share).slice(0, MAX_BARS - 1),
  );
  const others = shares.filter((share) => !kept.has(share));
  const rest = others.reduce((sum, { share }) => sum + share, 0);
  return [
    ...shares.filter((share) => kept.has(share)),
    { words: `${others.length} others`, share: rest, isValue: false },
  ];
}
