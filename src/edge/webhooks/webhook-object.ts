import { DurableObject } from "cloudflare:workers";
import type { Notice, WebhookTarget } from "#domain/notice.ts";
import { generateSecret } from "#wire/codec/standard-webhooks.ts";
import type { BacklogEvent } from "#wire/telemetry/metric-event.ts";
import { newId } from "../id.ts";
import type { Owner } from "../keys/viewer.ts";
import { logFault } from "../log.ts";
import { type SettingVariables, settingsOf } from "../settings.ts";
import { durableStore } from "../storage/sql-store.ts";
import type { EndpointsBackup } from "./endpoints-backup.ts";
import type { Accepted, NoticeCalls } from "./notice-client.ts";
import { QuietAccounts } from "./quiet.ts";
import { openWebhookRepository, type WebhookRepository } from "./storage/webhook-repository.ts";
import type {
  AccountSecrets,
  DeliveryQuery,
  DeliveryRange,
  Endpoint,
  EndpointsOutcome,
  SavedEndpoints,
  TriedDelivery,
  WebhookDelivery,
} from "./storage/webhook-tables.ts";
import { LEASE_MS } from "./storage/webhook-turns.ts";
import { createSender, functionSender, type Sender } from "./webhook-sender.ts";

/** How long the secret before a rotation signs too. */
const OVERLAP_MS = 24 * 3_600_000;

/** What the object is bound to; without a queue its backlog is told to nobody. */
export interface WebhookBindings extends SettingVariables {
  readonly USAGE?: Queue<BacklogEvent>;
}

/** The single teller of one account's notices: endpoints, secrets, and what is still to be delivered. */
export class WebhookObject
  extends DurableObject<WebhookBindings>
  implements NoticeCalls, EndpointsBackup
{
  readonly #repository: WebhookRepository;
  readonly #sender: Sender;
  /** Resolves when nobody believes any more that there is no endpoint; null until this instance has added one. */
  #quietEnds: Promise<void> | null = null;

  constructor(state: DurableObjectState, env: WebhookBindings) {
    super(state, env);
    this.#repository = this.#open();
    // Settings are read with the first sending: an object that cannot read them still keeps what it is told.
    this.#sender = createSender(this.#repository, (due) => functionSender(settingsOf(env))(due));
  }

  async accept(notice: Notice, target: WebhookTarget | null): Promise<Accepted> {
    if (target !== null && target.secret === null) this.#secrets();
    this.#repository.accept(notice, target);
    await this.#ring();
    // Looked at behind what may be waited for: from the first endpoint on, nobody is told that there is none.
    return { isQuiet: this.#repository.endpoints().length === 0 };
  }

  /** As `accept`, for the address alone. */
  async acceptAt(notice: Notice, target: WebhookTarget): Promise<void> {
    if (target.secret === null) this.#secrets();
    this.#repository.acceptAt(notice, target);
    await this.#ring();
  }

  /** As `accept`, for one endpoint alone. False where there is none. */
  async acceptFor(notice: Notice, endpointId: string): Promise<boolean> {
    const isKept = this.#repository.acceptFor(notice, endpointId);
    if (isKept) await this.#ring();
    return isKept;
  }

  async endpoints(): Promise<readonly Endpoint[]> {
    return this.#repository.endpoints();
  }

  async endpoint(id: string): Promise<Endpoint | null> {
    return this.#repository.endpoint(id);
  }

  /**
   * Adds an endpoint unless there are `limit` already; says whether it did. Once it has said so, every notice from then on is told to it:
   * who heard that there is none may believe it until then.
   */
  async addEndpoint(endpoint: Endpoint, limit: number): Promise<boolean> {
    const known = this.#repository.endpoints().length;
    if (known >= limit) return false;
    this.#repository.putEndpoint(endpoint);
    // Nobody has heard that there is none since the first was made; when that was, an instance that came later does not know.
    if (known === 0 || this.#quietEnds === null) this.#quietEnds = QuietAccounts.over();
    await this.#quietEnds;
    return true;
  }

  async changeEndpoint(
    id: string,
    change: Partial<Pick<Endpoint, "url" | "events" | "isEnabled">>,
  ): Promise<Endpoint | null> {
    const known = this.#repository.endpoint(id);
    if (known === null) return null;
    const enabling = change.isEnabled === true && !known.isEnabled;
    const changed: Endpoint = {
      ...known,
      ...change,
      ...(change.isEnabled === false ? { disabledReason: "owner" } : {}),
      ...(enabling ? { disabledReason: null, failingSince: null } : {}),
    };
    this.#repository.putEndpoint(changed);
    return changed;
  }

  async rotateEndpoint(
    id: string,
    fresh: Pick<Endpoint, "secret" | "publicKey">,
  ): Promise<Endpoint | null> {
    const known = this.#repository.endpoint(id);
    if (known === null) return null;
    const previous = { secret: known.secret, expiresAt: Date.now() + OVERLAP_MS };
    const rotated: Endpoint = { ...known, ...fresh, previous };
    this.#repository.putEndpoint(rotated);
    return rotated;
  }

  async deleteEndpoint(id: string): Promise<boolean> {
    return this.#repository.deleteEndpoint(id);
  }

  async accountSecrets(): Promise<AccountSecrets> {
    return this.#secrets();
  }

  async rotateAccountSecrets(): Promise<AccountSecrets> {
    const { secret } = this.#secrets();
    const rotated: AccountSecrets = {
      secret: generateSecret(randomBytes),
      previous: { secret, expiresAt: Date.now() + OVERLAP_MS },
    };
    this.#repository.putAccountSecrets(rotated);
    return rotated;
  }

  async deliveries(query: DeliveryQuery, count: number): Promise<readonly WebhookDelivery[]> {
    return this.#repository.deliveries(query, count);
  }

  async delivery(id: string, owner: Owner): Promise<TriedDelivery | null> {
    return this.#repository.delivery(id, owner);
  }

  async redeliver(id: string, owner: Owner): Promise<boolean> {
    const isAgain = this.#repository.redeliver(id, owner);
    if (isAgain) await this.#ring();
    return isAgain;
  }

  async redeliverRange(range: DeliveryRange): Promise<number> {
    const count = this.#repository.redeliverRange(range);
    if (count > 0) await this.#ring();
    return count;
  }

  /** Forgets what was told of an answer or a batch. */
  async forgetAbout(about: string): Promise<void> {
    this.#repository.forgetAbout(about);
  }

  async exportEndpoints(): Promise<SavedEndpoints> {
    return this.#repository.saved();
  }

  /** Waits for nobody who believes that there is none: of an account that is not there yet nobody has asked. */
  async restoreEndpoints(
    accountId: string,
    cut: string,
    saved: SavedEndpoints,
  ): Promise<EndpointsOutcome> {
    return this.#repository.restore(accountId, cut, saved);
  }

  /** Forgets everything: endpoints, secrets, and what was told. What is being sent arrives, and nobody notes it. */
  async erase(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    // Its tables are made anew, empty: what is under way here goes on over them.
    this.#open();
  }

  override async alarm(): Promise<void> {
    // Should this instance die while it sends, an alarm finds what it had taken once the leases end.
    await this.ctx.storage.setAlarm(Date.now() + LEASE_MS);
    this.#repository.sweep();
    await this.#sender.run();
    await this.#tellBacklog();
    // The one place that may set an alarm later.
    const next = this.#nextAlarmAt();
    if (next === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(Math.max(next, Date.now()));
  }

  /** Tells the metrics what could not be delivered at once, and what was given up. */
  async #tellBacklog(): Promise<void> {
    const backlog = this.#repository.untoldBacklog();
    if (backlog === null || this.env.USAGE === undefined) return;
    try {
      await this.env.USAGE.send({ kind: "backlog", id: newId("evt"), ...backlog, at: Date.now() });
      this.#repository.backlogTold(backlog);
    } catch (cause) {
      logFault("the backlog of webhooks could not be told", backlog.account, cause);
    }
  }

  #open(): WebhookRepository {
    const tools = { now: () => Date.now(), random: Math.random, newId };
    return openWebhookRepository(durableStore(this.ctx.storage), tools);
  }

  #secrets(): AccountSecrets {
    const known = this.#repository.accountSecrets();
    if (known !== null) return known;
    const fresh: AccountSecrets = { secret: generateSecret(randomBytes), previous: null };
    this.#repository.putAccountSecrets(fresh);
    return fresh;
  }

  /** Has what was kept sent. An alarm that is set stays where it is unless it is too late. */
  async #ring(): Promise<void> {
    this.#sender.wake();
    // A run sets the next alarm when it ends.
    if (this.#sender.isRunning()) return;
    const next = this.#nextAlarmAt();
    if (next === null) return;
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > next) await this.ctx.storage.setAlarm(Math.max(next, Date.now()));
  }

  /** When something is to be done, be it to send or to sweep. */
  #nextAlarmAt(): number | null {
    const times = [this.#repository.nextDueAt(), this.#repository.sweepAt()].filter(
      (time) => time !== null,
    );
    return times.length === 0 ? null : Math.min(...times);
  }
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
