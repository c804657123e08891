import { DurableObject } from "cloudflare:workers";
import type { Failure } from "#domain/failure.ts";
import type { Balances } from "#domain/ledger.ts";
import type { Result } from "#domain/result.ts";
import type { UsageEvent } from "#wire/function/usage-event.ts";
import type { StandingEvent } from "#wire/telemetry/metric-event.ts";
import { newId } from "../id.ts";
import { logCharge, logFault } from "../log.ts";
import { pinned } from "../storage/jurisdiction.ts";
import { durableStore } from "../storage/sql-store.ts";
import { type NoticeBinding, noticesOf } from "../webhooks/notice-client.ts";
import type {
  ExportedLine,
  LedgerBackup,
  LedgerExport,
  LedgerOrigin,
  LedgerRest,
  RestoredBeside,
  RestoredSoFar,
  RestoreRefusal,
} from "./backup/ledger-backup.ts";
import { type LedgerRepository, openLedgerRepository } from "./ledger-repository.ts";
import type {
  Called,
  Capture,
  Captured,
  EntryPage,
  EntryQuery,
  Given,
  Grant,
  HeardPayment,
  Held,
  HoldRequest,
  IdempotentRequest,
  Ledger,
  LetIn,
  LetInRequest,
  LowCreditAlert,
  Refund,
  RefusedHold,
  Standing,
} from "./ledger-service.ts";
import type { PlaceRequest } from "./limits/places.ts";
import { HOLD_LIFETIME_MS } from "./storage/hold-rows.ts";
import { WriteGroup } from "./write-group.ts";

/** What the object is bound to; without a queue usage waits in its outbox, without tellers notices do. */
export interface LedgerBindings extends Partial<NoticeBinding> {
  readonly USAGE?: Queue<UsageEvent | StandingEvent>;
}

/** Cloudflare Queues take 100 messages in one sendBatch; the last place is the standing's. */
const BATCH = 99;

/** Lets charges gather, so that a busy account sends batches. */
const OUTBOX_DELAY_MS = 1_000;

/** An alarm that is due at once rings when what gathers meanwhile has been sent. */
const ALARM_DELAY_MS = 1_000;

/** The single writer of one account's money. The rules are in `#domain/ledger.ts`, the transactions in the repository. */
export class LedgerObject extends DurableObject<LedgerBindings> implements Ledger, LedgerBackup {
  readonly #repository: LedgerRepository;
  readonly #group = new WriteGroup(() => scheduler.wait(0));
  /** When the alarm rings, as far as this instance knows; undefined before it has looked. */
  #alarmAt: number | null | undefined;
  /** Whether what is in the outboxes will be sent without an alarm. */
  #isSending = false;
  /** The standing as this instance told it last, as JSON. */
  #toldStanding = "";

  constructor(state: DurableObjectState, env: LedgerBindings) {
    super(state, pinned(env));
    this.#repository = openLedgerRepository(durableStore(state.storage), () => Date.now());
  }

  async grant(grant: Grant): Promise<Result<Given, Failure>> {
    const given = this.#repository.grant(grant);
    // No usage goes out with it, and until some does the metrics would know nothing of the credit.
    this.ctx.waitUntil(this.#tellStanding());
    return given;
  }

  async refund(refund: Refund): Promise<Result<Given, Failure>> {
    await this.#knowAlarm();
    const refunded = this.#repository.refund(refund);
    this.#sendSoon();
    return refunded;
  }

  async hearPayment(payment: HeardPayment): Promise<Result<Standing, Failure>> {
    await this.#knowAlarm();
    const standing = this.#repository.hearPayment(payment);
    // What was taken back may have left little.
    this.#sendSoon();
    return standing;
  }

  async standing(): Promise<Standing> {
    return this.#repository.standing();
  }

  async hold(request: HoldRequest): Promise<Result<Held, RefusedHold>> {
    await this.#knowAlarm();
    await this.#group.join(request.holdId, "hold");
    const held = this.#repository.hold(request);
    if (!held.ok || held.value.kind === "replay") this.#group.leave(request.holdId);
    this.#ringAt(Date.now() + HOLD_LIFETIME_MS);
    this.#sendSoon();
    return held;
  }

  async letIn(request: LetInRequest): Promise<Result<LetIn, RefusedHold>> {
    return this.#repository.letIn(request);
  }

  async recall(request: IdempotentRequest): Promise<Result<Held, RefusedHold> | null> {
    return this.#repository.recall(request);
  }

  async renew(holdId: string): Promise<void> {
    // The alarm of the hold's first expiry rings all the same and sets the next.
    this.#repository.renew(holdId);
  }

  async takePlace(place: PlaceRequest): Promise<boolean> {
    return this.#repository.takePlace(place);
  }

  async leavePlace(answerId: string): Promise<Called> {
    return this.#repository.leavePlace(answerId);
  }

  async capture(capture: Capture): Promise<Captured> {
    await this.#knowAlarm();
    await this.#group.join(capture.holdId, "capture");
    const { usage, ...captured } = this.#repository.capture(capture);
    // The one place that every charge passes once, whatever route asked and however often the call is repeated.
    if (usage !== null) logCharge(usage);
    this.#sendSoon();
    return captured;
  }

  async release(holdId: string): Promise<Called> {
    this.#group.leave(holdId);
    return this.#repository.release(holdId);
  }

  async forgetReply(holdId: string): Promise<void> {
    this.#repository.forgetReply(holdId);
  }

  async erase(): Promise<boolean> {
    this.#repository.sweep();
    await this.#sendAll();
    return this.#repository.erase();
  }

  async setLowCreditAlert(alert: LowCreditAlert): Promise<void> {
    this.#repository.setLowCreditAlert(alert);
  }

  async balance(): Promise<Balances> {
    return this.#repository.balance();
  }

  async entries(query: EntryQuery): Promise<EntryPage> {
    return this.#repository.entries(query);
  }

  async exportLines(after: number, limit: number): Promise<LedgerExport> {
    return this.#repository.exportLines(after, limit, this.ctx.id.toString());
  }

  async restoreLines(
    origin: LedgerOrigin,
    lines: readonly ExportedLine[],
    beside: RestoredBeside,
  ): Promise<Result<RestoredSoFar, RestoreRefusal>> {
    return this.#repository.restoreLines(origin, lines, beside);
  }

  async restoreRest(
    origin: LedgerOrigin,
    rest: LedgerRest,
  ): Promise<Result<RestoredSoFar, RestoreRefusal>> {
    await this.#knowAlarm();
    const restored = this.#repository.restoreRest(origin, rest);
    this.#sendSoon();
    return restored;
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    this.#group.forget();
    this.#repository.sweep();
    await this.#sendAll();
    // What no charge told: holds that are still open, or were given back.
    await this.#tellStanding();
  }

  /**
   * Sends what waits in the outboxes a moment from now, by this instance; the alarm is set no earlier for it. Where the
   * instance dies before, the alarm of the hold does it, which rings after minutes whether the hold is open or not.
   */
  #sendSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    this.#ringAt(Date.now() + HOLD_LIFETIME_MS);
    this.ctx.waitUntil(this.#sendLater());
  }

  async #sendLater(): Promise<void> {
    await scheduler.wait(OUTBOX_DELAY_MS);
    this.#isSending = false;
    await this.#sendAll();
  }

  /** Sends what is due, and sets the alarm for what is left: what could not be sent, open holds, replies to be forgotten. */
  async #sendAll(): Promise<void> {
    await this.#sendUsage();
    await this.#tellAlerts();
    const due = this.#repository.nextDueAt();
    if (due !== null) this.#ringAt(Math.max(due, Date.now() + ALARM_DELAY_MS));
  }

  async #sendUsage(): Promise<void> {
    let events = this.#repository.due(BATCH);
    while (events.length > 0) {
      const isSent = await this.#sendBatch(events);
      events = isSent && events.length === BATCH ? this.#repository.due(BATCH) : [];
    }
  }

  async #sendBatch(events: readonly UsageEvent[]): Promise<boolean> {
    const queue = this.env.USAGE;
    const ids = events.map(({ id }) => id);
    try {
      if (queue === undefined) throw new Error("no queue USAGE is bound");
      const standing = this.#untoldStanding();
      const bodies = standing === null ? events : [...events, standing];
      await queue.sendBatch(bodies.map((body) => ({ body })));
      this.#repository.sent(ids);
      return true;
    } catch (cause) {
      this.#toldStanding = "";
      logFault("usage could not be sent and will be tried again", ids[0] ?? "", cause);
      this.#repository.unsent(ids);
      return false;
    }
  }

  /** Tells the standing where no usage does. It is told again, so one that is lost is no harm. */
  async #tellStanding(): Promise<void> {
    const standing = this.#untoldStanding();
    if (standing === null) return;
    try {
      await this.env.USAGE?.send(standing);
    } catch (cause) {
      this.#toldStanding = "";
      logFault("where a ledger stands could not be told", standing.account, cause);
    }
  }

  /** Where the books stand, marked as told; null where that was told already. */
  #untoldStanding(): StandingEvent | null {
    const account = this.ctx.id.name;
    const standing = this.#repository.toldStanding();
    const text = JSON.stringify(standing);
    if (account === undefined || text === this.#toldStanding) return null;
    this.#toldStanding = text;
    if (standing.off_by !== 0)
      logFault("the books of a ledger disagree", account, `by ${standing.off_by} micro-dollars`);
    return { kind: "standing", id: newId("evt"), account, ...standing, at: Date.now() };
  }

  async #tellAlerts(): Promise<void> {
    const { WEBHOOKS } = this.env;
    for (const notice of this.#repository.dueAlerts())
      try {
        if (WEBHOOKS === undefined) throw new Error("no objects WEBHOOKS are bound");
        await noticesOf({ WEBHOOKS }).accept(notice, null);
        this.#repository.alertTold(notice.id);
      } catch (cause) {
        logFault("low credit could not be told and will be tried again", notice.id, cause);
        this.#repository.alertUntold(notice.id);
      }
  }

  /** An instance that is new finds the alarm that the last one set, so that it need not set it again. */
  async #knowAlarm(): Promise<void> {
    if (this.#alarmAt === undefined) this.#alarmAt = await this.ctx.storage.getAlarm();
  }

  /** Only ever sets it earlier: an alarm that finds nothing to do costs less than a write for each answer. Written with what the turn writes besides. */
  #ringAt(at: number): void {
    if (typeof this.#alarmAt === "number" && this.#alarmAt <= at) return;
    this.#alarmAt = at;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at));
  }
}
