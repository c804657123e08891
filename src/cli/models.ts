import { rm } from "node:fs/promises";
import path from "node:path";
import { type Command, type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
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
import { table } from "./terminal/table.ts";

/** Help text of `unmask models`. */
export const MODELS_HELP: string = `Shows and removes the models that were converted on this machine.

Usage: unmask models list
       unmask models remove FOLDER …

  FOLDER      the first column of the list; what is being made at the moment is not removed

They lie in UNMASK_MODELS; otherwise in the user's cache folder (~/.cache/unmask/models).

Exit codes: 0 done · 1 there is no such model, or it is in use · 64 wrong usage
`;

/** The command `models`: see its help. */
export const models: Command = async (args, io) => {
  const { positionals } = parseArguments({ args: [...args], allowPositionals: true, options: {} });
  const [action, ...names] = positionals;
  const folder = modelsFolder(io);
  if (action === "list" && names.length === 0) {
    await list(folder, io);
    return EXIT.done;
  }
  if (action !== "remove" || names.length === 0)
    throw new UsageError("say list or remove FOLDER …");
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
