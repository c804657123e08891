import { DurableObject } from "cloudflare:workers";
import type { NumericsText } from "#domain/numerics.ts";
import { logFault } from "../log.ts";
import type { Leader } from "./answer-cache.ts";

/** A cached answer as it lies in the object. Times are milliseconds since 1970. */
export interface CacheEntry {
  /** The body as JSON text. */
  readonly text: string;
  /** Hex SHA-256 of the text's UTF-8: what was damaged in storage is no answer. */
  readonly sha256: string;
  /** Replay digest of the answer. */
  readonly digest: string;
  /** Class of the arithmetic that made it; absent in entries of before, null where its function said none. */
  readonly numerics?: NumericsText | null;
  /** Whose words they are; absent in entries of before. */
  readonly answerId?: string;
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** An answer that would be made, or found, under the key. */
export interface Claim {
  /** Under which it would be answered. */
  readonly answerId: string;
  readonly accountId: string;
  /** Weights that the key stands for. */
  readonly modelDigest: string;
  /** `no-cache`: what is stored, and what others run, is not asked for. */
  readonly isFresh: boolean;
  /** Whether it may be run. */
  readonly mayLead: boolean;
  /** Milliseconds; null is any age. */
  readonly maxAgeMs: number | null;
  /** A leader that came to nothing. */
  readonly notLeader: string | null;
}

export type Claimed =
  | { readonly kind: "hit"; readonly entry: CacheEntry }
  | {
      readonly kind: "join";
      readonly leaderId: string;
      readonly leaderAccountId: string;
      /** Since it took the lead. */
      readonly ageMs: number;
    }
  | { readonly kind: "lead" }
  | { readonly kind: "absent" };

/** How long an answer is kept at the most; no longer than its account keeps it. It never becomes wrong: this only bounds what is stored. */
export const CACHE_LIFETIME_MS: number = 30 * 86_400_000;

/**
 * How long a leader is waited for that neither stores nor abandons: its Worker died between claiming and starting, or it
 * runs that long. Then another runs beside it, which costs a run and breaks nothing; what a leader stores after the
 * object has emptied itself is not kept.
 */
export const LEADER_LEASE_MS = 600_000;

/**
 * How long a new leader may take to hold its price and start. Until then, a caller that found no answer of it came too early,
 * and does not lead beside it.
 */
export const LEADER_START_MS = 5_000;

interface Lead extends Leader {
  readonly since: number;
  readonly until: number;
}

/**
 * A lead that has lasted so long is written down. Shorter ones live in this instance alone, which outlives them: with it, all
 * that is lost is that an equal question runs beside, which costs a run and breaks nothing. So no caller waits for a write.
 */
export const LEAD_KEPT_AFTER_MS = 2_000;

/** The Durable Object of one cache key: the stored answer, or which answer is making it. */
export class CacheObject extends DurableObject {
  /** Weights that the key stands for, as the last claim said. */
  #model: string | undefined;
  #lead: Lead | undefined;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    const { kv } = state.storage;
    this.#model = kv.get<string>("model");
    this.#lead = kv.get<Lead>("leader");
  }

  async claim(claim: Claim): Promise<Claimed> {
    const now = Date.now();
    const entry = this.ctx.storage.kv.get<CacheEntry>("entry");
    if (!claim.isFresh && entry !== undefined && isServable(entry, claim, now))
      return { kind: "hit", entry };
    if (!claim.mayLead) return { kind: "absent" };
    const lead = this.#lead;
    const isLed = lead !== undefined && mayStillLead(lead, claim, now);
    if (isLed && !claim.isFresh && lead.answerId !== claim.answerId) {
      const { answerId: leaderId, accountId: leaderAccountId, since } = lead;
      return { kind: "join", leaderId, leaderAccountId, ageMs: Math.max(0, now - since) };
    }
    if (!isLed) {
      this.#model = claim.modelDigest;
      this.#take(claim, now);
    }
    return { kind: "lead" };
  }

  /** Takes the lead over from a leader that was lost before its work began, or says who has. */
  async succeed(answer: Leader, lostId: string): Promise<Leader> {
    const now = Date.now();
    const isLed = this.#lead !== undefined && this.#lead.until > now;
    if (!isLed || this.#lead?.answerId === lostId) this.#take(answer, now);
    const { answerId, accountId } = this.#lead ?? answer;
    return { answerId, accountId };
  }

  /** Keeps an answer, which also ends its leader's lead. An answer of other weights than the key's is another key's answer. */
  async store(entry: CacheEntry, modelDigest: string): Promise<void> {
    const { kv } = this.ctx.storage;
    if (this.#model !== modelDigest) return;
    const known = kv.get<CacheEntry>("entry");
    this.#letGo();
    if (known !== undefined && known.expiresAt > Date.now() && known.digest !== entry.digest) {
      // Some caller has been told the first; all later ones are told the same. Two classes of arithmetic may choose otherwise.
      if (isOfOneClass(known, entry))
        logFault(
          "equal questions had different answers of one class of arithmetic; the first is kept",
          entry.digest,
          known.digest,
        );
      return;
    }
    kv.put("entry", entry);
    await this.ctx.storage.setAlarm(entry.expiresAt);
  }

  async abandon(answerId: string): Promise<void> {
    if (this.#lead?.answerId === answerId) this.#letGo();
  }

  /** Deletes a damaged entry, unless another has taken its place. */
  async drop(entry: CacheEntry): Promise<void> {
    const { kv } = this.ctx.storage;
    const known = kv.get<CacheEntry>("entry");
    if (known?.storedAt === entry.storedAt && known.sha256 === entry.sha256) kv.delete("entry");
  }

  /** Forgets this answer, and that it led; another that was stored meanwhile stays. */
  async forget(answerId: string): Promise<void> {
    await this.abandon(answerId);
    const { kv } = this.ctx.storage;
    const entry = kv.get<CacheEntry>("entry");
    if (entry !== undefined && idIn(entry) === answerId) kv.delete("entry");
    if (kv.get("entry") === undefined && this.#lead === undefined) await this.#empty();
  }

  override async alarm(): Promise<void> {
    const entry = this.ctx.storage.kv.get<CacheEntry>("entry");
    const endsAt = Math.max(entry?.expiresAt ?? 0, this.#lead?.until ?? 0);
    if (endsAt > Date.now()) return await this.ctx.storage.setAlarm(endsAt);
    await this.#empty();
  }

  async #empty(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#lead = undefined;
    this.#model = undefined;
  }

  #take({ answerId, accountId }: Leader, now: number): void {
    this.#lead = { answerId, accountId, since: now, until: now + LEADER_LEASE_MS };
    this.ctx.waitUntil(this.#keepLead(this.#lead));
  }

  async #keepLead(lead: Lead): Promise<void> {
    await scheduler.wait(LEAD_KEPT_AFTER_MS);
    if (this.#lead !== lead) return;
    const { kv } = this.ctx.storage;
    if (this.#model !== undefined) kv.put("model", this.#model);
    kv.put("leader", lead);
    if (kv.get("entry") === undefined) await this.ctx.storage.setAlarm(lead.until);
  }

  #letGo(): void {
    const { kv } = this.ctx.storage;
    this.#lead = undefined;
    if (kv.get("leader") !== undefined) kv.delete("leader");
  }
}

/** Entries of before do not say it beside their text. */
function idIn({ answerId, text }: CacheEntry): unknown {
  return answerId ?? (JSON.parse(text) as { readonly id?: unknown }).id;
}

function isOfOneClass(known: CacheEntry, entry: CacheEntry): boolean {
  return typeof entry.numerics === "string" && known.numerics === entry.numerics;
}

function isServable(entry: CacheEntry, { maxAgeMs }: Claim, now: number): boolean {
  return entry.expiresAt > now && (maxAgeMs === null || now - entry.storedAt <= maxAgeMs);
}

function mayStillLead({ answerId, since, until }: Lead, claim: Claim, now: number): boolean {
  return until > now && (answerId !== claim.notLeader || now - since < LEADER_START_MS);
}
