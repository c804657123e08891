import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Ask } from "#client/ask.ts";
import { type CommandIo, UsageError } from "../command.ts";

/** Fields as the API takes them, by name. It says itself what is wrong inside of one, with a pointer. */
export type AskedFields = NonNullable<Ask["fields"]>;
type AskedField = AskedFields[string];

/** Larger is no list of 64 fields with 255 options each. Threat: a picture that was named by mistake. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** How a field is said in one argument, for the help. */
export const FIELD_HELP = `A field in one argument is NAME:TYPE[=HOW][: INSTRUCTIONS]
  damaged:boolean                           yes or no
  kind:choice=cat,dog                       one of these
  kind:choice?=cat,dog                      or none of them, then the value is null
  state:score=new,used,broken               levels from the lowest to the highest
  count:number=0..20                        whole numbers; price:number=0..99.99 has two decimals
  label:text=12                             a line of at most so many tokens
  taken:date   at:time   when:datetime
  "dog:boolean: Is there a dog?"            what the model is asked, where the name is not enough`;

/** Reads the fields of a file and of arguments, in this order. Throws UsageError that says what to write instead. */
export async function readFieldWords(
  file: string | undefined,
  words: readonly string[],
  io: Pick<CommandIo, "cwd" | "signal">,
): Promise<AskedFields> {
  const fields = new Map(Object.entries(file === undefined ? {} : await readFieldFile(file, io)));
  for (const word of words) {
    const [name, field] = parseFieldWord(word);
    if (fields.has(name)) throw new UsageError(`the field ${name} is there twice`);
    fields.set(name, field);
  }
  if (fields.size === 0)
    throw new UsageError(
      "say what to read: --field damaged:boolean, or --fields FILE.json with the fields as POST /v1/answers takes them",
    );
  return Object.fromEntries(fields);
}

async function readFieldFile(
  file: string,
  { cwd, signal }: Pick<CommandIo, "cwd" | "signal">,
): Promise<AskedFields> {
  const text = await readText(path.resolve(cwd, file), file, signal);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new UsageError(`--fields ${file} is no JSON: ${cause.message}`, { cause });
  }
  // A whole request may be kept as it is sent.
  const fields =
    isObject(body) && isObject(body["fields"]) && !isField(body) ? body["fields"] : body;
  if (!areFields(fields))
    throw new UsageError(
      `--fields ${file} has no fields: write {"damaged": {"type": "boolean"}}, each field an object with its type`,
    );
  return fields;
}

async function readText(resolved: string, file: string, signal: AbortSignal): Promise<string> {
  try {
    const bytes = await readFile(resolved, { signal });
    if (bytes.byteLength <= MAX_FILE_BYTES) return bytes.toString("utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "EACCES") throw cause;
    throw new UsageError(`--fields ${file}: the file cannot be read (${code})`, { cause });
  }
  throw new UsageError(`--fields ${file} is longer than fields can be (${MAX_FILE_BYTES} bytes)`);
}

/** Reads `kind:choice=cat,dog: What is it?`. */
export function parseFieldWord(word: string): readonly [name: string, field: AskedField] {
  const parts = /^([^:=\s]+):([a-z]+)(\?)?(?:=(.*?))?(?::\s+(.*))?$/s.exec(word);
  if (parts === null)
    throw new UsageError(`--field ${word} is no field: write NAME:TYPE, such as damaged:boolean`);
  const [, name = "", type = "", mayBeNone, how, instructions] = parts;
  const asked = instructions === undefined ? {} : { instructions };
  if (mayBeNone !== undefined && type !== "choice")
    throw new UsageError(`--field ${word}: only a choice can be none of these (?)`);
  return [name, { ...fieldOf(word, type, how), ...(mayBeNone && { none: true }), ...asked }];
}

function fieldOf(word: string, type: string, how: string | undefined): AskedField {
  switch (type) {
    case "boolean":
    case "date":
    case "time":
    case "datetime":
      if (how !== undefined) throw new UsageError(`--field ${word}: a ${type} takes no "="`);
      return { type };
    case "choice":
    case "score": {
      const criteria = (how ?? "").split(",").map((option) => option.trim());
      if (criteria.length < 2 && type === "score")
        throw new UsageError(`--field ${word}: write levels, such as state:score=new,used,broken`);
      if (criteria.some((option) => option === ""))
        throw new UsageError(`--field ${word}: write options, such as kind:choice=cat,dog`);
      return { type, criteria };
    }
    case "number":
      return { type, ...rangeOf(word, how) };
    case "text":
      if (how === undefined) return { type };
      if (!/^[1-9][0-9]?$/.test(how))
        throw new UsageError(`--field ${word}: write tokens, such as label:text=12`);
      return { type, max_tokens: Number(how) };
    default:
      throw new UsageError(
        `--field ${word}: ${type} is none of boolean, choice, score, number, date, time, datetime, text; a list needs --fields`,
      );
  }
}

function rangeOf(word: string, how = "") {
  const [, from, to] = /^(-?[0-9]+(?:\.[0-9]+)?)\.\.(-?[0-9]+(?:\.[0-9]+)?)$/.exec(how) ?? [];
  if (from === undefined || to === undefined)
    throw new UsageError(`--field ${word}: write a range, such as count:number=0..20`);
  const decimals = Math.max(...[from, to].map((bound) => bound.split(".")[1]?.length ?? 0));
  return { minimum: Number(from), maximum: Number(to), decimals };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isField(value: unknown): boolean {
  return isObject(value) && typeof value["type"] === "string";
}

function areFields(value: unknown): value is AskedFields {
  const members = isObject(value) ? Object.values(value) : [];
  return members.length > 0 && members.every(isField);
}
