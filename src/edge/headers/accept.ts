/**
 * Chooses the media type that a request's `Accept` prefers: the highest weight, then what is named most exactly, then what
 * is named first. The first offer where none is acceptable, for that is better than no reply. Source: RFC 9110 section 12.5.1.
 */
export function preferredType<Type extends string>(
  header: string | undefined,
  offers: readonly [Type, ...Type[]],
): Type {
  if (header === undefined) return offers[0];
  const ranges = header.split(",").map(rangeOf);
  const ranked = offers
    .map((offer) => ({ offer, ...judge(offer, ranges) }))
    .filter(({ weight }) => weight > 0)
    .toSorted(
      (a, b) => b.weight - a.weight || b.exactness - a.exactness || a.position - b.position,
    );
  return ranked[0]?.offer ?? offers[0];
}

/** Whether a request's `Accept` takes a media type: it says nothing, or names it, or what covers it, with a weight above 0. */
export function isAcceptable(header: string | undefined, type: string): boolean {
  return header === undefined || judge(type, header.split(",").map(rangeOf)).weight > 0;
}

interface MediaRange {
  readonly type: string;
  /** 0 is "not this one". */
  readonly weight: number;
}

function rangeOf(text: string): MediaRange {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
  return { type, weight: /^[01](?:\.[0-9]{0,3})?$/.test(weight) ? Number(weight) : 1 };
}

/** The most exact range that covers an offer decides about it. */
function judge(
  offer: string,
  ranges: readonly MediaRange[],
): { readonly weight: number; readonly exactness: number; readonly position: number } {
  const covering = ["*/*", `${offer.split("/")[0]}/*`, offer];
  const positions = covering.map((type) => ranges.findIndex((range) => range.type === type));
  const exactness = positions.findLastIndex((position) => position >= 0);
  const position = positions[exactness] ?? -1;
  return { weight: ranges[position]?.weight ?? 0, exactness, position };
}
