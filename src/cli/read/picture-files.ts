import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { type CommandIo, UsageError } from "../command.ts";

/** A picture by the name that its row has. */
export interface PictureFile {
  /** As it was given; of a folder's, with the folder in front. */
  readonly name: string;
  /** Absent: the service fetches it from its name, an address. */
  readonly file?: string;
}

const PICTURE = /\.(?:jpe?g|png|webp|gif|avif)$/i;

/** Finds pictures: files, addresses, and all pictures below folders, by name. The same one is read once. */
export async function findPictures(
  named: readonly string[],
  { cwd }: Pick<CommandIo, "cwd">,
): Promise<readonly PictureFile[]> {
  const found = new Map<string, PictureFile>();
  for (const name of named) {
    const own = /^https?:\/\//i.test(name)
      ? [{ name }]
      : await below(name, path.resolve(cwd, name));
    for (const picture of own) found.set(picture.name, picture);
  }
  return [...found.values()];
}

async function below(name: string, file: string): Promise<readonly PictureFile[]> {
  const isFolder = await isDirectory(name, file);
  if (!isFolder) return [{ name, file }];
  const entries = await readdir(file, { recursive: true, withFileTypes: true });
  const pictures = entries
    .filter((entry) => entry.isFile() && PICTURE.test(entry.name))
    .map((entry) => path.relative(file, path.join(entry.parentPath, entry.name)))
    .toSorted((a, b) => (a < b ? -1 : 1));
  if (pictures.length === 0)
    throw new UsageError(`there is no picture in ${name}: JPEG, PNG, WebP, GIF and AVIF are read`);
  return pictures.map((inner) => ({
    name: path.posix.join(name, ...inner.split(path.sep)),
    file: path.join(file, inner),
  }));
}

async function isDirectory(name: string, file: string): Promise<boolean> {
  try {
    return (await stat(file)).isDirectory();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOENT" && code !== "EACCES" && code !== "ENOTDIR") throw cause;
    throw new UsageError(`the picture ${name} cannot be read (${code})`, { cause });
  }
}
