import { rm } from "node:fs/promises";
import path from "node:path";
import { type Command, type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { CONNECTION_HELP, explain, findConnection } from "./connection.ts";
import { takeLock } from "./models/lock.ts";
import {
  bytesUnder,
  type KeptModel,
  keptModels,
  lockFile,
  modelsFolder,
  RECORD_FILE,
} from "./models/model-folders.ts";
import { formText } from "./models/needs.ts";
import { printServed } from "./models/served.ts";
import { table } from "./terminal/table.ts";

/** Help text of `unmask models`. */
export const MODELS_HELP: string = `Shows what the models of a service know; shows and removes the models that were converted on this machine.

Usage: unmask models served [option …]
       unmask models list
       unmask models remove FOLDER …

  FOLDER      the first column of the list; what is being made at the moment is not removed

Options of served:
${CONNECTION_HELP}

Converted models lie in UNMASK_MODELS; otherwise in the user's cache folder (~/.cache/unmask/models).

Exit codes: 0 done · 1 there is no such model, or it is in use · 64 wrong usage · 69 not there, try again
`;

/** The command `models`: see its help. */
export const models: Command = async (args, io) => {
  const { values, positionals } = parse(args);
  const [action, ...names] = positionals;
  if (action === "served" && names.length === 0) return await served(values, io);
  if (values.url !== undefined || values.key !== undefined)
    throw new UsageError("--url and --key are options of served");
  const folder = modelsFolder(io);
  if (action === "list" && names.length === 0) {
    await list(folder, io);
    return EXIT.done;
  }
  if (action !== "remove" || names.length === 0)
    throw new UsageError("say served, list or remove FOLDER …");
  const kept = await keptModels(folder);
  let code: number = EXIT.done;
  for (const name of names) {
    const model = kept.find((one) => path.basename(one.folder) === name);
    if (model === undefined || !(await remove(model))) {
      const why = model === undefined ? `is not in ${folder}` : "is being made just now";
      io.stderr.write(`${name} ${why}\n`);
      code = EXIT.failed;
    }
  }
  return code;
};

function parse(args: readonly string[]) {
  const options = { url: { type: "string" }, key: { type: "string" } } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}

async function served(
  values: { readonly url?: string | undefined; readonly key?: string | undefined },
  io: CommandIo,
): Promise<number> {
  try {
    await printServed(findConnection(values, io), io);
    return EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
}

async function list(folder: string, io: CommandIo): Promise<void> {
  const rows = await Promise.all(
    (await keptModels(folder)).map(async ({ folder: at, record }) => [
      path.basename(at),
      record?.name ?? "",
      record === undefined ? "unfinished" : formText(record.form),
      `${((await bytesUnder(at)) / 1e9).toFixed(2)}`,
      record?.finishedAt.slice(0, 10) ?? "",
      record?.source ?? "",
    ]),
  );
  io.stdout.write(table(["FOLDER", "MODEL", "FORM", "GB", "MADE", "FROM"], rows));
}

/** Removes a model with its lock; false where somebody makes it at the moment. */
async function remove({ folder }: KeptModel): Promise<boolean> {
  const file = await lockFile(folder);
  const lock = takeLock(file, 0);
  if (lock === undefined) return false;
  try {
    // The record goes first: what is half removed is unfinished.
    await rm(path.join(folder, RECORD_FILE), { force: true });
    await rm(folder, { recursive: true });
    return true;
  } finally {
    lock.close();
  }
}
