/**
 * Names of the objects in the bucket. Ledgers go by the id of the object that they began in, which tells nothing of the account;
 * what was written at a time is listed newest first, because R2 lists in one order only.
 */
export const names = {
  /** Lines of a ledger, from a line on. Kept for ever. */
  segment: (book: string, timeline: number, from: number): string =>
    `ledger/${book}/${padded(timeline, 6)}/${padded(from, 16)}`,
  /** Of a ledger, all timelines. */
  segments: (book: string): string => `ledger/${book}/`,
  /** What belongs to the lines of a segment and is not kept for ever. */
  details: (book: string, timeline: number, from: number): string =>
    `details/${book}/${padded(timeline, 6)}/${padded(from, 16)}`,
  detailsOf: (book: string): string => `details/${book}/`,
  /** What a ledger kept beside its lines at a time. */
  cut: (book: string, at: number): string => `cuts/${book}/${moment(at)}`,
  cuts: (book: string): string => `cuts/${book}/`,
  allCuts: "cuts/",
  /** Where an account wants to be told at a time; `prefix` is its `endpointsOf`. */
  endpointsAt: (prefix: string, at: number): string => `${prefix}${moment(at)}`,
  /** Of an account, by the hex SHA-256 of its id: it may have webhooks and no ledger yet. */
  endpointsOf: (sha256: string): string => `endpoints/${sha256}/`,
  allEndpoints: "endpoints/",
  /** A whole snapshot of the tables, as the list of its parts. */
  manifest: (at: number): string => `manifests/${moment(at)}`,
  manifests: "manifests/",
  part: (at: number, table: string, index: number): string =>
    `tables/${moment(at)}/${table}/${padded(index, 6)}`,
  /** Says which environment writes here: another one keeps its hands off. */
  writer: "writer",
  /** Says that an account was erased, by the hex SHA-256 of its id. */
  erased: (sha256: string): string => `erased/${sha256}`,
  allErased: "erased/",
} as const;

/** Later than every moment of ours, and as many digits. */
const END_OF_TIME = 999_999_999_999_999;

/** A moment in milliseconds since 1970, so that later ones are listed first; people read the second half. */
function moment(at: number): string {
  return `${padded(END_OF_TIME - at, 15)}_${new Date(at).toISOString()}`;
}

/** Which moment a name tells, in milliseconds since 1970; NaN where it tells none. */
export function momentOf(name: string): number {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return END_OF_TIME - Number(/^(\d{15})_/.exec(last)?.[1]);
}

/** What every name of that moment or before is listed behind. */
export function before(prefix: string, at: number): string {
  return `${prefix}${padded(END_OF_TIME - at, 15)}`;
}

/** Number of the timeline that a segment's name, or the folder around it, tells. */
export function timelineOf(name: string): number {
  return Number(name.split("/")[2]);
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
