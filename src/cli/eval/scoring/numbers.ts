/** A number as it stands in a text, separated thousands and all. */
const NUMBER = /[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-−+]?\.\d+/g;

/** The numbers of a text, in their order. */
export function numbersIn(text: string): readonly number[] {
  return (text.match(NUMBER) ?? []).map((found) =>
    Number(found.replaceAll(",", "").replace("−", "-")),
  );
}

/**
 * Whether the last number of an answer is the expected one, rounded to as many places as that is written with: where an answer
 * explains itself, what it came to stands at its end. Undefined where the expected one is no number.
 */
export function isLastNumber(answer: string, expected: string): boolean | undefined {
  const wanted = expected.trim();
  if (wanted.match(NUMBER)?.[0] !== wanted) return undefined;
  const given = numbersIn(answer).at(-1);
  if (given === undefined) return false;
  const [target = Number.NaN] = numbersIn(wanted);
  const places = wanted.split(".")[1]?.length ?? 0;
  return round(given, places) === round(target, places);
}

/** Halves away from zero, also those that binary fractions fall just short of. */
function round(value: number, places: number): string {
  return (value + Math.sign(value) * 1e-9).toFixed(places);
}
