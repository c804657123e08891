/** What the backups do with a table of D1. */
export type TableFate =
  /** Read whole with each snapshot. `account`: the column that says whose a row is, or a member of the JSON in one. */
  | { readonly fate: "exported"; readonly account: string }
  /** As above, of rows that are only ever added: those of before are taken over from the last snapshot. */
  | { readonly fate: "appended"; readonly account: string }
  /** Comes to be again by itself; `why` says out of what. */
  | { readonly fate: "rebuilt"; readonly why: string }
  /** Does not outlive what it was about; `why` says what that is. */
  | { readonly fate: "forgotten"; readonly why: string };

/**
 * Every table, in the order in which a restore fills them: what others refer to first, and keys last, so that nobody asks before all
 * is there. A snapshot reads them the other way round: a row that one refers to is there when it is read.
 */
export const tables: Readonly<Record<string, TableFate>> = {
  accounts: { fate: "exported", account: "id" },
  payments: { fate: "exported", account: "account_id" },
  payment_events: { fate: "exported", account: "account_id" },
  usage: { fate: "appended", account: "account_id" },
  refusals: { fate: "appended", account: "account_id" },
  erased: { fate: "exported", account: "id_sha256" },
  erasing: { fate: "forgotten", why: "a restore leaves out whoever was erased" },
  erasures: { fate: "exported", account: "pseudonym" },
  upload_tokens: {
    fate: "forgotten",
    why: "a token is for minutes, and its picture lies in a bucket",
  },
  answers: { fate: "forgotten", why: "the answers lie in their objects, for seven days" },
  batches: { fate: "forgotten", why: "the results lie in their objects, for seven days" },
  sessions: { fate: "forgotten", why: "whoever is signed in signs in again" },
  sign_in_codes: { fate: "forgotten", why: "a code is for minutes, and another is made" },
  sign_in_failures: { fate: "forgotten", why: "attempts are counted for minutes" },
  dead_messages: { fate: "exported", account: "body.account" },
  replays: { fate: "forgotten", why: "the answers that they are of are forgotten" },
  account_standings: { fate: "rebuilt", why: "each ledger tells where it stands" },
  standing_totals: { fate: "rebuilt", why: "by triggers of account_standings" },
  webhook_backlogs: { fate: "rebuilt", why: "each account's webhooks tell what they have to do" },
  backlog_totals: { fate: "rebuilt", why: "by triggers of webhook_backlogs" },
  model_totals: { fate: "rebuilt", why: "by triggers of usage" },
  refusal_totals: { fate: "rebuilt", why: "by triggers of refusals" },
  answer_totals: { fate: "forgotten", why: "counts begin anew, as they do with a new process" },
  field_totals: { fate: "forgotten", why: "counts begin anew, as they do with a new process" },
  replay_totals: { fate: "forgotten", why: "counts begin anew, as they do with a new process" },
  ledger_exports: { fate: "rebuilt", why: "out of the bucket" },
  backup_state: { fate: "rebuilt", why: "the next snapshot and check begin anew" },
  keys: { fate: "exported", account: "account_id" },
};

/** A table that is in the snapshots. */
export interface SnapshotTable {
  readonly name: string;
  readonly account: string;
  readonly isAppended: boolean;
}

/** Tables that are in the snapshots, in the order in which a restore fills them. */
export const snapshotTables: readonly SnapshotTable[] = Object.entries(tables).flatMap(
  ([name, table]) =>
    table.fate === "exported" || table.fate === "appended"
      ? [{ name, account: table.account, isAppended: table.fate === "appended" }]
      : [],
);
