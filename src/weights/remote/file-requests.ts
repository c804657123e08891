import type { ObjectHead } from "../object-store.ts";
import { type HeadersFor, type Hop, walkOn, walkOrigin } from "./redirects.ts";

/** What files are asked for with. */
export interface RequestOptions {
  /** What every request to an origin carries; nothing if absent. */
  readonly headersFor?: HeadersFor;
  /** Looks at each reply of the store's own origin; throws where it is not what it should be. */
  readonly check?: (hop: Hop) => void;
}

/** A reply, and what is known of the file besides. */
export interface Found extends Hop {
  /** What the file's own host said of it, whatever its storage says. Source: `X-Linked-ETag`, `X-Linked-Size` of Hugging Face. */
  readonly linked: Partial<ObjectHead>;
  /** It came from another address than the file's own. */
  readonly isRedirected: boolean;
}

/** An address elsewhere that a file's own host has given out for it. */
export interface Target {
  readonly kind: "target";
  readonly url: URL;
  readonly linked: Partial<ObjectHead>;
}

/** What comes of asking a file's own host: the file, or where it is. */
export type Resolved = { readonly kind: "reply"; readonly found: Found } | Target;

/**
 * A hub sends on to a signed address that expires. Where that one refuses, the hub (or a cache before it) gave out one that is
 * too old: asked again it gives a fresh one. Three times, because an address that is refused when fresh stays refused.
 */
const MAX_RESOLUTIONS = 3;

/** What storages answer to a signature that has expired. Sources: S3 and CloudFront 403, Google 400, Azure 401 or 403. */
const EXPIRED: ReadonlySet<number> = new Set([400, 401, 403, 410]);

/** Ranges count bytes as they lie there. */
const IDENTITY = { "accept-encoding": "identity" };

/** Asks whatever caches stand before a hub to ask it anew. */
const FRESH = { "cache-control": "no-cache" };

export type Headers = Readonly<Record<string, string>>;

/** How the files under one address are asked for. */
export interface Requests {
  /** Asks the file's own host. */
  resolve(key: string, extra: Headers, signal?: AbortSignal): Promise<Resolved>;
  /** Asks wherever the file is, as often as its address turns out to be too old; `first` is what the host has said just now. */
  request(key: string, range: Headers, signal?: AbortSignal, first?: Resolved): Promise<Found>;
}

/** Asks for the files under an address; where the host of it sends on to another address, that one is kept and used until it is refused. */
export function createRequests(
  address: string,
  { headersFor = () => ({}), check = () => undefined }: RequestOptions,
): Requests {
  const targets = new Map<string, Target>();
  const underWay = new Map<string, Promise<Resolved>>();
  const served = new Set<string>();

  const walk = async (key: string, extra: Headers, signal?: AbortSignal): Promise<Resolved> => {
    const start = new URL(`${address}/${key}`);
    let linked: Partial<ObjectHead> = {};
    const headers = { ...IDENTITY, ...headersFor(start.origin), ...extra };
    const { last, leads } = await walkOrigin(start, headers, signal, (hop) => {
      check(hop);
      linked = { ...linkedOf(hop.response), ...linked };
    });
    if (leads !== undefined) {
      const target: Target = { kind: "target", url: leads, linked };
      targets.set(key, target);
      return target;
    }
    targets.delete(key);
    served.add(key);
    const isRedirected = last.url.href !== start.href;
    return { kind: "reply", found: { ...last, linked, isRedirected } };
  };

  /** Readers of one file whose address expires all at once ask for the new one once. */
  const resolve = async (key: string, extra: Headers, signal?: AbortSignal): Promise<Resolved> => {
    if (served.has(key)) return walk(key, extra, signal); // nothing to share: each reply is its asker's own
    const other = await underWay.get(key)?.catch(() => undefined); // told to whoever began it
    if (other?.kind === "target") return other;
    const walking = walk(key, extra, signal);
    underWay.set(key, walking);
    try {
      return await walking;
    } finally {
      if (underWay.get(key) === walking) underWay.delete(key);
    }
  };

  const request: Requests["request"] = async (key, range, signal, first) => {
    let step: Resolved | undefined = first ?? targets.get(key);
    for (let resolutions = first === undefined ? 0 : 1; ; ) {
      if (step === undefined) {
        step = await resolve(key, { ...range, ...(resolutions > 0 ? FRESH : {}) }, signal);
        resolutions += 1;
      }
      const found = step.kind === "reply" ? step.found : await follow(step, range, signal);
      const isStale = found.isRedirected && EXPIRED.has(found.response.status);
      if (!isStale || resolutions >= MAX_RESOLUTIONS) return found;
      await found.response.body?.cancel();
      const known = targets.get(key);
      if (known === step) targets.delete(key);
      step = targets.get(key); // another reader's, newer than the one that was refused
    }
  };

  const follow = async (target: Target, range: Headers, signal?: AbortSignal): Promise<Found> => {
    const headers: HeadersFor = (origin) => ({ ...IDENTITY, ...headersFor(origin), ...range });
    const hop = await walkOn(target.url, headers, signal);
    return { ...hop, linked: target.linked, isRedirected: true };
  };

  return { resolve, request };
}

function linkedOf({ headers }: Response): Partial<ObjectHead> {
  const etag = headers.get("x-linked-etag");
  const size = headers.get("x-linked-size") ?? "";
  return {
    ...(etag === null ? {} : { etag }),
    ...(/^\d{1,15}$/.test(size) ? { bytes: Number(size) } : {}),
  };
}
