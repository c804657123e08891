import { statSync } from "node:fs";
import path from "node:path";
import { DEFAULT_HUB } from "#weights/remote/hub.ts";
import { UsageError } from "../command.ts";

/** Where a model comes from, as one can write it on a command line. */
export type ModelSource =
  /** A repository of a model hub; `revision` is a branch, tag or commit. */
  | { readonly kind: "hub"; readonly id: string; readonly revision: string }
  /** A folder on this machine: a checkpoint of Hugging Face's form, or a bundle. */
  | { readonly kind: "folder"; readonly path: string }
  /** An address whose files lie directly below it. */
  | { readonly kind: "web"; readonly url: string }
  /** `s3://bucket[/prefix]`: a checkpoint or a bundle. */
  | { readonly kind: "bucket"; readonly address: string };

/** What a repository's state is called where nobody names one. */
export const DEFAULT_REVISION = "main";

/** What one can write, for help texts and complaints. */
export const SOURCE_FORMS =
  "a hub id (org/name or org/name@revision), a folder, an https:// or s3:// address";

/** Longest revision: branches are Git's own, and a file name of 255 bytes there. */
const MAX_REVISION_LENGTH = 255;

/** Source: huggingface_hub, `validate_repo_id`: up to 96 characters, letters, digits, `-`, `_`, `.`, none of the last two in a row. */
const REPOSITORY_PART = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;

/**
 * Reads a model's source. A folder that exists is one, whatever else its name could mean; what looks like a path and does not
 * exist is a mistake and never looked for on a hub. Addresses of the hub's own pages (`https://huggingface.co/org/name`) mean
 * the repository. Throws UsageError that says what to write instead.
 */
export function readSource(
  text: string,
  { cwd, endpoint = DEFAULT_HUB }: { readonly cwd: string; readonly endpoint?: string },
): ModelSource {
  if (text.trim() === "") throw new UsageError(`name a model: ${SOURCE_FORMS}`);
  if (text.startsWith("s3://")) return bucket(text);
  if (/^https?:\/\//i.test(text)) return address(text, endpoint);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme !== undefined)
    throw new UsageError(`${scheme}:// is not read from: give ${SOURCE_FORMS}`);
  const file = path.resolve(cwd, text);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) return { kind: "folder", path: file };
  if (found !== undefined)
    throw new UsageError(`${text} is a file: give the folder that it lies in`);
  return repository(text) ?? unknown(text, file);
}

function bucket(text: string): ModelSource {
  const trimmed = text.replace(/\/+$/, "");
  if (trimmed.length <= "s3://".length || trimmed.startsWith("s3:///"))
    throw new UsageError(`${text} names no bucket: write s3://bucket/prefix`);
  return { kind: "bucket", address: trimmed };
}

function address(text: string, endpoint: string): ModelSource {
  if (!URL.canParse(text)) throw new UsageError(`${text} is no address`);
  const url = new URL(text);
  // What is asked for is shown and kept: secrets have no place in it.
  if (url.username !== "" || url.password !== "")
    throw new UsageError(`${url.host}: an address with a user or password in it is not taken`);
  if (url.search !== "" || url.hash !== "")
    throw new UsageError(
      `${url.origin}${url.pathname}: an address is that of a folder, without ? and # behind it`,
    );
  const trimmed = text.replace(/\/+$/, "");
  return onHub(trimmed, endpoint) ?? { kind: "web", url: trimmed };
}

/** A page of the hub, or the folder of files behind it. */
function onHub(url: string, endpoint: string): ModelSource | undefined {
  if (!url.startsWith(`${endpoint}/`)) return undefined;
  const [org = "", name = "", verb, ...revision] = url.slice(endpoint.length + 1).split("/");
  const isPage = verb === undefined || (verb === "tree" && revision.length > 0);
  const isFiles = verb === "resolve" && revision.length > 0;
  if (!isPage && !isFiles) return undefined;
  return repository(
    `${org}/${name}${revision.length === 0 ? "" : `@${revision.map(decodeURIComponent).join("/")}`}`,
  );
}

function repository(text: string): ModelSource | undefined {
  const at = text.indexOf("@");
  const id = at < 0 ? text : text.slice(0, at);
  const parts = id.split("/");
  if (parts.length !== 2 || !parts.every((part) => REPOSITORY_PART.test(part))) return undefined;
  if (at < 0) return { kind: "hub", id, revision: DEFAULT_REVISION };
  const revision = text.slice(at + 1);
  const isRevision =
    revision.length <= MAX_REVISION_LENGTH &&
    /^[\w.+-]+(?:\/[\w.+-]+)*$/.test(revision) &&
    !revision.includes("..");
  if (!isRevision)
    throw new UsageError(
      `"${revision}" is no revision: write ${id}@ and a branch, a tag or a commit`,
    );
  return { kind: "hub", id, revision };
}

function unknown(text: string, file: string): never {
  const looksLikePath = /^[./~]|[\\]|^[A-Za-z]:|\/.*\//.test(text);
  throw new UsageError(
    looksLikePath
      ? `there is no folder ${file}`
      : `"${text}" is no model's source: there is no such folder here, and a hub id is written org/name`,
  );
}

/** Says where a source is, as one would write it. */
export function sourceText(source: ModelSource): string {
  switch (source.kind) {
    case "hub":
      return `${source.id}@${source.revision}`;
    case "folder":
      return source.path;
    case "web":
      return source.url;
    case "bucket":
      return source.address;
    default:
      return source satisfies never;
  }
}

/** What a model is called where nobody names it: the repository or folder in small letters, GSAI-ML/LLaDA-V → llada-v. */
export function defaultName(source: ModelSource): string {
  const last =
    source.kind === "hub" ? source.id : sourceText(source).replace(/\/(?:resolve|tree)\/.*$/, "");
  const name = (last.split(/[\\/]/).at(-1) ?? "")
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 64);
  return name === "" ? "model" : name;
}
