import { choiceLetter, METRICS, type Metric, pickedChoice } from "../scoring/metrics.ts";
import { type NamedPicture, type PicturePlaces, picturesOf } from "./pictures.ts";
import { type ColumnMap, type ReadColumns, type Role, recognise } from "./recognise.ts";
import { type Members, RowFault, type TestMessage, type TestQuestion } from "./test-question.ts";
import { choicesOf, conversationOf, textsOf } from "./values.ts";

/** How the rows of a test set are read. */
export interface ReadOptions {
  readonly places: PicturePlaces;
  readonly map: ColumnMap;
  /** Of rows that name none and have no choices. */
  readonly metric: Metric;
  /** What is written behind every question, as a benchmark's protocol has it; empty for nothing. */
  readonly suffix: string;
  /** What is written behind a question with choices instead of `suffix`. */
  readonly choiceSuffix: string;
  readonly isText: boolean;
}

/** A question whose pictures may still lie elsewhere. */
export interface ReadQuestion extends Omit<TestQuestion, "pictures"> {
  readonly pictures: readonly NamedPicture[];
  readonly columns: ReadonlyMap<Role, ReadColumns>;
}

/** As many as there are letters to pick by. */
const MAX_CHOICES = 26;

/** Source: LLaVA 1.5, arXiv:2310.03744, table 8, the form in which models of this family are trained. */
export const CHOICE_SUFFIX = "\nAnswer with the option's letter from the given choices directly.";

/** Reads a row. Throws RowFault that says what is wrong with it. */
export function readQuestion(members: Members, row: number, options: ReadOptions): ReadQuestion {
  const { map, places, isText } = options;
  const columns = recognise(members, map);
  const valuesOf = (role: Role): readonly (readonly [name: string, value: unknown])[] =>
    (columns.get(role)?.names ?? []).map((name) => [name, members[name]] as const);
  const choices = readChoices(valuesOf("choices"));
  const pictures = valuesOf("image").flatMap(([name, value]) =>
    picturesOf(value, name, places, isText),
  );
  const { messages, said } = readMessages(members, valuesOf, pictures.length);
  const answers = valuesOf("answer").flatMap(([name, value]) => textsOf(value, name, isText));
  const given = answers.length === 0 && said !== undefined ? [said] : answers;
  if (given.length === 0) throw new RowFault(`"answer" is missing${otherwise("answer", members)}`);
  const metric = metricOf(one("metric", valuesOf), choices, options.metric);
  return {
    id: idOf(valuesOf("id")[0], row),
    row,
    pictures,
    messages: withChoices(messages, choices, options),
    bareMessages: messages,
    expected: metric === "choice" ? given.map((answer) => choiceOf(answer, choices)) : given,
    choices,
    metric,
    family: one("family", valuesOf) ?? "all",
    columns,
    ...counted("canvas", valuesOf),
    ...counted("steps", valuesOf),
  };
}

/** Columns that are named in a sentence; a row may have thousands. */
const MAX_NAMED = 8;

/** How a part may yet be found: among what the row has, where that is not one column that holds all others. */
function otherwise(part: Role, members: Members): string {
  const names = Object.keys(members);
  const [only = ""] = names;
  if (names.length === 1 && /[;,\t|]/.test(only))
    return `: the only column is ${JSON.stringify(only.slice(0, 80))}, so its cells are separated otherwise than by its name's ending (.tsv: tabs, .csv: commas)`;
  const told = names.slice(0, MAX_NAMED).map((name) => JSON.stringify(name.slice(0, 40)));
  const more = names.length > MAX_NAMED ? ", …" : "";
  return names.length === 0
    ? ""
    : `; there are ${told.join(", ")}${more}: --map ${part}=NAME reads it from one of them`;
}

type ValuesOf = (role: Role) => readonly (readonly [name: string, value: unknown])[];

function idOf(named: readonly [string, unknown] | undefined, row: number): string {
  const [name, id = row] = named ?? [];
  if (typeof id === "string" || typeof id === "number" || typeof id === "bigint") return String(id);
  throw new RowFault(`"${name}" must be a text or a number`);
}

/** A text that may be absent. */
function one(role: Role, valuesOf: ValuesOf): string | undefined {
  const [named] = valuesOf(role);
  if (named === undefined) return undefined;
  const [name, value] = named;
  const [text, ...rest] = textsOf(value, name, false);
  if (text === undefined || text.trim() === "" || rest.length > 0)
    throw new RowFault(`"${name}" must be a text`);
  return text;
}

function counted(
  role: "canvas" | "steps",
  valuesOf: ValuesOf,
): { canvas?: number; steps?: number } {
  const [named] = valuesOf(role);
  if (named === undefined) return {};
  const value = typeof named[1] === "string" ? Number(named[1]) : named[1];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1)
    throw new RowFault(`"${named[0]}" must be a whole number from 1`);
  return { [role]: value };
}

/** Choices in one column are a list; in a column each, they are the texts of those that have one. */
function readChoices(found: readonly (readonly [string, unknown])[]): readonly string[] {
  const [first, ...rest] = found;
  if (first === undefined) return [];
  const isLettered =
    rest.length > 0 || /^(?:[A-J]|(?:option|choice)_?(?:[A-Ja-j]|\d))$/.test(first[0]);
  const choices = isLettered
    ? found.flatMap(([name, value]) => textsOf(value, name, false))
    : choicesOf(first[1], first[0]);
  if (choices.length === 1 || choices.length > MAX_CHOICES)
    throw new RowFault(`choices must be 2 to ${MAX_CHOICES} texts`);
  return choices;
}

/** The text of a right choice, named by its text, its letter, or its number from 0 where no choice is called so. */
function choiceOf(answer: string, choices: readonly string[]): string {
  const picked = pickedChoice(answer, choices) ?? (/^\d{1,2}$/.test(answer) ? Number(answer) : -1);
  if (choices[picked] !== undefined)
    return answer === choices[picked] ? answer : choiceLetter(picked);
  throw new RowFault(`the answer ${JSON.stringify(answer.slice(0, 60))} is none of the choices`);
}

function metricOf(name: string | undefined, choices: readonly string[], otherwise: Metric): Metric {
  if (name === undefined) return choices.length > 0 ? "choice" : otherwise;
  const metric = METRICS.find((known) => known === name);
  if (metric === undefined) throw new RowFault(`"metric" is one of ${METRICS.join(", ")}`);
  if (metric === "choice" && choices.length === 0)
    throw new RowFault('metric choice needs "choices"');
  return metric;
}

/** What is asked, and what a conversation's last turn of the model says: LLaVA keeps right answers there. */
function readMessages(
  members: Members,
  valuesOf: ValuesOf,
  pictures: number,
): { readonly messages: readonly TestMessage[]; readonly said: string | undefined } {
  const [named] = valuesOf("messages");
  const question = one("question", valuesOf);
  if (question === undefined && named === undefined)
    throw new RowFault(`"question" is missing${otherwise("question", members)}`);
  if (question !== undefined && named !== undefined)
    throw new RowFault('ask one of "question" and "messages"');
  const hint = one("hint", valuesOf);
  if (named === undefined) {
    const content = [hint, question].filter((text) => text !== undefined).join("\n");
    return { messages: [{ role: "user", content: unmarked(content, pictures) }], said: undefined };
  }
  const turns = conversationOf(named[1], named[0]);
  const last = turns.at(-1);
  const said =
    last?.role === "assistant" && valuesOf("answer").length === 0 ? last.content : undefined;
  const messages = said === undefined ? turns : turns.slice(0, -1);
  if (messages.at(-1)?.role !== "user") throw new RowFault("the last message must be the user's");
  return {
    messages: messages.map(({ role, content }) => ({ role, content: unmarked(content, pictures) })),
    said,
  };
}

/** Takes off a mark of the only picture at either end of a text: that is where the picture goes anyway. */
function unmarked(text: string, pictures: number): string {
  return pictures === 1 ? text.replace(/^\s*<image>\s*|\s*<image>\s*$/, "") : text;
}

/** Lists the choices below the question, unless it lists them itself, and writes what the protocol has behind it. */
function withChoices(
  messages: readonly TestMessage[],
  choices: readonly string[],
  { suffix, choiceSuffix }: ReadOptions,
): readonly TestMessage[] {
  const last = messages.at(-1);
  if (last === undefined) return messages;
  const listsThem = /^\(?A[.):]/m.test(last.content);
  const listed = choices.map((choice, index) => `\n${choiceLetter(index)}. ${choice}`).join("");
  const ending = choices.length > 0 ? (listsThem ? "" : listed + choiceSuffix) : suffix;
  return [...messages.slice(0, -1), { ...last, content: last.content + ending }];
}
