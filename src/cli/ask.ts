import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Answer, AnswerStream } from "#client/answer-stream.ts";
import type { Ask, Picture } from "#client/ask.ts";
import { createClient } from "#client/client.ts";
import { type AnswerMode, answerModes } from "#domain/modes.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { CONNECTION_HELP, type Connection, explain, findConnection } from "./connection.ts";
import { printable } from "./terminal/printable.ts";
import { dollars } from "./terminal/table.ts";
import { watchCanvas } from "./terminal/watch.ts";

export const ASK_HELP: string = `Asks a question about pictures and prints the answer.

Usage: unmask ask [PICTURE …] QUESTION [option …]

  unmask ask photo.jpg "What is this?"
  unmask ask before.png after.png "What has changed?" --watch
  unmask ask https://example.com/photo.jpg "What is this?"
  unmask ask "Why is the sky blue?"

Options:
  --watch       show the canvas while it is unmasked: ░ masked, brighter is surer
  --canvas N    positions to fill, the most tokens the answer can have (32)
  --steps N     passes over the canvas (as many as the canvas; fewer are faster and rougher)
  --block N     positions per block, a divisor of the canvas (the whole canvas)
  --mode M      exact: every step computes everything; cached: the prompt's part is kept for some steps; fast: so too, and may
                end early (the model's own)
  --refresh N   of mode cached: steps from one computing of the prompt to the next (the model's own)
  --detail D    low: one view of a picture; auto: the model's own policy (auto)
  --temperature T, --seed N
                above 0 the choice is random, drawn from the seed (0)
  --model NAME  which model (the one that is served)
  --deadline-ms N
                tell the canvas as it stands after so long, and charge the steps that ran
  --cache WHOSE private: equal questions of the account share an answer; shared: everybody's; off: nobody's (private)
  --no-store    nothing of question and answer stays once it was told
  --webhook URL who is told the answer besides
  --json        the API's own reply: tokens, confidences, usage
${CONNECTION_HELP}

A picture is a file, or an https address that the service fetches it from.
Ctrl-C cancels the answer and says what it cost.

Exit codes: 0 answered · 1 refused, or cut at its deadline before its first step · 64 wrong usage · 69 not there or not ready, try again · 130 cancelled
`;

/** The command `ask`: see its help. */
export async function ask(args: readonly string[], io: CommandIo): Promise<number> {
  const { question, connection, isWatched, isJson } = await readArguments(args, io);
  const asked = createClient(connection).ask(question);
  const cancel = (): void => void stop(asked);
  io.signal.addEventListener("abort", cancel, { once: true });
  try {
    io.signal.throwIfAborted();
    if (isWatched) await watchCanvas(asked, io);
    const answer = await asked;
    const isEmpty = answer.status === "partial" && answer.usage.steps === 0;
    if (isJson) io.stdout.write(`${JSON.stringify(answer)}\n`);
    else if (!isEmpty) io.stdout.write(`${printable(answer.answer)}\n`);
    // A service of before this command says nothing of them.
    const warnings: Answer["warnings"] | undefined = answer.warnings;
    for (const { message } of warnings ?? []) io.stderr.write(`Note: ${printable(message)}\n`);
    if (!isEmpty) io.stderr.write(relianceNote(answer));
    if (answer.status === "cancelled") io.stderr.write(`Cancelled; ${charge(answer)}.\n`);
    if (isEmpty) {
      const { charged_micros } = answer;
      io.stderr.write(
        `Cut at its deadline before its first step, so there is no answer; ${dollars(charged_micros)} charged. Give it more time.\n`,
      );
      return EXIT.failed;
    }
    if (answer.status === "partial") io.stderr.write(`Cut at its deadline; ${charge(answer)}.\n`);
    return answer.status === "cancelled" ? EXIT.interrupted : EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  } finally {
    io.signal.removeEventListener("abort", cancel);
  }
}

/** Who presses Ctrl-C does not wait longer than this to hear what was charged. */
const CANCEL_MS = 5_000;

/** Cancels, so that the stream ends by telling the charge; gives up where the service does not answer. */
async function stop(asked: AnswerStream): Promise<void> {
  const timer = setTimeout(() => asked.abort(), CANCEL_MS);
  try {
    await asked.cancel();
    await asked;
  } catch (cause) {
    asked.abort(cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Says in one line why an answer is not to be relied on; nothing where it is, or a service of before does not say. */
function relianceNote(answer: Answer): string {
  const { abstention = null, confidence }: Partial<Answer> = answer;
  switch (abstention) {
    case null:
      return "";
    case "out_of_domain":
      return 'Note: the picture is not of what the model knows, so this is a guess; "unmask models served" says what it knows.\n';
    case "unsure":
      return "Note: the model says that it does not know.\n";
    case "low_confidence":
      return `Note: the model is not sure enough to rely on this (${((confidence ?? 0) * 100).toFixed(0)} %).\n`;
    default:
      return abstention satisfies never;
  }
}

function charge({ usage, charged_micros }: Answer): string {
  return `${usage.steps} steps ran, ${dollars(charged_micros)} charged`;
}

interface AskArguments {
  readonly question: Ask;
  readonly connection: Connection;
  readonly isWatched: boolean;
  readonly isJson: boolean;
}

async function readArguments(args: readonly string[], io: CommandIo): Promise<AskArguments> {
  const { values, positionals } = parse(args);
  const question = positionals.at(-1);
  if (question === undefined)
    throw new UsageError('say what to ask, for example: unmask ask photo.jpg "What is this?"');
  if (positionals.length === 1 && /\.(jpe?g|png|webp|gif|avif)$|^https?:\/\/\S+$/i.test(question))
    throw new UsageError(`${question} looks like a picture: say what to ask about it, last`);
  const connection = findConnection(values, io);
  if (connection.apiKey === undefined)
    throw new UsageError(
      `there is no key for ${connection.baseUrl}: give --key or UNMASK_KEY, or run "npm start" first`,
    );
  const images = await Promise.all(positionals.slice(0, -1).map((file) => readPicture(file, io)));
  return {
    question: {
      question,
      images,
      ...named("canvas", whole("--canvas", values.canvas)),
      ...named("steps", whole("--steps", values.steps)),
      ...named("block_length", whole("--block", values.block)),
      ...named("mode", mode(values.mode)),
      ...named("refresh", whole("--refresh", values.refresh)),
      ...named("seed", whole("--seed", values.seed)),
      ...named("temperature", decimal("--temperature", values.temperature)),
      ...named("detail", detail(values.detail)),
      ...named("model", values.model),
      ...named("deadline_ms", whole("--deadline-ms", values["deadline-ms"])),
      ...named("cache", pool(values.cache)),
      ...named("store", values["no-store"] === true ? false : undefined),
      ...named("webhook", values.webhook),
    },
    connection,
    isWatched: values.watch === true,
    isJson: values.json === true,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  return parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      watch: flag,
      json: flag,
      canvas: text,
      steps: text,
      block: text,
      mode: text,
      refresh: text,
      detail: text,
      temperature: text,
      seed: text,
      model: text,
      "deadline-ms": text,
      cache: text,
      "no-store": flag,
      webhook: text,
      url: text,
      key: text,
    },
  });
}

async function readPicture(file: string, io: CommandIo): Promise<Picture> {
  if (/^https?:\/\//i.test(file)) return { url: file };
  try {
    return new Uint8Array(await readFile(path.resolve(io.cwd, file), { signal: io.signal }));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "EACCES") throw cause;
    throw new UsageError(
      `the picture ${file} cannot be read (${code}); pictures come first, the question last`,
      { cause },
    );
  }
}

/** Absent stays absent: what is not given is left to the API's defaults. */
function named<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]?: Value });
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,10}$/.test(text)) throw new UsageError(`${option} takes a whole number`);
  return Number(text);
}

function decimal(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,3}(\.[0-9]{1,15})?$/.test(text)) throw new UsageError(`${option} takes a number`);
  return Number(text);
}

function detail(text: string | undefined): "low" | "auto" | undefined {
  if (text === undefined || text === "low" || text === "auto") return text;
  throw new UsageError("--detail is low or auto");
}

function mode(text: string | undefined): AnswerMode | undefined {
  const found = answerModes.find((name) => name === text);
  if (found === text) return found;
  throw new UsageError(`--mode is one of ${answerModes.join(", ")}`);
}

function pool(text: string | undefined): "private" | "shared" | "off" | undefined {
  if (text === undefined || text === "private" || text === "shared" || text === "off") return text;
  throw new UsageError("--cache is private, shared or off");
}
