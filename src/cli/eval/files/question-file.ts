import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { readPictureText } from "#client/ask.ts";
import { UsageError } from "../../command.ts";
import { choiceLetter, METRICS, type Metric, pickedChoice } from "../scoring/metrics.ts";

/** One question of a test set, checked. */
export interface TestQuestion {
  /** As the file names it; else the number of its line. */
  readonly id: string;
  /** From 1. */
  readonly lineNumber: number;
  /** The line as it stands: what a stored result belongs to. */
  readonly line: string;
  readonly pictures: readonly TestPicture[];
  /** Ends with the user's. Choices are listed in it. */
  readonly messages: readonly TestMessage[];
  /** At least one. */
  readonly expected: readonly string[];
  readonly choices: readonly string[];
  readonly metric: Metric;
  readonly family: string;
  readonly canvas?: number;
  readonly steps?: number;
}

export type TestPicture =
  /** Absolute. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> };

export interface TestMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A file that is no test set, read into memory. The largest benchmarks have a hundred thousand lines of a kilobyte; pictures lie beside. */
const MAX_FILE_BYTES: number = 256 * 1024 * 1024;

/** Faults that are listed; a file of another format has one in every line. */
const MAX_FAULTS = 10;

/** As many as there are letters to pick by. */
const MAX_CHOICES = 26;

/** Reads a test set. Throws UsageError that names the lines that are wrong: nothing is asked of a file that is not right. */
export async function readQuestionFile(
  file: string,
  defaultMetric: Metric,
): Promise<readonly TestQuestion[]> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`the questions ${file} cannot be read (${cause.code})`, { cause });
  });
  if (bytes.byteLength > MAX_FILE_BYTES)
    throw new UsageError(`${file} has ${bytes.byteLength} bytes; ${MAX_FILE_BYTES} are the most`);
  const questions = parseQuestions(bytes.toString("utf8"), file, defaultMetric);
  await findPictures(questions);
  return questions;
}

/** A picture that is missing is better known now than after an hour of asking. */
async function findPictures(questions: readonly TestQuestion[]): Promise<void> {
  const files = new Set(
    questions.flatMap(({ pictures }) =>
      pictures.flatMap((picture) => (picture.kind === "file" ? [picture.path] : [])),
    ),
  );
  for (const file of files) {
    await access(file).catch((cause: NodeJS.ErrnoException) => {
      throw new UsageError(`the picture ${file} cannot be read (${cause.code})`, { cause });
    });
  }
}

/** Parses a test set; paths in it are relative to `file`. Throws UsageError that names the lines that are wrong. */
export function parseQuestions(
  text: string,
  file: string,
  defaultMetric: Metric,
): readonly TestQuestion[] {
  const questions: TestQuestion[] = [];
  const faults: string[] = [];
  const linesById = new Map<string, number>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const number = index + 1;
    try {
      const question = readLine(line, number, path.dirname(file), defaultMetric);
      const first = linesById.get(question.id);
      if (first !== undefined) throw new LineFault(`id ${question.id} is that of line ${first}`);
      linesById.set(question.id, number);
      questions.push(question);
    } catch (cause) {
      if (!(cause instanceof LineFault)) throw cause;
      faults.push(`  line ${number}: ${cause.message}`);
    }
  }
  if (faults.length > 0) {
    const more = faults.length > MAX_FAULTS ? [`  and ${faults.length - MAX_FAULTS} more`] : [];
    const listed = [...faults.slice(0, MAX_FAULTS), ...more].join("\n");
    throw new UsageError(`${file} is no test set, nothing was asked:\n${listed}`);
  }
  if (questions.length === 0) throw new UsageError(`${file} holds no questions`);
  return questions;
}

/** What is wrong with a line, for its author. */
class LineFault extends Error {
  override readonly name = "LineFault";
}

function readLine(
  line: string,
  number: number,
  folder: string,
  defaultMetric: Metric,
): TestQuestion {
  const fields = parseObject(line);
  const choices = texts(fields, "choices");
  if (choices.length === 1 || choices.length > MAX_CHOICES)
    throw new LineFault(`choices must be 2 to ${MAX_CHOICES} texts`);
  const expected = texts(fields, "answer");
  if (expected.length === 0) throw new LineFault('"answer" is missing');
  const metric = metricOf(fields, choices, defaultMetric);
  const unknown = expected.find((one) => pickedChoice(one, choices) === undefined);
  if (metric === "choice" && unknown !== undefined)
    throw new LineFault(`the answer ${JSON.stringify(unknown)} is none of the choices`);
  const id = fields["id"] ?? number;
  if (typeof id !== "string" && typeof id !== "number")
    throw new LineFault('"id" must be a text or a number');
  return {
    id: String(id),
    lineNumber: number,
    line,
    pictures: texts(fields, "image").map((source) => pictureOf(source, folder)),
    messages: withChoices(messagesOf(fields), choices),
    expected,
    choices,
    metric,
    family: text(fields, "family") ?? "all",
    ...counted(fields, "canvas"),
    ...counted(fields, "steps"),
  };
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new LineFault("is not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new LineFault("is no JSON object");
  return { ...value };
}

/** A text or a list of texts; absent is an empty list. */
function texts(fields: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = fields[name];
  if (value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((one) => typeof one === "string"))
    throw new LineFault(`"${name}" must be a text or a list of texts`);
  return list;
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || (typeof value === "string" && value.trim() !== "")) return value;
  throw new LineFault(`"${name}" must be a text`);
}

function counted(
  fields: Readonly<Record<string, unknown>>,
  name: "canvas" | "steps",
): { canvas?: number; steps?: number } {
  const value = fields[name];
  if (value === undefined) return {};
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1)
    throw new LineFault(`"${name}" must be a whole number from 1`);
  return { [name]: value };
}

function metricOf(
  fields: Readonly<Record<string, unknown>>,
  choices: readonly string[],
  otherwise: Metric,
): Metric {
  const name = text(fields, "metric");
  if (name === undefined) return choices.length > 0 ? "choice" : otherwise;
  const metric = METRICS.find((known) => known === name);
  if (metric === undefined) throw new LineFault(`"metric" is one of ${METRICS.join(", ")}`);
  if (metric === "choice" && choices.length === 0)
    throw new LineFault('metric choice needs "choices"');
  return metric;
}

function messagesOf(fields: Readonly<Record<string, unknown>>): readonly TestMessage[] {
  const question = text(fields, "question");
  const { messages } = fields;
  if ((question === undefined) === (messages === undefined))
    throw new LineFault('ask one of "question" and "messages"');
  if (question !== undefined) return [{ role: "user", content: question }];
  if (!Array.isArray(messages) || !messages.every(isMessage))
    throw new LineFault('"messages" must be a list of {role, content}');
  if (messages.at(-1)?.role !== "user") throw new LineFault("the last message must be the user's");
  return messages.map(({ role, content }) => ({ role, content }));
}

function isMessage(value: unknown): value is TestMessage {
  if (typeof value !== "object" || value === null) return false;
  const { role, content }: { role?: unknown; content?: unknown } = value;
  return (
    typeof content === "string" && (role === "system" || role === "user" || role === "assistant")
  );
}

/**
 * Lists the choices below the question, unless it lists them itself. Source of the last line: LLaVA 1.5, arXiv:2310.03744,
 * table 8, the form in which models of this family are trained.
 */
function withChoices(
  messages: readonly TestMessage[],
  choices: readonly string[],
): readonly TestMessage[] {
  const last = messages.at(-1);
  if (choices.length === 0 || last === undefined || /^\(?A[.):]/m.test(last.content))
    return messages;
  const listed = choices.map((choice, index) => `${choiceLetter(index)}. ${choice}`);
  const lines = [
    last.content,
    ...listed,
    "Answer with the option's letter from the given choices directly.",
  ];
  return [...messages.slice(0, -1), { ...last, content: lines.join("\n") }];
}

function pictureOf(source: string, folder: string): TestPicture {
  // A score must be repeatable, and what lies at an address changes or goes.
  if (/^https?:\/\//i.test(source))
    throw new LineFault(
      `the picture ${source.slice(0, 80)} is an address: save it beside the file`,
    );
  if (!/^\s*data:/i.test(source)) return { kind: "file", path: path.resolve(folder, source) };
  // A test set is the user's own file: how large its pictures may be is for the model to say.
  const read = readPictureText(source, Number.POSITIVE_INFINITY);
  if (!read.ok) throw new LineFault(`the picture ${read.refusal.message}`);
  return { kind: "bytes", bytes: read.value.toBytes() };
}
