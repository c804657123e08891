import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { NamedPicture } from "./pictures.ts";
import type { ReadQuestion } from "./read-question.ts";
import type { TestPicture } from "./test-question.ts";

/**
 * Pictures that several rows of a table show. They wait in a folder for the rows that point to them: a benchmark's pictures are
 * more than the memory has.
 */
export class SharedPictures implements AsyncDisposable {
  readonly #owners: ReadonlySet<string>;
  readonly #kept = new Map<string, readonly TestPicture[]>();
  #folder: string | undefined;

  /** @param owners ids of the rows whose pictures others point to */
  constructor(owners: ReadonlySet<string>) {
    this.#owners = owners;
  }

  /** Whether rows that are not asked may be needed for their pictures. */
  get isNeeded(): boolean {
    return this.#owners.size > 0;
  }

  /** Keeps a row's pictures if others point to them. */
  async keep({ id, pictures }: ReadQuestion): Promise<void> {
    if (!this.#owners.has(id) || this.#kept.has(id)) return;
    this.#folder ??= await mkdtemp(path.join(tmpdir(), "unmask-eval-"));
    const kept: TestPicture[] = [];
    for (const [index, picture] of pictures.entries()) {
      if (picture.kind !== "bytes") {
        kept.push(...this.settled(picture));
        continue;
      }
      const file = path.join(this.#folder, `${this.#kept.size}-${index}`);
      await writeFile(file, picture.bytes);
      kept.push({ kind: "file", path: file });
    }
    this.#kept.set(id, kept);
  }

  /** A picture, or those of the row that it points to. */
  settled(picture: NamedPicture): readonly TestPicture[] {
    switch (picture.kind) {
      case "row":
        return this.#kept.get(picture.id) ?? [];
      case "address":
        return [{ kind: "file", path: picture.path }];
      case "file":
      case "bytes":
        return [picture];
      default:
        throw new TypeError(`no such picture: ${picture satisfies never}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}
