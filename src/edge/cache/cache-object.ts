import { DurableObject } from "cloudflare:workers";
import { logFault } from "../log.ts";

/** A cached answer as it lies in the object. Times are milliseconds since 1970. */
export interface CacheEntry {
  /** The body as JSON text. */
  readonly text: string;
  /** Hex SHA-256 of the text's UTF-8: what was damaged in storage is no answer. */
  readonly sha256: string;
  /** Replay digest of the answer. */
  readonly digest: string;
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

/** How long an answer is kept. It never becomes wrong: this only bounds what is stored. */
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

interface Leader {
  readonly answerId: string;
  readonly accountId: string;
  readonly since: number;
  readonly until: number;
}

/** The Durable Object of one cache key: the stored answer, or which answer is making it. */
export class CacheObject extends DurableObject {
  async claim(claim: Claim): Promise<Claimed> {
    const now = Date.now();
    const { kv } = this.ctx.storage;
    const entry = kv.get<CacheEntry>("entry");
    if (!claim.isFresh && entry !== undefined && isServable(entry, claim, now))
      return { kind: "hit", entry };
    if (!claim.mayLead) return { kind: "absent" };
    const leader = kv.get<Leader>("leader");
    const isLed = leader !== undefined && mayStillLead(leader, claim, now);
    if (isLed && !claim.isFresh && leader.answerId !== claim.answerId) {
      const { answerId: leaderId, accountId: leaderAccountId, since } = leader;
      return { kind: "join", leaderId, leaderAccountId, ageMs: Math.max(0, now - since) };
    }
    if (!isLed) await this.#lead(claim, now);
    return { kind: "lead" };
  }

  /** Keeps an answer, which also ends its leader's lead. An answer of other weights than the key's is another key's answer. */
  async store(entry: CacheEntry, modelDigest: string): Promise<void> {
    const { kv } = this.ctx.storage;
    if (kv.get<string>("model") !== modelDigest) return;
    const known = kv.get<CacheEntry>("entry");
    kv.delete("leader");
    if (known !== undefined && known.expiresAt > Date.now() && known.digest !== entry.digest) {
      // Two functions that round differently. Some caller has been told the first; all later ones are told the same.
      logFault(
        "equal questions had different answers; the first is kept",
        entry.digest,
        known.digest,
      );
      return;
    }
    kv.put("entry", entry);
    await this.ctx.storage.setAlarm(entry.expiresAt);
  }

  async abandon(answerId: string): Promise<void> {
    const { kv } = this.ctx.storage;
    if (kv.get<Leader>("leader")?.answerId === answerId) kv.delete("leader");
  }

  /** Deletes a damaged entry, unless another has taken its place. */
  async drop(entry: CacheEntry): Promise<void> {
    const { kv } = this.ctx.storage;
    const known = kv.get<CacheEntry>("entry");
    if (known?.storedAt === entry.storedAt && known.sha256 === entry.sha256) kv.delete("entry");
  }

  override async alarm(): Promise<void> {
    const { kv } = this.ctx.storage;
    const entry = kv.get<CacheEntry>("entry");
    const leader = kv.get<Leader>("leader");
    const endsAt = Math.max(entry?.expiresAt ?? 0, leader?.until ?? 0);
    if (endsAt > Date.now()) await this.ctx.storage.setAlarm(endsAt);
    else await this.ctx.storage.deleteAll();
  }

  async #lead({ answerId, accountId, modelDigest }: Claim, now: number): Promise<void> {
    const { kv } = this.ctx.storage;
    kv.put("model", modelDigest);
    const until = now + LEADER_LEASE_MS;
    kv.put("leader", { answerId, accountId, since: now, until } satisfies Leader);
    if (kv.get("entry") === undefined) await this.ctx.storage.setAlarm(until);
  }
}

function isServable(entry: CacheEntry, { maxAgeMs }: Claim, now: number): boolean {
  return entry.expiresAt > now && (maxAgeMs === null || now - entry.storedAt <= maxAgeMs);
}

function mayStillLead({ answerId, since, until }: Leader, claim: Claim, now: number): boolean {
  return until > now && (answerId !== claim.notLeader || now - since < LEADER_START_MS);
}
