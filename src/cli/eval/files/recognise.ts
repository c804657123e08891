import type { Members } from "./test-question.ts";

/** What a column is to a question. */
export type Role =
  | ("id" | "question" | "messages" | "hint" | "image" | "answer" | "choices")
  | ("family" | "metric" | "canvas" | "steps");

export const ROLES: readonly Role[] = [
  ...(["id", "question", "messages", "hint", "image", "answer", "choices"] as const),
  ...(["family", "metric", "canvas", "steps"] as const),
];

/** Which columns the user says to read for a role, in place of the known names. */
export type ColumnMap = Readonly<Partial<Record<Role, readonly string[]>>>;

/** A name, or the names of several columns that are one thing together, and what those are called. */
type KnownName = string | { readonly pattern: RegExp; readonly called: string };

/**
 * Names by which test sets call what is asked, the first that a row has counts. Our own come first, so that nothing that was read
 * as it stands is read otherwise; MathVista's `image` is a path into an archive and its `decoded_image` the picture.
 */
const KNOWN: Readonly<Record<Role, readonly KnownName[]>> = {
  id: ["id", "index", "question_id", "questionId", "pid", "qid", "sample_id", "uid"],
  question: ["question", "text", "query", "problem", "prompt", "instruction"],
  messages: ["messages", "conversations", "conversation"],
  hint: ["hint", "context"],
  image: [
    ...["decoded_image", "image", "images", "image_path", "image_file", "img", "img_path"],
    ...["picture", "imgname", "file_name", "image_bytes", "image_base64"],
    { pattern: /^image_\d{1,2}$/, called: "image_N" },
  ],
  answer: [
    ...["answer", "answers", "label", "labels", "gt_answer", "ground_truth", "gt", "gts"],
    "target",
  ],
  choices: [
    ...["choices", "options", "candidates"],
    { pattern: /^[A-J]$/, called: "A, B, …" },
    { pattern: /^(?:option|choice)_?(?:[A-Ja-j]|\d)$/, called: "option_a, …" },
  ],
  family: [
    ...["family", "category", "subfield", "subject", "task", "question_type", "topic", "type"],
  ],
  metric: ["metric"],
  canvas: ["canvas"],
  steps: ["steps"],
};

/** Where a role is read from in one row. */
export interface ReadColumns {
  /** As people call it: the column's name, or `A, B, …` of several. */
  readonly called: string;
  /** At least one. */
  readonly names: readonly string[];
}

/** Finds where a row has each role; a role that it lacks is absent. */
export function recognise(members: Members, map: ColumnMap): ReadonlyMap<Role, ReadColumns> {
  const found = new Map<Role, ReadColumns>();
  for (const role of ROLES) {
    const mapped = map[role];
    const columns =
      mapped === undefined ? knownColumns(members, KNOWN[role]) : mappedColumns(members, mapped);
    if (columns !== undefined) found.set(role, columns);
  }
  return found;
}

function mappedColumns(members: Members, names: readonly string[]): ReadColumns | undefined {
  const there = names.filter((name) => hasValue(members[name]));
  return there.length === 0 ? undefined : { called: names.join(", "), names: there };
}

function knownColumns(members: Members, known: readonly KnownName[]): ReadColumns | undefined {
  for (const name of known) {
    if (typeof name === "string") {
      if (hasValue(members[name])) return { called: name, names: [name] };
      continue;
    }
    const names = Object.keys(members).filter(
      (member) => name.pattern.test(member) && hasValue(members[member]),
    );
    if (names.length > 0) return { called: name.called, names: names.toSorted(byNumber) };
  }
  return undefined;
}

/** As a column counts: image_2 before image_10. */
const byNumber = new Intl.Collator("en", { numeric: true }).compare;

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** The role that a column of this name would have, if no other column had it. */
export function knownRole(member: string): Role | undefined {
  return ROLES.find((role) =>
    KNOWN[role].some((name) =>
      typeof name === "string" ? name === member : name.pattern.test(member),
    ),
  );
}
