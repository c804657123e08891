import { execFileSync } from "node:child_process";
import type { DocsPage } from "../../infra/site/docs/page.ts";
import type { Description } from "../../infra/site/docs/reference/description.ts";

/** The documentation as it is built, with scripts and styles that are not. */
export interface BuiltDocs {
  readonly pages: readonly DocsPage[];
  readonly description: Description;
  /** Texts by path. */
  readonly files: ReadonlyMap<string, string>;
}

/** Far more than it has. */
const MAX_BYTES = 2 ** 27;

/** Builds the documentation in a process of its own. */
export function builtDocs(): BuiltDocs {
  const printed = execFileSync(process.execPath, ["test/site/print-docs.ts"], {
    encoding: "utf8",
    maxBuffer: MAX_BYTES,
  });
  const { pages, description, files } = JSON.parse(printed) as Omit<BuiltDocs, "files"> & {
    readonly files: readonly (readonly [string, string])[];
  };
  return { pages, description, files: new Map(files) };
}
