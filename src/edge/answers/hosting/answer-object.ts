import { DurableObject } from "cloudflare:workers";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Viewer } from "../../keys/viewer.ts";
import { pinned } from "../../storage/jurisdiction.ts";
import { durableStore } from "../../storage/sql-store.ts";
import type { AnswerCalls, ErasedObject } from "../answer-client.ts";
import type { AskedAs, Deletion, KeptAnswer } from "../answer-service.ts";
import type { AnswerOrder } from "../storage/answer-order.ts";
import { AnswerRows } from "../storage/answer-rows.ts";
import { type AnswerBindings, AnswerReach } from "./answer-reach.ts";
import { HostedAnswer, LOOK_MS } from "./hosted-answer.ts";

/**
 * Answers at rest that stay in memory, for those who come back at once: a few KB each. Threat: an object that is never idle
 * would keep every answer that it ever made.
 */
const REMEMBERED = 32;

/** Answers that are looked at in one alarm because something of them is to be forgotten: each costs a call of D1 and of the bucket. */
const FORGOTTEN_AT_ONCE = 50;

/** Answers that are erased in one call: each costs some calls of other objects. */
const ERASED_AT_ONCE = 20;

/** Within this it is written that nothing is left to do for an answer. */
const FLUSH_AFTER_MS = 2_000;

/** Between two alarms that forget something: a busy object's answers come first. */
const FORGET_PAUSE_MS = 1_000;

/**
 * The Durable Object of many answers of one account, or of the one answer that a version before began in it. Its alarm is
 * armed for the earliest of all that has to be looked at.
 */
export class AnswerObject
  extends DurableObject<AnswerBindings>
  implements AnswerCalls, ErasedObject
{
  readonly #rows: AnswerRows;
  readonly #reach: AnswerReach;
  readonly #answers = new Map<string, HostedAnswer>();
  /** When the alarm rings. Milliseconds since 1970. */
  #alarmAt: number | null = null;
  #isFlushing = false;

  constructor(state: DurableObjectState, env: AnswerBindings) {
    super(state, pinned(env));
    this.#reach = new AnswerReach(
      this.env,
      (name) => (this.env.ANSWERS.idFromName(name).equals(state.id) ? this : null),
      (work) => this.#inBackground(work),
    );
    this.#rows = new AnswerRows(durableStore(state.storage));
    void state.blockConcurrencyWhile(async () => {
      this.#alarmAt = await state.storage.getAlarm();
    });
  }

  async run(order: AnswerOrder, milliseconds: number | null): Promise<AnswerBody> {
    return await this.#answer(order.job.id).run(order, milliseconds);
  }

  async stream(order: AnswerOrder): Promise<ReadableStream<Uint8Array>> {
    return await this.#answer(order.job.id).stream(order);
  }

  async start(order: AnswerOrder): Promise<void> {
    await this.#answer(order.job.id).start(order);
  }

  async record(order: AnswerOrder, body: AnswerBody): Promise<void> {
    this.#answer(order.job.id).record(order, body);
  }

  async read(id: string, viewer: Viewer): Promise<AnswerBody | null> {
    return this.#answer(id).read(viewer);
  }

  async show(id: string, viewer: Viewer): Promise<AnswerBody | null> {
    return this.#answer(id).show(viewer);
  }

  async asked(id: string, viewer: Viewer): Promise<AskedAs | null> {
    return this.#answer(id).asked(viewer);
  }

  async wait(id: string, viewer: Viewer, milliseconds: number | null): Promise<AnswerBody | null> {
    return await this.#answer(id).wait(viewer, milliseconds);
  }

  async events(
    id: string,
    viewer: Viewer,
    after: number | null,
  ): Promise<ReadableStream<Uint8Array> | null> {
    return this.#answer(id).events(viewer, after);
  }

  async cancel(id: string, viewer: Viewer): Promise<AnswerBody | null> {
    return await this.#answer(id).cancel(viewer);
  }

  async delete(id: string, viewer: Viewer): Promise<Deletion | null> {
    return await this.#answer(id).delete(viewer);
  }

  async eraseSome(accountId: string): ReturnType<ErasedObject["eraseSome"]> {
    const ids = this.#rows.first(ERASED_AT_ONCE);
    let erased = 0;
    for (const id of ids) if (await this.#answer(id).eraseOf(accountId)) erased += 1;
    return { erased, isLeft: ids.length > 0 };
  }

  async kept(id: string, viewer: Viewer): Promise<KeptAnswer | null> {
    return await this.#answer(id).kept(viewer);
  }

  async follow(
    id: string,
    accountId: string,
    follower: string,
  ): Promise<ReadableStream<Uint8Array> | "not begun" | "over"> {
    return this.#answer(id).follow(accountId, follower);
  }

  async leave(id: string, follower: string): Promise<void> {
    this.#answer(id).leave(follower);
  }

  async call(id: string): Promise<void> {
    this.#answer(id).call();
  }

  async watch(
    id: string,
    accountId: string,
    milliseconds: number | null,
  ): Promise<AnswerBody | null> {
    return await this.#answer(id).watch(accountId, milliseconds);
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    this.#rows.flush();
    const opened = this.#rows.opened();
    // Before any of them is looked at, which may take the object down.
    if (opened.length > 0) this.#ringAt(Date.now() + LOOK_MS);
    await Promise.all(opened.map((id) => this.#answer(id).look()));
    const due = this.#rows.shelved(FORGOTTEN_AT_ONCE).filter(({ at }) => at <= Date.now());
    await Promise.all(due.map(({ id }) => this.#answer(id).look()));
    const [next] = this.#rows.shelved(1);
    if (next === undefined) return;
    const hasFailed = due.some(({ id }) => id === next.id);
    this.#ringAt(Math.max(next.at, Date.now() + (hasFailed ? LOOK_MS : FORGET_PAUSE_MS)));
  }

  #answer(id: string): HostedAnswer {
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const answer = new HostedAnswer(id, {
      rows: this.#rows,
      reach: this.#reach,
      ringAt: (at) => this.#ringAt(at),
      onRest: () => this.#flushSoon(),
      inBackground: (work) => this.#inBackground(work),
      onEmpty: () => this.#empty(),
    });
    this.#makeRoom();
    this.#answers.set(id, answer);
    return answer;
  }

  #makeRoom(): void {
    for (const [id, answer] of this.#answers) {
      if (this.#answers.size < REMEMBERED) return;
      if (answer.isAtRest) this.#answers.delete(id);
    }
  }

  /** Lets answers that rest gather: on a disk each write for itself costs the next answer's time. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const flush = async (): Promise<void> => {
      await scheduler.wait(FLUSH_AFTER_MS);
      this.#isFlushing = false;
      this.#rows.flush();
    };
    this.#inBackground(flush());
  }

  /** Leaves nothing that would be paid for. */
  async #empty(): Promise<void> {
    this.#rows.gone();
    // The alarm goes with the rest: the next answer arms its own.
    this.#alarmAt = null;
    await this.ctx.storage.deleteAll();
  }

  /** Only ever sets it earlier: an alarm that finds nothing to do costs less than a write for each answer. Written with what the turn writes besides. */
  #ringAt(at: number): void {
    if (this.#alarmAt !== null && this.#alarmAt <= at) return;
    this.#alarmAt = at;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at));
  }

  /** Losing such work costs a delay: the alarm does what it did not come to. */
  #inBackground(work: Promise<void>): void {
    this.ctx.waitUntil(work);
  }
}
