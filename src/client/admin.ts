import type {
  AccountBody,
  ChangeAccountBody,
  CreateAccountBody,
  GrantBody,
  GrantedBody,
  RefundBody,
  RefundedBody,
} from "#wire/api/accounts/accounts.ts";
import type { ErasureBody } from "#wire/api/accounts/erasures.ts";
import type { CreateKeyBody, KeyBody, NewKeyBody, RotateKeyBody } from "#wire/api/accounts/keys.ts";
import type { UsageRow } from "#wire/api/accounts/usage.ts";
import type {
  BackupRestoreBody,
  BackupRunBody,
  BackupsBody,
  BackupVerificationBody,
  RestoreBackupBody,
  RunBackupBody,
  VerifyBackupBody,
} from "#wire/api/backups.ts";
import type { ResendDeadBody, ResentDeadBody } from "#wire/api/dead-messages.ts";
import {
  type ApiObject,
  type CallOptions,
  type ClientOptions,
  readObject,
  readPages,
  send,
} from "./send.ts";

/** The administration, typed. `apiKey` is the administrator's. Methods reject with UnmaskError, or with the reason of an aborted signal. */
export interface AdminClient {
  createAccount(account: CreateAccountBody, options?: CallOptions): Promise<AccountBody>;
  accounts(options?: CallOptions): AsyncIterable<AccountBody>;
  /** Changes what is named; what is absent stays. */
  changeAccount(id: string, change: ChangeAccountBody, options?: CallOptions): Promise<AccountBody>;
  /** Erases an account for ever, but for the lines of its ledger; said again, it tells how far that is. */
  eraseAccount(id: string, options?: CallOptions): Promise<ErasureBody>;
  grant(account: string, grant: GrantBody, options?: CallOptions): Promise<GrantedBody>;
  refund(account: string, refund: RefundBody, options?: CallOptions): Promise<RefundedBody>;
  createKey(key: CreateKeyBody, options?: CallOptions): Promise<NewKeyBody>;
  keys(account: string, options?: CallOptions): AsyncIterable<KeyBody>;
  rotateKey(
    id: string,
    rotation: Partial<RotateKeyBody>,
    options?: CallOptions,
  ): Promise<NewKeyBody>;
  revokeKey(id: string, options?: CallOptions): Promise<KeyBody>;
  /** How the backups stand. */
  backups(options?: CallOptions): Promise<BackupsBody>;
  runBackup(run: RunBackupBody, options?: CallOptions): Promise<BackupRunBody>;
  /** Verifies a part of the backups; `next_cursor` of the reply leads on. */
  verifyBackup(from: VerifyBackupBody, options?: CallOptions): Promise<BackupVerificationBody>;
  /** Restores a part of everything; `next_cursor` of the reply leads on. */
  restoreBackup(to: RestoreBackupBody, options?: CallOptions): Promise<BackupRestoreBody>;
  /** Sends some of what the usage queue could not copy into it again; `next_cursor` of the reply leads on. */
  resendDead(from: ResendDeadBody, options?: CallOptions): Promise<ResentDeadBody>;
}

/** Makes a client of the administration. */
export function createAdminClient(options: ClientOptions): AdminClient {
  return {
    createAccount: (account, call) => write(options, "POST", "/v1/accounts", account, call),
    accounts: (call) => readPages<AccountBody>(options, "/v1/accounts?limit=100", call),
    changeAccount: (id, change, call) =>
      write(options, "PATCH", `/v1/accounts/${encodeURIComponent(id)}`, change, call),
    eraseAccount: (id, call) =>
      write(options, "POST", `/v1/accounts/${encodeURIComponent(id)}/erase`, { confirm: id }, call),
    grant: (account, grant, call) =>
      write(options, "POST", `/v1/accounts/${encodeURIComponent(account)}/grants`, grant, call),
    refund: (account, refund, call) =>
      write(options, "POST", `/v1/accounts/${encodeURIComponent(account)}/refunds`, refund, call),
    createKey: (key, call) => write(options, "POST", "/v1/keys", key, call),
    keys: (account, call) =>
      readPages<KeyBody>(
        options,
        `/v1/keys?limit=100&account=${encodeURIComponent(account)}`,
        call,
      ),
    rotateKey: (id, rotation, call) =>
      write(options, "POST", `/v1/keys/${encodeURIComponent(id)}/rotate`, rotation, call),
    revokeKey: (id, call) =>
      write(options, "DELETE", `/v1/keys/${encodeURIComponent(id)}`, undefined, call),
    backups: (call) => write(options, "GET", "/v1/backups", undefined, call),
    runBackup: (run, call) => write(options, "POST", "/v1/backups/run", run, call),
    verifyBackup: (from, call) => write(options, "POST", "/v1/backups/verify", from, call),
    restoreBackup: (to, call) => write(options, "POST", "/v1/backups/restore", to, call),
    resendDead: (from, call) => write(options, "POST", "/v1/dead_messages/resend", from, call),
  };
}

/** Which usage is asked for. */
export interface UsageFilter {
  /** `YYYY-MM-DD`, both included. */
  readonly from?: string;
  readonly to?: string;
  readonly key?: string;
  readonly model?: string;
}

/** Reads the usage of the key's account, page after page, latest day first. */
export function readUsage(
  options: ClientOptions,
  filter: UsageFilter = {},
  call?: CallOptions,
): AsyncIterable<UsageRow> {
  const query = new URLSearchParams({ limit: "100", ...filter });
  return readPages<UsageRow>(options, `/v1/usage?${query}`, call);
}

async function write<Body extends ApiObject>(
  options: ClientOptions,
  method: string,
  path: string,
  body: unknown,
  { signal }: CallOptions = {},
): Promise<Body> {
  const response = await send(options, path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  return await readObject(response);
}
