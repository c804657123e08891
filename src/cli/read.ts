import { createClient } from "#client/client.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { CONNECTION_HELP, type Connection, explain, findConnection } from "./connection.ts";
import { FIELD_HELP, readFieldWords } from "./read/field-words.ts";
import { findPictures, type PictureFile } from "./read/picture-files.ts";
import { pictureProgress } from "./read/progress.ts";
import { type Asked, quotePictures, readPictures } from "./read/read-pictures.ts";
import { openSink, type RowSink } from "./read/row-sink.ts";
import { type ReadFormat, type ReadRow, readFormats } from "./read/rows.ts";
import { printable } from "./terminal/printable.ts";
import { dollars } from "./terminal/table.ts";

const MAX_AT_ONCE = 32;

/** Positions of the longest canvas: more passes write nothing. */
const MAX_PASSES = 512;

export const READ_HELP: string = `Reads values off pictures: each with how likely it is, of one picture, of several, or of a folder.

Usage: unmask read PICTURE|FOLDER … --field FIELD … | --fields FILE.json [option …]

  unmask read photo.jpg --field "dog:boolean: Is there a dog?" --field "kind:choice?=cat,dog: What is it?"
  unmask read photo.jpg --fields fields.json --format json
  unmask read returns/ --fields fields.json --out returns.csv --quote
  unmask read returns/ --fields fields.json --out returns.csv        goes on where it was stopped

${FIELD_HELP}

fields.json has them as POST /v1/answers takes them, which knows lists and descriptions too:
  {"kind": {"type": "choice", "instructions": "What is it?", "criteria": {"cat": null, "dog": "any breed"}, "none": true}}

Options:
  --question TEXT
                what you say about every picture: "A photo from a returns desk."
  --abstain-below P
                a guess that is less likely is no value, 0 to 1 (0)
  --passes N    the most passes that write open fields
  --model NAME  which model (the one that is served)
  --quote       say what all of it will cost, and read nothing
  --format F    ${readFormats.join(", ")}: for people; one object, or a list of several pictures; one object a line; columns
                of values and their probabilities (by the name of --out; else table at a terminal, jsonl in a pipe)
  --out FILE    write there. Of jsonl and csv: picture by picture, and what FILE has already is not read again
  --at-once N   pictures that are read at one time, 1 to ${MAX_AT_ONCE} (4)
${CONNECTION_HELP}

A picture is a file, or an https address that the service fetches it from. Of a folder all pictures below it are read.
A picture that is not taken is told and left out; the others are read all the same.

Exit codes: 0 all read · 1 refused, or some pictures were · 64 wrong usage · 69 not there or not ready, try again · 130 stopped
`;

/** The command `read`: see its help. */
export async function read(args: readonly string[], io: CommandIo): Promise<number> {
  const wanted = await readArguments(args, io);
  const { connection, pictures, asked } = wanted;
  const names = Object.keys(asked.fields);
  const client = createClient(connection);
  try {
    await using sink = await openSink({ ...wanted, isSingle: pictures.length === 1 }, names, io);
    const left = pictures.filter(({ name }) => !sink.has.has(name));
    const known = pictures.length - left.length;
    if (known > 0) io.stderr.write(`${known} of ${pictures.length} are there already.\n`);
    if (wanted.isQuote) {
      const { micros, forwardPasses } = await quotePictures(client, left, asked, io.signal);
      io.stdout.write(
        `${left.length} ${left.length === 1 ? "picture" : "pictures"}, at most ${forwardPasses} ${forwardPasses === 1 ? "pass" : "passes"} each: ${dollars(micros)}\n`,
      );
      return EXIT.done;
    }
    return await readAll(
      readPictures(client, left, asked, wanted.atOnce, io.signal),
      left,
      sink,
      io,
    );
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
}

async function readAll(
  outcomes: ReturnType<typeof readPictures>,
  left: readonly PictureFile[],
  sink: RowSink,
  io: CommandIo,
): Promise<number> {
  const progress = pictureProgress(left.length, io);
  const rows: ReadRow[] = [];
  let refused = 0;
  let isWhole = false;
  try {
    for await (const outcome of outcomes) {
      progress.count();
      if (outcome.kind === "read") {
        rows.push(outcome.row);
        await sink.write(outcome.row);
        continue;
      }
      refused += 1;
      progress.end();
      const { picture, why } = outcome;
      io.stderr.write(`${printable(picture)}: ${why.problem.detail} [${why.code}]\n`);
    }
    isWhole = true;
  } finally {
    progress.end();
    await sink.end(rows);
    const charged = rows.reduce((sum, { charged_micros }) => sum + charged_micros, 0);
    if (left.length > 1 || !isWhole) {
      const rest = isWhole || !sink.goesOn ? "" : "; the same command goes on from here";
      io.stderr.write(
        `${rows.length} of ${left.length} read, ${dollars(charged)} charged${rest}.\n`,
      );
    }
  }
  return refused === 0 ? EXIT.done : EXIT.failed;
}

interface ReadArguments {
  readonly connection: Connection;
  readonly pictures: readonly PictureFile[];
  readonly asked: Asked;
  readonly format: ReadFormat;
  readonly out: string | undefined;
  readonly isQuote: boolean;
  readonly atOnce: number;
}

async function readArguments(args: readonly string[], io: CommandIo): Promise<ReadArguments> {
  const { values, positionals } = parse(args);
  if (positionals.length === 0)
    throw new UsageError("say which pictures: unmask read photo.jpg --field damaged:boolean");
  const { question, model, passes } = values;
  const below = values["abstain-below"];
  const asked: Asked = {
    fields: await readFieldWords(values.fields, values.field, io),
    ...(question === undefined ? {} : { question }),
    ...(model === undefined ? {} : { model }),
    ...(below === undefined ? {} : { abstain_below: share("--abstain-below", below) }),
    ...(passes === undefined ? {} : { passes: whole("--passes", passes, MAX_PASSES) }),
  };
  const format = formatOf(values.format, values.out, io);
  const atOnce = whole("--at-once", values["at-once"], MAX_AT_ONCE);
  const pictures = await findPictures(positionals, io);
  const connection = findConnection(values, io);
  if (connection.apiKey === undefined)
    throw new UsageError(
      `there is no key for ${connection.baseUrl}: give --key or UNMASK_KEY, or run "npm start" first`,
    );
  const { out, quote: isQuote } = values;
  return { connection, pictures, asked, format, out, isQuote, atOnce };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  return parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      field: { type: "string", multiple: true, default: [] },
      fields: text,
      question: text,
      "abstain-below": text,
      passes: text,
      model: text,
      quote: { type: "boolean", default: false },
      format: text,
      out: text,
      "at-once": { type: "string", default: "4" },
      url: text,
      key: text,
    },
  });
}

function formatOf(
  named: string | undefined,
  out: string | undefined,
  { isTTY }: Pick<CommandIo, "isTTY">,
): ReadFormat {
  const found = readFormats.find((format) => format === named);
  if (named !== undefined && found === undefined)
    throw new UsageError(`--format is one of ${readFormats.join(", ")}`);
  const ending = out?.split(".").at(-1)?.toLowerCase();
  const usual =
    out === undefined ? (isTTY ? "table" : "jsonl") : ending === "csv" ? "csv" : "jsonl";
  const format = found ?? usual;
  if (out !== undefined && format !== "jsonl" && format !== "csv")
    throw new UsageError(
      `--out is written as jsonl or csv; for ${format} send the output there: > ${out}`,
    );
  return format;
}

function whole(option: string, text: string, most: number): number {
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new UsageError(`${option} takes a whole number from 1 to ${most}`);
}

function share(option: string, text: string): number {
  const value = /^[0-9](?:\.[0-9]{1,15})?$/.test(text) ? Number(text) : 2;
  if (value <= 1) return value;
  throw new UsageError(`${option} takes a number from 0 to 1`);
}
