import path from "node:path";
import type { DocsPage } from "./page.ts";

/** Where the files of documents are served: pictures that they show. */
export const FILES_ADDRESS = "/docs/files";

/** What a link of a document leads to. */
export type Target =
  | { readonly kind: "page"; readonly page: DocsPage; readonly fragment: string }
  /** A file beside the documents that is served as it is. */
  | { readonly kind: "file"; readonly file: string }
  /** Elsewhere, or a part of the site that is no documentation. */
  | { readonly kind: "address"; readonly href: string }
  /** Source code, which is in the repository and not on the site. */
  | { readonly kind: "source"; readonly file: string };

/** Finds where links of documents lead, by the pages that there are. */
export class Links {
  readonly #bySource: ReadonlyMap<string, DocsPage>;
  readonly #byPath: ReadonlyMap<string, DocsPage>;

  constructor(pages: readonly DocsPage[]) {
    this.#byPath = new Map(pages.map((page) => [page.path, page]));
    this.#bySource = new Map(
      pages.flatMap((page) => (page.source === undefined ? [] : [[page.source, page]])),
    );
  }

  /** Throws an Error that names the page and the link where it leads to no page of the documentation. */
  target(from: DocsPage, href: string): Target {
    if (/^[a-z][a-z0-9+.-]*:/.test(href)) return { kind: "address", href };
    const [bare = "", name] = href.split("#");
    const fragment = name === undefined ? "" : `#${name}`;
    if (bare === "") return { kind: "page", page: from, fragment };
    if (bare.startsWith("/")) return this.#ofSite(from, bare, fragment);
    const file = path.posix.join(path.posix.dirname(from.source ?? ""), bare).replace(/\/$/, "");
    const page = this.#bySource.get(file);
    if (page !== undefined) return { kind: "page", page, fragment };
    return /\.(?:svg|png|jpe?g|webp)$/.test(file)
      ? { kind: "file", file }
      : { kind: "source", file };
  }

  #ofSite(from: DocsPage, address: string, fragment: string): Target {
    const page = this.#byPath.get(address);
    if (page !== undefined) return { kind: "page", page, fragment };
    if (/^\/docs(?:\/|$)/.test(address))
      throw new Error(`${from.path} links to ${address}, which is no page of the documentation`);
    return { kind: "address", href: address + fragment };
  }

  /** The page of an operation or of an error code, where a text names one in code. */
  named(code: string): DocsPage | undefined {
    return this.#byPath.get(`/docs/errors/${code}`);
  }
}

/** Where a document's file is served. */
export function fileAddress(file: string): string {
  return `${FILES_ADDRESS}/${file.replace(/^infra\//, "")}`;
}
