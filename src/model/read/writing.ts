import type { Hole, Read, Slot } from "../template/template.ts";
import type { OpenHole } from "./holes.ts";
import type { WriteTerms } from "./read-fields.ts";

/** Passes that fill the holes of a canvas at most. */
export function fillPasses({ lines }: Read, { openPasses }: WriteTerms): number {
  const widths = lines.map(({ place }) => (place?.kind === "hole" ? place.width : 0));
  return Math.min(openPasses, Math.max(0, ...widths));
}

/** The same canvas with twice the room in some of its holes; undefined where that is not wanted, none is there, or no canvas holds it. */
export function widened(
  read: Read,
  { widensTo }: WriteTerms,
  isShort: (hole: Hole) => boolean,
): Read | undefined {
  let [length, added] = [0, 0];
  const lines = read.lines.map((line) => {
    const { before, place, after } = line;
    length += before.length + after.length;
    if (place?.kind === "slot") length += Math.max(...place.groups.map((group) => group.length));
    if (place?.kind !== "hole") return line;
    length += place.width;
    if (!isShort(place)) return line;
    added += place.width;
    return { ...line, place: { ...place, width: 2 * place.width } };
  });
  const fits = widensTo !== undefined && added > 0 && length + added <= widensTo;
  return fits ? { ...read, lines } : undefined;
}

/** What is known of the places of a canvas that is to be written. */
export interface KnownPlaces {
  /** What was read in a slot. */
  readonly optionOf: (slot: Slot) => readonly number[];
  /** What stands in a hole already; undefined of one that is to be filled. */
  readonly writtenIn: (hole: Hole) => readonly number[] | undefined;
  readonly mask: number;
}

/** Lays a canvas out with what is known, and masks in the holes that are to be filled. */
export function layOutKnown(
  { lines }: Read,
  { optionOf, writtenIn, mask }: KnownPlaces,
): { readonly ids: readonly number[]; readonly holes: readonly OpenHole[] } {
  const ids: number[] = [];
  const holes: OpenHole[] = [];
  for (const { before, place, after } of lines) {
    ids.push(...before);
    if (place?.kind === "slot") ids.push(...optionOf(place));
    else if (place?.kind === "hole") {
      const written = writtenIn(place);
      if (written === undefined) holes.push({ hole: place, from: ids.length });
      ids.push(...(written ?? new Array<number>(place.width).fill(mask)));
    }
    ids.push(...after);
  }
  return { ids, holes };
}
