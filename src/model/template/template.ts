import type { Part } from "#domain/reading/lines.ts";
import type { Automaton } from "./language/regular.ts";
import type { OptionGroup } from "./options.ts";

/** What a canvas is to be read for: made of fields alone, whatever the picture. Equal fields give equal templates. */
export interface Template {
  /** Canvases that are read one after the other; none depends on another. */
  readonly reads: readonly Read[];
}

/** One prompt and the canvas behind it. */
export interface Read {
  /** What the prompt asks; it goes through the model's chat template like any question. */
  readonly question: string;
  readonly lines: readonly Line[];
}

/** A stretch of a canvas: pinned tokens around a place, or pinned tokens alone. */
export interface Line {
  readonly before: readonly number[];
  readonly place?: Place;
  readonly after: readonly number[];
}

/** Where something is read or written. */
export type Place = Slot | Hole;

/** One of a few options is read here. */
export interface Slot extends Part {
  readonly kind: "slot";
  /** Options by length. A canvas can hold those of one length; all lengths are the passes of the slot. */
  readonly groups: readonly OptionGroup[];
  /** Over all groups. */
  readonly options: number;
  /**
   * Whether anything but its options is one too, the last, without tokens: it is worth what they leave of the probability. They have one
   * group then, and each its end, so that no two of them can both be what stands there.
   */
  readonly hasRest?: true;
  /** Whether each option is written token by token, and read beside what was written of it. Absent: one pass reads all of a length. */
  readonly isChained?: true;
}

/** A string is written here. */
export interface Hole extends Part {
  readonly kind: "hole";
  readonly automaton: Automaton;
  /** Positions; what a string leaves over is filled up. */
  readonly width: number;
}

/** A canvas as one pass sees it. */
export interface Layout {
  /** Pinned tokens, and the mask where something is read or written [L]. */
  readonly ids: readonly number[];
  readonly slots: readonly {
    readonly slot: Slot;
    readonly from: number;
    readonly group: OptionGroup;
  }[];
  readonly holes: readonly { readonly hole: Hole; readonly from: number }[];
}

/** Passes that reading all slots of a canvas takes: the most lengths that the options of one slot have, or all tokens of options that are chained. */
export function closedPasses({ lines }: Read): number {
  return Math.max(0, ...lines.map(({ place }) => (place?.kind === "slot" ? slotPasses(place) : 0)));
}

function slotPasses({ groups, isChained }: Slot): number {
  if (isChained === undefined) return groups.length;
  const options = groups.flatMap((group) => group.options);
  return options.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

/**
 * Lays out a canvas for the options of the `pass`-th length, from 0. A slot that has fewer lengths shows its last; it has been read by then.
 */
export function layOut({ lines }: Read, pass: number, mask: number): Layout {
  const ids: number[] = [];
  const slots: Layout["slots"][number][] = [];
  const holes: Layout["holes"][number][] = [];
  for (const { before, place, after } of lines) {
    ids.push(...before);
    const from = ids.length;
    if (place?.kind === "slot") {
      const group = place.groups[Math.min(pass, place.groups.length - 1)]!;
      slots.push({ slot: place, from, group });
      ids.push(...masks(group.length, mask));
    } else if (place?.kind === "hole") {
      holes.push({ hole: place, from });
      ids.push(...masks(place.width, mask));
    }
    ids.push(...after);
  }
  return { ids, slots, holes };
}

function masks(count: number, mask: number): number[] {
  return new Array<number>(count).fill(mask);
}
