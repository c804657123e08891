import { ok, type Result, refuse } from "#domain/result.ts";
import type { Version } from "../account/cloud.ts";
import { adminMarksIn, kidIn } from "./label.ts";
import { beyond, readSchemas, type Schemas } from "./schemas.ts";

/** What a rollback would do, said before it is done. */
export interface Rollback {
  readonly to: Version;
  /** What it means, a sentence each. */
  readonly means: readonly string[];
}

/** What a person has said of a rollback. */
export interface RollbackWish {
  /** Null: the newest other version. */
  readonly version: string | null;
  /** To a version that does not say what it can read, too. */
  readonly isUnchecked: boolean;
  /** With keys that were replaced since, too. */
  readonly takesOldKeys: boolean;
}

/**
 * Says whether a version of before may be deployed again: tables do not go back with the code, keys do. `versions` newest first. Refuses
 * with sentences.
 */
export function planRollback(
  versions: readonly Version[],
  current: string | null,
  { version: wanted, isUnchecked, takesOldKeys }: RollbackWish,
): Result<Rollback, readonly string[]> {
  const running = versions.find(({ id }) => id === current);
  const to =
    wanted === null
      ? versions.find(
          ({ id, createdAt }) => id !== current && createdAt < (running?.createdAt ?? "~"),
        )
      : versions.find(({ id, tag }) => id === wanted || tag === wanted || id.startsWith(wanted));
  if (to === undefined)
    return refuse([
      wanted === null
        ? "there is no version of before"
        : `${wanted} is none of the last ten versions: ${versions.map(({ id }) => id).join(", ")}`,
    ]);
  if (to.id === current) return refuse([`${to.id} is the version that runs`]);
  const knows = readSchemas(to.message);
  if (knows === null && !isUnchecked)
    return refuse([
      `${to.id} does not say what it can read: it was not deployed by this command. With --unchecked it is deployed all the same`,
    ]);
  const faults = knows === null ? [] : beyond(newestOf(versions), knows);
  if (faults.length > 0)
    return refuse([
      ...faults,
      "mend the newer code and deploy that: data is not lost, it is only newer",
    ]);
  const returning = returningKeys(to, running);
  if (returning.length > 0 && !takesOldKeys)
    return refuse([
      ...returning,
      "versions have their keys with them, and Cloudflare gives them no others. Where that is meant: --old-keys",
    ]);
  return ok({ to, means: [...meaningOf(to, knows), ...returning] });
}

/** What databases may hold by now: the most that any version wrote. */
function newestOf(versions: readonly Version[]): Schemas {
  const newest = new Map<string, { known: number; breaking: number }>();
  for (const { message } of versions)
    for (const [owner, { known, breaking }] of readSchemas(message) ?? []) {
      const before = newest.get(owner) ?? { known: 0, breaking: 0 };
      newest.set(owner, {
        known: Math.max(before.known, known),
        breaking: Math.max(before.breaking, breaking),
      });
    }
  return newest;
}

/** Which keys that were replaced open or sign again with a version, a sentence each. */
function returningKeys({ message }: Version, running: Version | undefined): readonly string[] {
  const now = running?.message ?? "";
  const [newKid, oldKid] = [kidIn(now), kidIn(message)];
  const [today, then] = [adminMarksIn(now), adminMarksIn(message)];
  const opening = then?.filter((mark) => today?.includes(mark) !== true) ?? [];
  const lost = today?.filter((mark) => then?.includes(mark) !== true) ?? [];
  return [
    ...(newKid === oldKid
      ? []
      : [
          `It signs tickets with the key ${oldKid ?? "of then"} in place of ${newKid ?? "today's"}: functions that no longer trust it refuse all work. Put it back into UNMASK_TICKET_KEYS first.`,
        ]),
    ...(today === null && then === null
      ? []
      : then === null
        ? ["The administrator's key of then opens it, which may have been replaced since."]
        : opening.length === 0
          ? []
          : [
              `The administrator's key ${opening.join(" and ")}, which was replaced, opens it again: whoever has it administers everything. Deploy and rotate admin as soon as that works.`,
            ]),
    ...(lost.length === 0
      ? []
      : [`The administrator's key ${lost.join(" and ")} of today opens it no more.`]),
  ];
}

function meaningOf(to: Version, knows: Schemas | null): readonly string[] {
  return [
    `All requests go to ${to.id} (${to.tag || "untagged"}, of ${to.createdAt}) at once.`,
    "Tables, objects, queues and buckets stay as they are; what newer code added to them is left alone.",
    ...(knows === null ? ["Whether it can read them nobody knows."] : []),
    "Its variables come back with it: FUNCTION_URL, MODEL_CARDS and limits are those of then.",
    "Functions stay: they serve edges of before.",
  ];
}
