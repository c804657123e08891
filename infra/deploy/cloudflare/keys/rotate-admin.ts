import { existsSync } from "node:fs";
import { newAdminKey } from "../../../local/local-key.ts";
import { readState, writeWhole } from "../../../local/state.ts";
import type { Cloud, Version } from "../account/cloud.ts";
import { adminMark, adminMarksIn, withAdminMarks } from "../versions/label.ts";
import type { KeyStore } from "./key-store.ts";
import type { Rotated } from "./rotate-ticket.ts";

/** Where the key that is to come lies until it is the only one. */
const NEXT = "next-admin-key.json";

/**
 * Replaces the administrator's key with overlap. First run: a second key opens as well. Second run, when every program has it: it alone does.
 * The old key need not be known here.
 */
export async function rotateAdmin(
  cloud: Cloud,
  store: KeyStore,
  running: Version,
): Promise<Rotated> {
  const file = store.file(NEXT);
  const kept = existsSync(file) ? readState<{ key?: string }>(file, file).key : undefined;
  const hasNext = (await cloud.secrets())?.has("ADMIN_KEY_NEXT") === true;
  if (!hasNext) {
    const key = kept ?? newAdminKey();
    writeWhole(file, { key });
    const marks = adminMarksIn(running.message);
    const both = marks === null ? null : [...marks, adminMark(key)];
    await change(cloud, running, both, { ADMIN_KEY_NEXT: key });
    return {
      isDone: false,
      says: [
        `both keys open the administration; the new one is in ${file}`,
        "give it to every program of the administrator's, then run this again",
      ],
    };
  }
  if (kept === undefined)
    return {
      isDone: false,
      says: [
        "the rotation was begun on another machine, which has the new key: finish it there,",
        "or give it up: npm run wrangler -- secret delete ADMIN_KEY_NEXT --name WORKER",
      ],
    };
  const changes = { ADMIN_KEY: kept, ADMIN_KEY_NEXT: null };
  await change(cloud, running, [adminMark(kept)], changes);
  writeWhole(store.file("admin-key.json"), { ADMIN_KEY: kept });
  writeWhole(file, {});
  return {
    isDone: true,
    says: [`the old key opens nothing any more; the new one is in ${store.file("admin-key.json")}`],
  };
}

/** A version of the code that runs, with other secrets, and all requests to it. `marks`: of the keys that open it then. */
async function change(
  cloud: Cloud,
  { tag, message: before }: Version,
  marks: readonly string[] | null,
  secrets: Readonly<Record<string, string | null>>,
): Promise<void> {
  const message = withAdminMarks(before, marks);
  const known = new Set((await cloud.versions()).map(({ id }) => id));
  await cloud.changeSecrets(secrets, { tag, message });
  const made = (await cloud.versions()).find(({ id }) => !known.has(id));
  if (made === undefined)
    throw new Error("the version with the new key is not listed yet: run this again");
  await cloud.release(made.id, message);
}
