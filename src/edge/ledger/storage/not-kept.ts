import { membersOf, type StoredJson, storedJson, unchanged } from "../../storage/stored-json.ts";

/** Stands in place of a reply whose words are not kept: a repeated request is still recognised, and charged once. */
interface NotKept {
  /** Id of the answer or the batch that the first request was told. */
  readonly not_kept: string;
}

const stored: StoredJson<NotKept> = storedJson({
  name: "a reply that is not kept",
  is: membersOf<NotKept>({ not_kept: "string" }),
  upgrades: [unchanged],
});

/** Every one of them begins so, and no answer or batch does. */
const BEGINNING = '{"stored_version":1,"value":{"not_kept":';

/** Writes what is kept of such a reply. */
export function notKeptReply(id: string): string {
  return stored.write({ not_kept: id });
}

/** Whose words a kept reply does not have; null where it has them. */
export function notKeptIn(reply: string): string | null {
  return reply.startsWith(BEGINNING) ? stored.read(reply).not_kept : null;
}
