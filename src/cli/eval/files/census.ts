import type { ReadQuestion } from "./read-question.ts";
import { type ColumnMap, knownRole, type Role } from "./recognise.ts";
import type { Members } from "./test-question.ts";

/** Rows that have something, counted. */
interface Seen {
  readonly first: number;
  rows: number;
}

/** Names that belong to a question whatever they hold, beside those that are read. */
const BELONGS: readonly (readonly [name: RegExp, role: Role])[] = [
  [
    /^(?:image|img|picture|photo|figure)s?(?:_?(?:\d+|path|file|name|url|bytes|base64|b64|data)s?)*$/i,
    "image",
  ],
  [/^(?:alternatives|multiple_choices?|choice_?\w+|option_?\w)$/i, "choices"],
  [/^(?:passages?|prompts?|instructions?|system)$/i, "question"],
];

/** Roles of which a second column is as likely a second part: two pictures of one thing are none, two texts may be. */
const SEVERAL: ReadonlySet<Role> = new Set(["question", "messages", "hint", "choices", "answer"]);

/** Columns that say of a picture where it lies, which another column has itself. */
const SAME_PICTURE = /path|file|name|url|decoded|bytes|base64/i;

/** Places for pictures as other programs write them into texts. */
const MARKER = /<(?:image|img)(?:[ _-]?\d{1,3})?>/gi;

/** Roles of which one column is right: read from one here and from another there, what is asked would be two things. */
const SINGLE: readonly Role[] = ["question", "image", "answer"];

/** What a test set's columns came to. */
export interface CensusFindings {
  /** How each role was read, for people. */
  readonly read: readonly string[];
  /** What lies in it and is not asked, so that a score would be that of other questions; empty where all is well. */
  readonly missed: readonly string[];
  /** What is told and changes nothing. */
  readonly noted: readonly string[];
}

/** Counts what the rows of a test set have, and what of it is read. */
export class Census {
  readonly #unit: string;
  readonly #map: ColumnMap;
  readonly #read = new Map<Role, Map<string, Seen>>();
  readonly #missed = new Map<string, Seen & { readonly why: string }>();
  readonly #others = new Set<string>();
  readonly #markers = new Map<string, Seen>();
  #pictures = 0;

  /** @param unit what a row is called to its author */
  constructor(unit: string, map: ColumnMap) {
    this.#unit = unit;
    this.#map = map;
  }

  /** Counts a row that was read as that question. */
  see(members: Members, question: ReadQuestion): void {
    const { columns, pictures, messages, row } = question;
    const names = new Set<string>();
    for (const [role, { called, names: own }] of columns) {
      const known = this.#read.get(role) ?? new Map<string, Seen>();
      count(known, called, row);
      this.#read.set(role, known);
      for (const name of own) names.add(name);
    }
    for (const [name, value] of Object.entries(members)) {
      const isThere = value !== null && value !== undefined && value !== "";
      if (isThere && !names.has(name)) this.#seeUnread(name, value, columns, row);
    }
    this.#pictures += pictures.length;
    const markers = new Set(messages.flatMap(({ content }) => content.match(MARKER) ?? []));
    for (const marker of markers) {
      const number = Number(/\d+/.exec(marker)?.[0] ?? pictures.length);
      if (number >= 1 && number <= pictures.length) count(this.#markers, marker, row);
      else this.#miss(marker, "a text is asked as it stands, and the row has no such picture", row);
    }
  }

  #seeUnread(name: string, value: unknown, read: ReadQuestion["columns"], row: number): void {
    const role = knownRole(name) ?? roleLike(name, value);
    const instead = role === undefined ? undefined : read.get(role);
    // Whoever says which columns to read has seen the others.
    const isSettled = role === undefined || this.#map[role] !== undefined;
    const isOther =
      instead !== undefined &&
      !SEVERAL.has(role ?? "id") &&
      (role !== "image" || SAME_PICTURE.test(name) || instead.called === "decoded_image");
    if (role === undefined || isSettled || isOther) this.#others.add(name);
    else
      this.#miss(
        JSON.stringify(name),
        instead === undefined
          ? `looks like ${role}, and is not read: --map ${role}=${name} reads it`
          : `looks like ${role}, which is read from ${JSON.stringify(instead.called)}: say which with --map ${role}=NAME,…`,
        row,
      );
  }

  #miss(what: string, why: string, row: number): void {
    const seen = this.#missed.get(what);
    if (seen === undefined) this.#missed.set(what, { first: row, rows: 1, why });
    else seen.rows += 1;
  }

  findings(): CensusFindings {
    const mixed = SINGLE.flatMap((role) => {
      const columns = [...(this.#read.get(role) ?? [])];
      const places = columns.map(
        ([called, seen]) => `${JSON.stringify(called)} in ${this.#places(seen)}`,
      );
      return columns.length < 2
        ? []
        : [`${role} is read from ${places.join(" and from ")}: say which with --map ${role}=NAME`];
    });
    const missed = [...this.#missed].map(
      ([what, seen]) => `${what} in ${this.#places(seen)}: ${seen.why}`,
    );
    const without = this.#pictures === 0 ? [`no ${this.#unit} has a picture`] : [];
    const read = [...this.#read].map(
      ([role, columns]) =>
        `${role} from ${[...columns.keys()].map((one) => JSON.stringify(one)).join(", ")}`,
    );
    const markers = [...this.#markers].map(
      ([marker, seen]) =>
        `${marker} in ${this.#places(seen)}: the picture is sent before the text, which is asked as it stands`,
    );
    const others =
      this.#others.size === 0 ? [] : [`columns that are not read: ${[...this.#others].join(", ")}`];
    return { read, missed: [...mixed, ...missed, ...without], noted: [...markers, ...others] };
  }

  #places({ first, rows }: Seen): string {
    return rows === 1
      ? `${this.#unit} ${first}`
      : `${rows} ${this.#unit}s, the first ${this.#unit} ${first}`;
  }
}

function count(seen: Map<string, Seen>, what: string, row: number): void {
  const known = seen.get(what);
  if (known === undefined) seen.set(what, { first: row, rows: 1 });
  else known.rows += 1;
}

function roleLike(name: string, value: unknown): Role | undefined {
  const isPicture =
    typeof value === "string" &&
    /^data:image\/|\.(?:png|jpe?g|webp|gif|avif|bmp|tiff?)$/i.test(value);
  return BELONGS.find(([pattern]) => pattern.test(name))?.[1] ?? (isPicture ? "image" : undefined);
}
