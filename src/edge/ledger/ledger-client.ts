import type { ObjectsOf } from "../objects.ts";
import type { LedgerBackup } from "./backup/ledger-backup.ts";
import type { Ledger } from "./ledger-service.ts";

/** Where the ledgers are bound. */
export interface LedgerBinding {
  /** One ledger per account, named by its id. */
  readonly LEDGER: ObjectsOf<Ledger & LedgerBackup>;
}

/** The id of an account that was erased names its ledger's object, and not what it was called before. */
const ERASED_ID = /^erased_([0-9a-f]{64})$/;

/** The name under which an account's books stand once it is erased: nobody finds its own in it. */
export function erasedIdOf({ LEDGER }: LedgerBinding, accountId: string): string {
  return ERASED_ID.test(accountId) ? accountId : `erased_${LEDGER.idFromName(accountId)}`;
}

/** Reaches the ledger of an account, which begins empty with the first call. */
export function ledgerOf({ LEDGER }: LedgerBinding, accountId: string): Ledger {
  const erased = ERASED_ID.exec(accountId)?.[1];
  const stub =
    erased === undefined ? LEDGER.getByName(accountId) : LEDGER.get(LEDGER.idFromString(erased));
  return {
    grant: async (grant) => await stub.grant(grant),
    refund: async (refund) => await stub.refund(refund),
    hearPayment: async (payment) => await stub.hearPayment(payment),
    standing: async () => await stub.standing(),
    hold: async (request) => await stub.hold(request),
    letIn: async (request) => await stub.letIn(request),
    recall: async (request) => await stub.recall(request),
    renew: async (holdId) => await stub.renew(holdId),
    takePlace: async (place) => await stub.takePlace(place),
    leavePlace: async (answerId) => await stub.leavePlace(answerId),
    capture: async (capture) => await stub.capture(capture),
    release: async (holdId) => await stub.release(holdId),
    forgetReply: async (holdId) => await stub.forgetReply(holdId),
    erase: async () => await stub.erase(),
    setLowCreditAlert: async (alert) => await stub.setLowCreditAlert(alert),
    balance: async () => await stub.balance(),
    entries: async (query) => await stub.entries(query),
  };
}

/** Reaches the ledger of an account for the backups. */
export function ledgerBackupOf({ LEDGER }: LedgerBinding, accountId: string): LedgerBackup {
  const stub = LEDGER.getByName(accountId);
  return {
    exportLines: async (after, limit) => await stub.exportLines(after, limit),
    restoreLines: async (origin, lines, beside) => await stub.restoreLines(origin, lines, beside),
    restoreRest: async (origin, rest) => await stub.restoreRest(origin, rest),
  };
}
