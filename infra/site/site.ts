/** One file of the site. */
export interface SiteFile {
  /** Within the site's folder, with slashes: `docs/index.html`. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** What pages are written with. */
export interface Site {
  /** The address of a bundled script, style or font by the name of its source: `docs.css` → `/assets/docs-AB12CD34.css`. Throws where there is none. */
  asset(name: string): string;
}

/** Where the site lies once it is built; `[assets]` in wrangler.toml names the same. */
export const SITE_FOLDER = "src/playground/dist";
