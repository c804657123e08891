import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type LedgerBinding, ledgerBackupOf } from "../../ledger/ledger-client.ts";
import type { ObjectsOf } from "../../objects.ts";
import type { EndpointsBackup } from "../../webhooks/endpoints-backup.ts";
import { type BackupBinding, nameAt } from "../bucket.ts";
import type { BackupFault } from "../ledgers/check-book.ts";
import { names } from "../names.ts";
import { listAccounts, readEndpoints } from "./endpoint-cuts.ts";

/** Where accounts' webhooks are bound. */
export interface EndpointsBinding {
  readonly WEBHOOKS: ObjectsOf<EndpointsBackup>;
}

/** Threat: a call that the platform ends. Each account takes four calls, of the bucket and of its objects. */
const ACCOUNTS_AT_ONCE = 50;

/** Accounts that were erased, whatever the bucket holds. */
interface Erased {
  has(accountId: string): Promise<boolean>;
}

/** What one call did. */
export interface RestoredEndpoints {
  readonly endpoints: number;
  readonly faults: readonly BackupFault[];
  /** The last account that it came to; null: that was all. */
  readonly next: string | null;
}

/**
 * Restores where accounts want to be told, each as of the last cut at a time, in milliseconds since 1970, or before it; a part with each
 * call. Comes before the ledgers, which tell what waited as soon as they are whole. Refuses with `already_exists` where an account has
 * webhooks or a ledger of its own.
 */
export async function restoreEndpoints(
  env: BackupBinding & EndpointsBinding & LedgerBinding,
  { after, at, erased }: { readonly after: string; readonly at: number; readonly erased: Erased },
): Promise<Result<RestoredEndpoints, Failure>> {
  const accounts = await listAccounts(env.BACKUPS, after, ACCOUNTS_AT_ONCE);
  const faults: BackupFault[] = [];
  let endpoints = 0;
  for (const account of accounts) {
    const name = await nameAt(env.BACKUPS, names.endpointsOf(account), at);
    if (name === undefined) continue;
    const cut = await readEndpoints(env.BACKUPS, name);
    if ("fault" in cut) {
      faults.push(cut);
      continue;
    }
    const { account: accountId, ...saved } = cut;
    if (await erased.has(accountId)) continue;
    if (await hasOwnLedger(env, accountId))
      return refuse({ kind: "already_exists", id: accountId });
    const outcome = await env.WEBHOOKS.getByName(accountId).restoreEndpoints(
      accountId,
      name,
      saved,
    );
    if (outcome === "not_empty") return refuse({ kind: "already_exists", id: accountId });
    if (outcome === "restored") endpoints += saved.endpoints.length;
  }
  return ok({ endpoints, faults, next: accounts.at(-1) ?? null });
}

/** Whether it has booked anything that no restore wrote: then this is where the account lives. */
async function hasOwnLedger(env: LedgerBinding, accountId: string): Promise<boolean> {
  const { lines, cut } = await ledgerBackupOf(env, accountId).exportLines(0, 1);
  return lines.length > 0 && cut === null;
}
