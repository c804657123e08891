import type { HeartbeatBody } from "#wire/fleet/heartbeat.ts";
import { type FunctionReport, LOST_AFTER_MS, type PastLoads } from "./policy/fleet.ts";
import { type EndedLoad, withLoad } from "./policy/loads.ts";
import { type Instance, reportOf } from "./report-of.ts";
import { sampled } from "./sampled.ts";
import type { FleetRows, KeptCard } from "./storage/fleet-rows.ts";
import type { KeptReport } from "./storage/stored-report.ts";

/** What a dispatcher is told of the functions of one model in one region. */
export interface ShardSnapshot {
  readonly functions: readonly FunctionReport[];
  readonly loads: readonly PastLoads[];
  /** Cards of the functions' weights that it does not have yet. */
  readonly cards: readonly KeptCard[];
  /** How many functions there are; some of them, drawn by lot, where there are more than a snapshot takes. */
  readonly total: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A report is written down when something of it changes that lasts, and so often besides: a row a minute, not one a heartbeat. */
const KEPT_EVERY_MS = 60_000;

/** One that was written down so lately may still be there when an object begins anew: it is believed until it is lost again. */
const BELIEVED_MS: number = KEPT_EVERY_MS + LOST_AFTER_MS;

/** A lost function that no request would start again is forgotten after this: it is shown to its operator as lost until then. */
const SHOWN_LOST_MS = 10 * 60_000;

/** One that a request would start is remembered so long without any sign: a host that scaled to zero for a holiday. */
export const ASLEEP_MS: number = 30 * 86_400_000;

/** Threat: an object that whoever has a key fills. More are more than one object serves: the operator adds a region. */
export const MAX_INSTANCES = 4_000;

/** Threat: a key's holder who tells of ever new weights. Cards of what is not served any more go first. */
const MAX_CARDS = 64;

/** What is heard of the functions of one model in one region. Lives as long as its object's instance; the next reads the rows. */
export class FleetRegister {
  readonly #rows: FleetRows;
  readonly #region: string;
  readonly #instances = new Map<string, Instance>();
  readonly #cards = new Map<string, KeptCard>();
  #loads: readonly PastLoads[] = [];
  /** Since when somebody wakes which address. */
  readonly #waking = new Map<string, number>();

  constructor(rows: FleetRows, region: string, now: number) {
    this.#rows = rows;
    this.#region = region;
    for (const { report, keptAt } of rows.reports()) {
      const heardAt = now - keptAt <= BELIEVED_MS ? now : keptAt;
      this.#instances.set(nameOf(report), { report, heardAt, keptAt, loadingSince: keptAt });
    }
    for (const card of rows.cards()) this.#cards.set(cardName(card), card);
    for (const load of rows.loads()) this.#loads = withLoad(this.#loads, load);
  }

  /** Takes in what an instance says. Null where there are too many; else whether its card is wanted. */
  hear({ card, ...report }: HeartbeatBody, now: number): { readonly wantsCard: boolean } | null {
    const name = nameOf(report);
    const before = this.#instances.get(name);
    // Sent before what is known already, or again by who caught it on the way.
    const isNews = before === undefined || report.sent_at > before.report.sent_at;
    if (isNews) {
      if (before === undefined && !this.#hasRoom(now)) return null;
      this.#take(name, report, before, now);
    }
    const { digest, provider } = report;
    if (digest === null) return { wantsCard: false };
    if (card !== undefined && card.digest === digest)
      this.#keepCard({ digest, provider, card }, now);
    return { wantsCard: !this.#cards.has(cardName({ digest, provider })) };
  }

  /** Remembers a function of the settings, which says nothing by itself: what it served when it was heard last. */
  remember(url: string, card: KeptCard["card"], now: number): void {
    const { digest, provider } = card;
    const report = { ...asleepReport, url, sent_at: now, model: card.id, provider, digest };
    const before = this.#instances.get(nameOf(report));
    if (before === undefined && !this.#hasRoom(now)) return;
    this.#take(nameOf(report), report, before, now);
    this.#keepCard({ digest, provider, card }, now);
  }

  /** Remembers how long a load took that nobody saw but for its end. */
  loaded(url: string, tookMs: number): void {
    const [known] = this.#instancesOf(url);
    if (known?.report.digest == null) return;
    const { provider, digest } = known.report;
    this.#addLoad({ provider, digest, tookMs });
  }

  /** Says since when an address is being woken; null ends it. */
  wakes(url: string, since: number | null): void {
    if (since === null) this.#waking.delete(url);
    else this.#waking.set(url, since);
  }

  /** How many addresses are being woken. */
  get waking(): number {
    return this.#waking.size;
  }

  isWaking(url: string): boolean {
    return this.#waking.has(url);
  }

  /** Of all functions that are known, also of those that are not heard any more. */
  get addresses(): readonly string[] {
    return [...new Set([...this.#instances.values()].map(({ report }) => report.url))];
  }

  has(url: string): boolean {
    return this.#instancesOf(url).length > 0;
  }

  /** `known`: names of cards that whoever asks has. */
  snapshot(known: readonly string[], random: () => number, now: number): ShardSnapshot {
    this.#forgetOld(now);
    const byUrl = Map.groupBy(this.#instances.values(), ({ report }) => report.url);
    const all = [...byUrl].map(([url, instances]) =>
      reportOf(instances, { region: this.#region, now, wokenAt: this.#waking.get(url) ?? null }),
    );
    const functions = sampled(all, random);
    const cards = [...this.#cards.values()].filter(
      (card) =>
        !known.includes(cardName(card)) &&
        functions.some(
          ({ digest, provider }) => digest === card.digest && provider === card.provider,
        ),
    );
    return { functions, loads: this.#loads, cards, total: all.length, at: now };
  }

  #take(name: string, report: KeptReport, before: Instance | undefined, now: number): void {
    const isLoading = report.state === "loading";
    const wasLoading = before?.report.state === "loading";
    const loadingSince = isLoading && wasLoading ? before.loadingSince : now;
    const isKept = before !== undefined && now - before.keptAt < KEPT_EVERY_MS;
    const keepsNow = !isKept || lastingOf(before.report) !== lastingOf(report);
    if (keepsNow) this.#rows.keepReport(report, now);
    const keptAt = keepsNow || before === undefined ? now : before.keptAt;
    this.#instances.set(name, { report, heardAt: now, keptAt, loadingSince });
    const { loaded_in_ms: tookMs, provider, digest } = report;
    const isLoaded = tookMs !== null && digest !== null && before?.report.loaded_in_ms == null;
    if (isLoaded && tookMs > 0) this.#addLoad({ provider, digest, tookMs });
  }

  #addLoad(load: EndedLoad): void {
    this.#loads = withLoad(this.#loads, load);
    this.#rows.keepLoad(load);
  }

  #keepCard(card: KeptCard, now: number): void {
    const name = cardName(card);
    const before = this.#cards.get(name);
    if (before !== undefined && JSON.stringify(before.card) === JSON.stringify(card.card)) return;
    this.#cards.set(name, card);
    this.#rows.keepCard(card, now);
    const needed = new Set(
      [...this.#instances.values()].map(({ report: { digest, provider } }) =>
        cardName({ digest: digest ?? "", provider }),
      ),
    );
    for (const [other, old] of this.#cards) {
      if (this.#cards.size <= MAX_CARDS) return;
      if (needed.has(other)) continue;
      this.#cards.delete(other);
      this.#rows.forgetCard(old);
    }
  }

  #instancesOf(url: string): readonly Instance[] {
    return [...this.#instances.values()].filter(({ report }) => report.url === url);
  }

  #hasRoom(now: number): boolean {
    if (this.#instances.size >= MAX_INSTANCES) this.#forgetOld(now);
    return this.#instances.size < MAX_INSTANCES;
  }

  /** Of an address that sleeps its last instance stands for it; those that are lost beside others are gone. */
  #forgetOld(now: number): void {
    for (const [name, { report, heardAt }] of this.#instances) {
      const ageMs = now - heardAt;
      if (ageMs <= LOST_AFTER_MS) continue;
      const isNeeded =
        report.sleeps &&
        ageMs < ASLEEP_MS &&
        !this.#instancesOf(report.url).some((other) => other.heardAt > heardAt);
      if (isNeeded || (!report.sleeps && ageMs < SHOWN_LOST_MS)) continue;
      this.#instances.delete(name);
      this.#rows.forgetReport(report);
    }
  }
}

/** Names a card: of which weights, on which provider. */
export function cardName({ digest, provider }: Pick<KeptCard, "digest" | "provider">): string {
  return `${digest} ${provider}`;
}

function nameOf({ url, instance }: Pick<KeptReport, "url" | "instance">): string {
  return `${url} ${instance}`;
}

/** What of a report matters to who reads it a minute later. */
function lastingOf({ model, provider, digest, numerics, state, sleeps }: KeptReport): string {
  return JSON.stringify([model, provider, digest, numerics, state, sleeps]);
}

/** What is thought of a function of the settings while nobody hears it. */
const asleepReport: Omit<KeptReport, "url" | "sent_at" | "model" | "provider" | "digest"> = {
  instance: "settings",
  numerics: null,
  state: "draining",
  eta_seconds: null,
  loaded_in_ms: null,
  queued_steps: 0,
  ms_per_step: null,
  running: 0,
  waiting: 0,
  places: 1,
  queue_length: 0,
  sleeps: true,
};
