import { DurableObject } from "cloudflare:workers";
import { newId } from "../id.ts";
import type { Erasure, RetentionCalls } from "../keepers.ts";
import { erasedIdOf } from "../ledger/ledger-client.ts";
import { logFault } from "../log.ts";
import { pinned } from "../storage/jurisdiction.ts";
import { accountParts, type ErasingBindings } from "./account-parts.ts";
import { type ErasureState, eraseStep } from "./erasure-steps.ts";
import { ErasureTable, nothingErased } from "./erasure-table.ts";
import { deleteExpired } from "./expired-uploads.ts";

/** Steps of one alarm: an alarm may last 15 minutes, and each step some seconds. */
const STEPS_AT_ONCE = 50;

/** After a fault the same step is tried again this much later. */
const RETRY_MS = 30_000;

/**
 * The keeper of one account's times: deletes its uploads when they are over, and the account itself when it is asked to. What it has
 * to do is in its storage, and its alarm goes on with it, whatever dies.
 */
export class RetentionObject extends DurableObject<ErasingBindings> implements RetentionCalls {
  /** The first end of an upload that was heard since the last sweep began: it is written to storage when that is over. */
  #heardUpload: number | null = null;

  constructor(state: DurableObjectState, env: ErasingBindings) {
    super(state, pinned(env));
  }

  async uploadKept(accountId: string, expiresAt: number): Promise<void> {
    const { kv } = this.ctx.storage;
    const known = kv.get<number>("uploads");
    this.#heardUpload = Math.min(this.#heardUpload ?? expiresAt, expiresAt);
    kv.put("account", accountId);
    if (known === undefined || known > expiresAt) kv.put("uploads", expiresAt);
    await this.#ring();
  }

  async erase(accountId: string): Promise<Erasure> {
    const { kv } = this.ctx.storage;
    const pseudonym = erasedIdOf(this.env, accountId);
    const known =
      kv.get<ErasureState>("erasure") ?? (await new ErasureTable(this.env.DB).findBy(pseudonym));
    if (known !== undefined) return told(known);
    const state: ErasureState = {
      ...{ id: newId("era"), accountId, pseudonym, phase: "closing", counts: nothingErased },
      ...{ startedAt: Date.now(), endedAt: null, isSecond: false },
    };
    kv.put("erasure", state);
    kv.put("erasure-at", Date.now());
    await this.#ring();
    // Nobody is let in any more once the caller is told so.
    return told((await this.#step(state)).state);
  }

  override async alarm(): Promise<void> {
    try {
      await this.#sweepUploads();
      await this.#goOn();
    } catch (cause) {
      logFault("an account's times could not be kept; it will be tried again", "", cause);
      this.#put("erasure-at", Date.now() + RETRY_MS);
      this.#put("uploads", Date.now() + RETRY_MS);
    }
    await this.#ring();
  }

  async #sweepUploads(): Promise<void> {
    const { kv } = this.ctx.storage;
    const [accountId, at] = [kv.get<string>("account"), kv.get<number>("uploads")];
    if (accountId === undefined || at === undefined || at > Date.now()) return;
    this.#heardUpload = null;
    const next = await deleteExpired(this.env.IMAGES, accountId, Date.now());
    const times = [next, this.#heardUpload].filter((time) => time !== null);
    if (times.length === 0) kv.delete("uploads");
    else kv.put("uploads", Math.min(...times));
  }

  async #goOn(): Promise<void> {
    const { kv } = this.ctx.storage;
    for (let step = 0; step < STEPS_AT_ONCE; step += 1) {
      const state = kv.get<ErasureState>("erasure");
      if (state === undefined || (kv.get<number>("erasure-at") ?? 0) > Date.now()) return;
      const { state: next } = await this.#step(state);
      if (next.phase === "done") return await this.ctx.storage.deleteAll();
    }
  }

  /** Does one step, keeps that it is done, and says so to whoever asks. */
  async #step(state: ErasureState): ReturnType<typeof eraseStep> {
    const parts = accountParts(this.env, state.accountId, state.pseudonym, Date.now);
    const step = await eraseStep(state, parts, Date.now());
    await new ErasureTable(this.env.DB).put(step.state);
    const { kv } = this.ctx.storage;
    kv.put("erasure", step.state);
    kv.put("erasure-at", Date.now() + step.waitMs);
    return step;
  }

  #put(what: "erasure-at" | "uploads", at: number): void {
    const { kv } = this.ctx.storage;
    if (kv.get(what) !== undefined) kv.put(what, at);
  }

  async #ring(): Promise<void> {
    const { kv } = this.ctx.storage;
    const times = [kv.get<number>("uploads"), kv.get<number>("erasure-at")].filter(
      (at) => at !== undefined,
    );
    if (times.length > 0) await this.ctx.storage.setAlarm(Math.max(Math.min(...times), Date.now()));
  }
}

/** Without the account's own id. */
function told({ id, pseudonym, phase, counts, startedAt, endedAt }: Erasure): Erasure {
  return { id, pseudonym, phase, counts, startedAt, endedAt };
}
