import type { TestQuestion } from "./question-file.ts";

/** What is read of a line. */
const READ: ReadonlySet<string> = new Set([
  ...["id", "image", "question", "messages", "answer", "choices"],
  ...["metric", "family", "canvas", "steps"],
]);

/** Names by which published test sets call what belongs to a question, and where it is read from here. */
const BELONGS: readonly (readonly [name: RegExp, instead: string])[] = [
  [
    /^(?:image|img|picture|photo|figure)s?(?:_?(?:\d+|path|file|name|url|bytes|base64|b64|data)s?)*$/i,
    'pictures are read from "image"',
  ],
  [
    /^(?:options?|candidates|alternatives|multiple_choices?|choice_?\w+|[A-J]|option_?\w)$/,
    'choices are read from "choices"',
  ],
  [
    /^(?:hints?|contexts?|passages?|prompts?|instructions?|system|conversations?|query)$/i,
    'what is asked is read from "question" or "messages"',
  ],
  [/^(?:answers|gts?|ground_?truths?|labels?|targets?)$/i, 'right answers are read from "answer"'],
];

/** Places for pictures as other programs write them into texts. */
const MARKER = /<(?:image|img)(?:[ _-]?\d{1,3})?>/gi;

/** What lies in a test set and is not asked, so that a score would be that of other questions. */
export interface Unread {
  /** One line for each thing, ready to print; empty where all is well. */
  readonly missed: readonly string[];
  /** Other members that are not read, such as where a question comes from. */
  readonly others: readonly string[];
}

/** Looks for what belongs to the questions of a test set and is not read. */
export function findUnread(questions: readonly TestQuestion[]): Unread {
  const missed = new Map<string, { readonly why: string; readonly lines: number[] }>();
  const others = new Set<string>();
  const miss = (what: string, why: string, line: number): void => {
    const known = missed.get(what) ?? { why, lines: [] };
    known.lines.push(line);
    missed.set(what, known);
  };
  for (const { lineNumber, line, messages } of questions) {
    const members: Readonly<Record<string, unknown>> = JSON.parse(line);
    for (const [name, value] of Object.entries(members)) {
      if (READ.has(name) || value === null) continue;
      const why = belonging(name, value);
      if (why === undefined) others.add(name);
      else miss(JSON.stringify(name), why, lineNumber);
    }
    const markers = new Set(messages.flatMap(({ content }) => content.match(MARKER) ?? []));
    for (const marker of markers)
      miss(
        marker,
        'a text is asked as it stands; pictures go before it, in the order of "image"',
        lineNumber,
      );
  }
  const without = questions.every(({ pictures }) => pictures.length === 0)
    ? ['no line has a picture in "image"']
    : [];
  return {
    missed: [
      ...[...missed].map(([what, { why, lines }]) => `${what} in ${placesOf(lines)}: ${why}`),
      ...without,
    ],
    others: [...others],
  };
}

function belonging(name: string, value: unknown): string | undefined {
  const known = BELONGS.find(([pattern]) => pattern.test(name))?.[1];
  if (known !== undefined) return known;
  const looksLikePicture =
    typeof value === "string" &&
    /^data:image\/|\.(?:png|jpe?g|webp|gif|avif|bmp|tiff?)$/i.test(value);
  return looksLikePicture ? BELONGS[0]?.[1] : undefined;
}

function placesOf(lines: readonly number[]): string {
  const [first] = lines;
  return lines.length === 1 ? `line ${first}` : `${lines.length} lines, the first line ${first}`;
}
