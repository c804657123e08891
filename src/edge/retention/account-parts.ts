import type { ErasedObject } from "../answers/answer-client.ts";
import { objectNamesOf } from "../answers/answer-id.ts";
import type { BackupBinding } from "../backup/bucket.ts";
import { forgetInBackups } from "../backup/forgetting.ts";
import type { BatchBinding } from "../batches/batch-client.ts";
import type { FleetBinding } from "../fleet/fleet-client.ts";
import { shardsOf } from "../fleet/shards.ts";
import { forgetPicturesOf } from "../function/forget-pictures.ts";
import { type LedgerBinding, ledgerOf } from "../ledger/ledger-client.ts";
import type { ObjectsOf } from "../objects.ts";
import type { UploadsBinding } from "../pictures/uploads.ts";
import { type Settings, type SettingVariables, settingsOf } from "../settings.ts";
import { AccountRows } from "./account-rows.ts";
import type { Chunk, ErasureParts } from "./erasure-steps.ts";

/** What the keeper of an account's times is bound to. */
export interface ErasingBindings
  extends SettingVariables,
    BackupBinding,
    BatchBinding,
    FleetBinding,
    LedgerBinding,
    UploadsBinding {
  readonly DB: D1Database;
  readonly ANSWERS: ObjectsOf<ErasedObject>;
  readonly WEBHOOKS: ObjectsOf<{ erase(): Promise<void> }>;
}

/** Rows that one call takes from a list. */
const LISTED_AT_ONCE = 20;

/** What erases an account, over everything that is kept of one. `test/edge/retention/stores.test.ts` holds that nothing is forgotten. */
export function accountParts(
  env: ErasingBindings,
  accountId: string,
  pseudonym: string,
  now: () => number,
): ErasureParts {
  const rows = new AccountRows(env.DB, accountId);
  return {
    close: () => rows.close(now()),
    batches: () => eraseBatches(env, rows, accountId),
    answers: () => eraseAnswers(env, rows, accountId),
    webhooks: async () => await env.WEBHOOKS.getByName(accountId).erase(),
    pictures: () => erasePictures(env.IMAGES, accountId),
    functions: async () => {
      const settings = settingsOf(env);
      await forgetPicturesOf(accountId, await addressesOf(env, settings), settings);
    },
    rows: async () => {
      const erased = await rows.delete();
      return { erased, isLeft: erased > 0 };
    },
    books: () => ledgerOf(env, accountId).erase(),
    rename: async () => {
      const book = pseudonym.replace("erased_", "");
      await forgetInBackups(env, { accountId, book, now: now() });
      await rows.rename(pseudonym);
    },
  };
}

/** Of the functions of the settings, and of those that registered. Rejects where an object of them cannot be asked: erasure goes on later. */
async function addressesOf(
  { FLEET }: FleetBinding,
  settings: Pick<Settings, "functionUrls" | "functionKeys">,
): Promise<readonly string[]> {
  const registered = await Promise.all(
    shardsOf(settings).map((name) => FLEET.getByName(name).addresses()),
  );
  return [...new Set([...settings.functionUrls, ...registered.flat()])];
}

async function eraseBatches(
  env: ErasingBindings,
  rows: AccountRows,
  accountId: string,
): Promise<Chunk> {
  const ids = await rows.batches(LISTED_AT_ONCE);
  let erased = 0;
  for (const id of ids) {
    if (!(await env.BATCHES.getByName(id).eraseOf(accountId))) continue;
    await rows.forgetBatch(id);
    erased += 1;
  }
  return { erased, isLeft: ids.length > 0 };
}

async function eraseAnswers(
  env: ErasingBindings,
  rows: AccountRows,
  accountId: string,
): Promise<Chunk> {
  const lonely = await rows.lonelyAnswers(LISTED_AT_ONCE);
  for (const id of lonely) {
    const { isLeft } = await env.ANSWERS.getByName(id).eraseSome(accountId);
    if (!isLeft) await rows.forgetAnswer(id);
  }
  const chunks = await Promise.all(
    objectNamesOf(accountId).map(
      async (name): Promise<Chunk> => await env.ANSWERS.getByName(name).eraseSome(accountId),
    ),
  );
  return {
    erased: chunks.reduce((sum, { erased }) => sum + erased, lonely.length),
    isLeft: lonely.length > 0 || chunks.some(({ isLeft }) => isLeft),
  };
}

/** Uploads, and what was stored of questions, also of those that never began. */
async function erasePictures(bucket: R2Bucket, accountId: string): Promise<Chunk> {
  for (const prefix of [`${accountId}/`, `work/${accountId}/`]) {
    const { objects } = await bucket.list({ prefix });
    if (objects.length === 0) continue;
    await bucket.delete(objects.map(({ key }) => key));
    return { erased: objects.length, isLeft: true };
  }
  return { erased: 0, isLeft: false };
}
