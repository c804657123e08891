import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { sha256Hex } from "#wire/codec/digest.ts";

/**
 * Threat: somebody who tries keys and codes out, each of which asks the tables. Keys have 256 random bits and codes 128, so
 * that none is found this way; ten wrong ones within ten minutes are more than a person needs.
 */
const MAX_FAILURES = 10;
const WINDOW_MS = 10 * 60_000;

/** As rows in D1, so that all Workers count together: how often a network was wrong lately. */
export class SignInAttempts {
  readonly #db: D1Database;
  readonly #now: () => number;

  constructor(db: D1Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Refuses a network that was wrong too often, before anything of what it brings is looked at. */
  async check(network: string): Promise<Result<void, Failure>> {
    const row = await this.#db
      .prepare("SELECT count, forget_at FROM sign_in_failures WHERE network_sha256 = ?")
      .bind(await digestOf(network))
      .first<{ count: number; forget_at: number }>();
    const waitMs = (row?.forget_at ?? 0) - this.#now();
    if (row === null || row.count < MAX_FAILURES || waitMs <= 0) return ok(undefined);
    return refuse({ kind: "too_many_attempts", retryAfterSeconds: Math.ceil(waitMs / 1000) });
  }

  /** Counts a wrong key or code. The first begins a window, in which all others count. */
  async failed(network: string): Promise<void> {
    const now = this.#now();
    await this.#db.batch([
      this.#db.prepare("DELETE FROM sign_in_failures WHERE forget_at <= ?").bind(now),
      this.#db
        .prepare(
          `INSERT INTO sign_in_failures (network_sha256, count, forget_at) VALUES (?, 1, ?)
           ON CONFLICT (network_sha256) DO UPDATE SET count = count + 1`,
        )
        .bind(await digestOf(network), now + WINDOW_MS),
    ]);
  }
}

/**
 * Names the network that an address belongs to: an IPv4 address itself, the first 64 bits of an IPv6 address, all of which
 * one customer of a provider has. `address` is Cloudflare's own `CF-Connecting-IP`; null on this machine, where all are one.
 */
export function networkOf(address: string | null): string {
  if (address === null) return "here";
  const url = URL.parse(`http://[${address}]/`);
  if (url === null) return address.slice(0, 64);
  const [head = "", tail = ""] = url.hostname.slice(1, -1).split("::");
  const [left, right] = [head, tail].map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(8 - (left?.length ?? 0) - (right?.length ?? 0)).fill("0");
  return [...(left ?? []), ...zeros, ...(right ?? [])].slice(0, 4).join(":");
}

async function digestOf(text: string): Promise<string> {
  return await sha256Hex(new Uint8Array(new TextEncoder().encode(text)));
}
