import { isBundleName } from "#weights/manifest.ts";
import type { ObjectStore } from "#weights/object-store.ts";
import { DEFAULT_RETRY_POLICY, firstContact, type RetryOptions } from "#weights/retries.ts";
import { findObject } from "#weights/transfer.ts";
import { UsageError } from "../command.ts";

/** A bundle, where it lies. */
export interface BundlePlace {
  /** Address of the folder that holds `models/` and `blobs/`. */
  readonly root: string;
  readonly name: string;
  /** Absent: the one that `latest.json` names. */
  readonly version?: string;
}

/**
 * Finds the bundle that an address means: the folder that holds `models/` and `blobs/` where it has one model, a model's folder
 * in it (`…/models/NAME`), or a version's (`…/models/NAME/VERSION`). Undefined where there is none; a checkpoint's folder is none,
 * whatever else lies in it. Throws UsageError where several models could be meant.
 */
export async function findBundle(
  address: string,
  open: (address: string) => ObjectStore,
  signal: AbortSignal,
): Promise<BundlePlace | undefined> {
  const store = open(address);
  const options: RetryOptions = { policy: firstContact(DEFAULT_RETRY_POLICY), signal };
  const has = async (key: string) => (await findObject(store, key, options)) !== undefined;
  if (await has("config.json")) return undefined;
  const inside = /^(.+)\/models\/([^/]+)(?:\/([^/]+))?$/.exec(address);
  if (inside !== null) {
    const [, root = "", name = "", version] = inside;
    const isThere =
      isBundleName(name) && (await has(`${version === undefined ? "latest" : "manifest"}.json`));
    if (isThere) return { root, name, ...(version === undefined ? {} : { version }) };
  }
  const names: string[] = [];
  for await (const key of store.list("models/", signal)) {
    const name = /^models\/([^/]+)\/latest\.json$/.exec(key)?.[1];
    if (name !== undefined) names.push(name);
  }
  const [name, ...others] = names;
  if (name === undefined) return undefined;
  if (others.length === 0) return { root: address, name };
  throw new UsageError(
    `${address} has several models: name one of ${names.map((one) => `${address}/models/${one}`).join(", ")}`,
  );
}
