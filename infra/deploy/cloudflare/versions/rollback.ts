import { ok, type Result, refuse } from "#domain/result.ts";
import type { Version } from "../account/cloud.ts";
import { kidIn } from "./label.ts";
import { beyond, readSchemas, type Schemas } from "./schemas.ts";

/** What a rollback would do, said before it is done. */
export interface Rollback {
  readonly to: Version;
  /** What it means, a sentence each. */
  readonly means: readonly string[];
}

/**
 * Says whether a version of before may be deployed again: tables do not go back with the code. `wanted` null: the newest other version.
 * `versions` newest first. Refuses with sentences.
 */
export function planRollback(
  versions: readonly Version[],
  current: string | null,
  wanted: string | null,
  isUnchecked: boolean,
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
  return ok({ to, means: meaningOf(to, running, knows) });
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

function meaningOf(
  to: Version,
  running: Version | undefined,
  knows: Schemas | null,
): readonly string[] {
  const [newKid, oldKid] = [kidIn(running?.message ?? ""), kidIn(to.message)];
  return [
    `All requests go to ${to.id} (${to.tag || "untagged"}, of ${to.createdAt}) at once.`,
    "Tables, objects, queues and buckets stay as they are; what newer code added to them is left alone.",
    ...(knows === null ? ["Whether it can read them nobody knows."] : []),
    "Its variables come back with it: FUNCTION_URL, MODEL_CARDS and limits are those of then.",
    ...(newKid === oldKid
      ? []
      : [
          `It signs tickets with the key ${oldKid ?? "of then"} in place of ${newKid ?? "today's"}: functions that no longer trust it refuse all work. Put it back into UNMASK_TICKET_KEYS first.`,
        ]),
    "Functions stay: they serve edges of before.",
  ];
}
