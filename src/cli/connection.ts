import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import type { ClientOptions } from "#client/send.ts";
import { type CommandIo, EXIT, UsageError } from "./command.ts";

/** Where the API is, and the key for it if one is known. */
export interface Connection {
  readonly baseUrl: string;
  readonly apiKey?: string;
}

const DEFAULT_URL = "http://127.0.0.1:8787";

/** Where `npm start` keeps its state (unless UNMASK_STATE says otherwise), seen from the repository's root. */
const LOCAL_STATE = ".unmask";

/** How to reach the service, for the help of every command that does. */
export const CONNECTION_HELP = `  --url URL     where the API is (UNMASK_URL; otherwise the one that npm start brought up)
  --key KEY     API key (UNMASK_KEY; otherwise the local one)`;

/** Finds the service: arguments before environment before what `npm start` left. The local key goes to the local service only. */
export function findConnection(
  given: { readonly url?: string | undefined; readonly key?: string | undefined },
  io: CommandIo,
): Connection {
  const local = readLocal(io);
  const baseUrl = given.url ?? io.env["UNMASK_URL"] ?? local?.url ?? DEFAULT_URL;
  checkAddress(baseUrl);
  const localKey = baseUrl === local?.url ? local.key : undefined;
  const apiKey = given.key ?? io.env["UNMASK_KEY"] ?? localKey;
  return { baseUrl, ...(apiKey === undefined ? {} : { apiKey: cleanKey(apiKey) }) };
}

/** How to reach the administration, for the help of every command that does. */
export const ADMIN_CONNECTION_HELP = `  --url URL     where the API is (UNMASK_URL; otherwise the one that npm start brought up)
  --json        the API's own reply

The administrator's key is read from UNMASK_ADMIN_KEY; otherwise the local one is used.`;

/** Finds the administration. The key comes from the environment, never from an argument that every process list shows. */
export function findAdministration(
  given: { readonly url?: string | undefined },
  io: CommandIo,
): Connection {
  const local = readLocal(io);
  const baseUrl = given.url ?? io.env["UNMASK_URL"] ?? local?.url ?? DEFAULT_URL;
  checkAddress(baseUrl);
  const localKey = baseUrl === local?.url ? local.adminKey : undefined;
  const apiKey = io.env["UNMASK_ADMIN_KEY"] ?? localKey;
  if (apiKey === undefined)
    throw new UsageError(
      `there is no administrator's key for ${baseUrl}: set UNMASK_ADMIN_KEY, or run "npm start" first`,
    );
  return { baseUrl, apiKey: cleanKey(apiKey) };
}

function checkAddress(baseUrl: string): void {
  if (/^https?:\/\//i.test(baseUrl) && URL.canParse(baseUrl)) return;
  throw new UsageError(`${baseUrl} is no address; write it as ${DEFAULT_URL}`);
}

/** A key out of a file often has a line break behind it. What else no header can carry is no key. */
function cleanKey(text: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new UsageError("the key is empty or holds spaces, line breaks or letters that no key has");
}

/** How long a reply that needs no model is waited for: longer than any takes, shorter than a person waits. */
const REPLY_MS = 15_000;

/** A connection for calls that are answered at once: where nobody answers, they end. */
export function briefly(connection: Connection): ClientOptions {
  return { ...connection, timeoutMs: REPLY_MS };
}

function readLocal(
  io: CommandIo,
): { url: string; key: string; adminKey: string | undefined } | undefined {
  const root = io.env["UNMASK_HOME"] ?? path.resolve(import.meta.dirname, "../..");
  const file = path.resolve(root, io.env["UNMASK_STATE"] ?? LOCAL_STATE, "local.json");
  if (!existsSync(file)) return undefined;
  const { url, key, admin_key: adminKey } = parseLocal(readFileSync(file, "utf8"), file);
  if (typeof url !== "string" || typeof key !== "string") return undefined;
  return { url, key, adminKey: typeof adminKey === "string" ? adminKey : undefined };
}

function parseLocal(
  text: string,
  file: string,
): { url?: unknown; key?: unknown; admin_key?: unknown } {
  try {
    const local: unknown = JSON.parse(text);
    if (typeof local === "object" && local !== null) return local;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new UsageError(`${file} is damaged: remove it, and "npm start" writes it anew`);
}

const KEY_ADVICE =
  "Give a key with --key or UNMASK_KEY; npm start leaves one for its own API (behind --empty it opens nothing until its account is restored).";

/** What to do about a wrong administrator's key, for the commands that take no other. */
export const ADMIN_KEY_ADVICE =
  "Set UNMASK_ADMIN_KEY to the administrator's key of this API; npm start leaves its own in .unmask/local.json.";

/**
 * Says what went wrong between us and the service and what to do next; returns the exit code. `keyAdvice`: what about a key
 * that is not taken. Throws on what it does not know.
 */
export function explain(cause: unknown, io: CommandIo, keyAdvice: string = KEY_ADVICE): number {
  if (cause instanceof ConnectionError && cause.isLasting) {
    io.stderr.write(`unmask: ${cause.message}.\nIs --url (UNMASK_URL) the address of the API?\n`);
    return EXIT.failed;
  }
  if (cause instanceof ConnectionError) {
    io.stderr.write(`unmask: ${cause.message}.\nIs it up? "npm start" brings one up here.\n`);
    return EXIT.unavailable;
  }
  if (cause instanceof ReplyError) {
    io.stderr.write(`unmask: ${cause.message}.\nIs --url (UNMASK_URL) the address of the API?\n`);
    return EXIT.unavailable;
  }
  if (!(cause instanceof RefusedError)) throw cause;
  const { problem, retryAfterSeconds } = cause;
  io.stderr.write(`unmask: ${problem.detail} [${problem.code}, ${problem.request_id}]\n`);
  // One alone is what `detail` says.
  if (problem.errors.length > 1)
    for (const { pointer, message } of problem.errors)
      io.stderr.write(`  ${pointer}: ${message}\n`);
  if (problem.code === "unauthenticated") io.stderr.write(`${keyAdvice}\n`);
  if (!problem.retryable) return EXIT.failed;
  const when = retryAfterSeconds === undefined ? "" : ` in ${retryAfterSeconds} s`;
  io.stderr.write(`Nothing was charged; try again${when}.\n`);
  return EXIT.unavailable;
}

/** What a command did. */
export interface Told {
  /** As the API gave it. */
  readonly reply: unknown;
  /** The same for a person. */
  readonly words: string;
  /** What a person should know besides. */
  readonly note?: string;
  /** False: it was done, and what came of it is a "no". Absent: it is good. */
  readonly isGood?: boolean;
}

/** Does what a command is for and tells it, as JSON or in words; what the service refuses is explained. Resolves to the exit code. */
export async function tell(
  deed: () => Promise<Told>,
  isJson: boolean | undefined,
  io: CommandIo,
  keyAdvice?: string,
): Promise<number> {
  try {
    const { reply, words, note, isGood = true } = await deed();
    io.stdout.write(isJson ? `${JSON.stringify(reply)}\n` : words);
    if (note !== undefined && !isJson) io.stderr.write(note);
    return isGood ? EXIT.done : EXIT.failed;
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io, keyAdvice);
  }
}
