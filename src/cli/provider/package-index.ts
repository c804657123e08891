import { refusalOf } from "#weights/remote/http-store.ts";
import { type HeadersFor, walkOn } from "#weights/remote/redirects.ts";
import { firstContact, type RetryPolicy, withRetries } from "#weights/retries.ts";
import { WeightsError } from "#weights/weights-error.ts";
import type { PinnedWheel } from "./pinned-files.ts";
import { ProviderFault } from "./provider-fault.ts";

/** A package index, and what is sent to its origin alone. */
export interface PackageIndex {
  /** Without user and password. */
  readonly address: URL;
  readonly headersFor: HeadersFor;
}

/** Where a wheel is to be had. */
export interface FoundWheel {
  readonly url: URL;
  /** Its file's name. */
  readonly file: string;
  /** Of the whole file, as the index has it. */
  readonly sha256?: string;
}

/** Threat: an index that never ends. The largest project's page is some megabytes (thousands of files). */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;

/** Both forms of the page. Source: PEP 691, "Version + Format Selection". */
const ACCEPT =
  "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/** Reads an index's address as it is given to pip, user and password included. Throws ProviderFault. */
export function openIndex(text: string): PackageIndex {
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new ProviderFault(
      "the package index is no http or https address",
      "Give it as pip's --index-url, such as https://HOST/simple.",
    );
  }
  const { username, password, origin } = address;
  address.username = "";
  address.password = "";
  if (!address.pathname.endsWith("/")) address.pathname += "/";
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  return {
    address,
    headersFor: (asked) => (username !== "" && asked === origin ? { authorization } : {}),
  };
}

/** Finds a wheel by its project's page. Throws ProviderFault where the index has none, WeightsError where it does not reply. */
export async function findWheel(
  index: PackageIndex,
  wheel: PinnedWheel,
  { signal, policy }: { readonly signal: AbortSignal; readonly policy: RetryPolicy },
): Promise<FoundWheel> {
  const page = new URL(`${wheel.project}/`, index.address);
  const found = await withRetries({ policy: firstContact(policy), signal }, () =>
    readPage(page, index, signal),
  );
  const prefix = `${wheel.project.replaceAll("-", "_")}-${wheel.version}-`;
  const match = found.find(({ file }) => file.startsWith(prefix) && wheel.platform.test(file));
  if (match !== undefined) return match;
  const versions = found.filter(({ file }) => file.endsWith(".whl")).length;
  throw new ProviderFault(
    `${page.href} has no wheel of ${wheel.project} ${wheel.version} for Linux on x64 (${versions} others)`,
    "Name an index that has it (--index), or give the wheel itself (--from).",
  );
}

async function readPage(
  page: URL,
  { headersFor }: PackageIndex,
  signal: AbortSignal,
): Promise<readonly FoundWheel[]> {
  const { url, response } = await walkOn(
    page,
    (origin) => ({ accept: ACCEPT, ...headersFor(origin) }),
    signal,
  );
  if (response.status === 404) {
    await response.body?.cancel();
    throw new ProviderFault(
      `${page.href} is not there: the index does not have the project`,
      "Name an index that has it (--index), or give the wheel itself (--from).",
    );
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw refusalOf(response, `${page.href} answered ${response.status}`);
  }
  const text = await boundedText(response, page);
  const isJson = /json/i.test(response.headers.get("content-type") ?? "");
  return isJson ? wheelsOfJson(text, page, url) : wheelsOfHtml(text, url);
}

async function boundedText(response: Response, page: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > MAX_PAGE_BYTES) throw noPage(page, `is longer than ${MAX_PAGE_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    // fetch tells by a TypeError that a body did not arrive.
    if (!(cause instanceof TypeError)) throw cause;
    throw new WeightsError("store_unavailable", `${page.href} broke off`, { cause });
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What a page is told that no index would send, for instance a sign-in page of what stands between. */
function noPage(page: URL, what: string, options?: ErrorOptions): ProviderFault {
  const advice = "Check that address in a browser, or name another index (--index).";
  return new ProviderFault(`${page.href} ${what}, which is no project's page`, advice, options);
}

/** Source: PEP 691, "Project Detail". Throws ProviderFault where it is no such page. */
function wheelsOfJson(text: string, page: URL, base: URL): readonly FoundWheel[] {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch (cause) {
    throw noPage(page, "says that it is JSON and is none", { cause });
  }
  const files = typeof told === "object" && told !== null && "files" in told ? told.files : null;
  if (!Array.isArray(files)) throw noPage(page, "is JSON without a list of files");
  return files.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { filename, url, hashes } = entry as Readonly<Record<string, unknown>>;
    if (typeof filename !== "string" || typeof url !== "string" || !URL.canParse(url, base.href))
      return [];
    const sha256 = (hashes as { readonly sha256?: unknown } | undefined)?.sha256;
    return [found(filename, new URL(url, base), sha256)];
  });
}

/** Longest attributes of an anchor that are looked at: an address, a hash and which Pythons it is for are 500 characters. */
const MAX_ATTRIBUTES = 4096;

/**
 * Source: PEP 503: anchors whose text is the file's name, and whose fragment its hash. Threat: a page of megabytes that has an
 * expression look at each of its ends for each of its beginnings; these stop at the next tag.
 */
function wheelsOfHtml(text: string, base: URL): readonly FoundWheel[] {
  return [...text.matchAll(/<a\s([^<>]+)>([^<]*)<\/a>/gi)].flatMap(
    ([, attributes = "", file = ""]) => {
      if (attributes.length > MAX_ATTRIBUTES) return [];
      const [, href = ""] = /\bhref\s*=\s*["']([^"']+)["']/i.exec(attributes) ?? [];
      if (href === "") return [];
      const address = href.replaceAll("&amp;", "&");
      if (!URL.canParse(address, base.href)) return [];
      const url = new URL(address, base);
      const [, sha256] = /^#sha256=([0-9a-fA-F]{64})$/.exec(url.hash) ?? [];
      url.hash = "";
      return [found(file.trim(), url, sha256)];
    },
  );
}

function found(file: string, url: URL, sha256: unknown): FoundWheel {
  const isHash = typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256);
  return { file, url, ...(isHash ? { sha256: sha256.toLowerCase() } : {}) };
}
