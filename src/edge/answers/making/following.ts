import type { MadeEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { decodeSse } from "#wire/codec/sse.ts";
import type { Dispatched } from "../../fleet/dispatch.ts";
import { logFault } from "../../log.ts";
import type { LedAnswer } from "../storage/answer-order.ts";
import type { WorkMessage } from "./shared-work.ts";

/** How long a leader may take to hold its price and start, before its followers begin without it. */
const LEADER_START_MS = 2_000;

/** Between two looks for a leader that has not started. */
const LOOK_MS = 50;

/** What a follower needs of the answers. */
export interface Followed {
  /** The work of an answer, for one that takes part in it: messages as server-sent bytes. */
  follow(
    leader: LedAnswer,
    follower: string,
  ): Promise<ReadableStream<Uint8Array> | "not begun" | "over">;
  /** Ends a follower's part. */
  leave(leader: LedAnswer, follower: string): Promise<void>;
}

/**
 * Whose work an answer takes part in. Where that is lost before it began, the first of those who lost it leads and the
 * others follow; where it is lost later, each goes on with a run of its own, from where it was.
 */
export class Following {
  readonly #answers: Followed;
  readonly #follower: string;
  readonly #onHeir: () => void;
  /** Says who leads now that this one is lost: the follower itself, or who came first. */
  readonly #succeed: (lost: LedAnswer) => Promise<LedAnswer>;
  #leader: LedAnswer | null;
  #isHeir = false;

  constructor(
    leader: LedAnswer | null,
    follower: string,
    terms: {
      readonly answers: Followed;
      readonly onHeir: () => void;
      readonly succeed: (lost: LedAnswer) => Promise<LedAnswer>;
    },
  ) {
    this.#leader = leader;
    this.#follower = follower;
    this.#answers = terms.answers;
    this.#onHeir = terms.onHeir;
    this.#succeed = terms.succeed;
  }

  /** Whether it takes part in the work of another; else it works by itself. */
  get isFollower(): boolean {
    return this.#leader !== null;
  }

  /** Whether another pays for the work: it has not become this answer's own. */
  get isShared(): boolean {
    return this.isFollower && !this.#isHeir;
  }

  /** Takes part in the leader's work. Refused with `function_unreachable` where there is none to take part in, any more. */
  async dispatch(signal: AbortSignal): Promise<Result<Dispatched, Failure>> {
    const leader = this.#leader;
    if (leader === null) return refuse({ kind: "function_unreachable" });
    const followed = await followWork(this.#answers, leader, this.#follower, signal, () => {
      this.#isHeir = true;
      this.#onHeir();
    });
    if (followed !== null) return ok({ ...followed, events: this.#untilLost(followed.events) });
    const next = await this.#succeed(leader);
    this.#leader = next.answerId === this.#follower ? null : next;
    return refuse({ kind: "function_unreachable" });
  }

  async *#untilLost(events: Dispatched["events"]): Dispatched["events"] {
    for await (const event of events) {
      if (event.kind === "answer.failed") [this.#leader, this.#isHeir] = [null, false];
      yield event;
    }
  }
}

/**
 * Takes part in the work that another answer began, as if its object were a function: the events are the same. Null where
 * there is none to take part in. An end that is not a whole answer, and a leader whose object dies, read as the death of a
 * function: the follower goes on with one of its own. `onHeir` is called once the work has become the follower's.
 */
async function followWork(
  answers: Followed,
  leader: LedAnswer,
  follower: string,
  signal: AbortSignal,
  onHeir: () => void,
): Promise<Dispatched | null> {
  try {
    const stream = await streamOf(answers, leader, follower, signal);
    if (stream === null) return null;
    const messages = readMessages(stream.pipeThrough(new TransformStream(), { signal }));
    // Told to the leader too, which need not find out by a write that fails.
    const leave = (): void => void answers.leave(leader, follower).catch(() => undefined);
    signal.addEventListener("abort", leave, { once: true });
    for (;;) {
      const first = await messages.next();
      if (first.done === true) return null;
      if (first.value.kind === "heir") onHeir();
      if (first.value.kind === "taken")
        return {
          modelDigest: first.value.modelDigest,
          events: tell(messages, follower, signal, onHeir),
        };
    }
  } catch (cause) {
    signal.throwIfAborted();
    logFault("the work of another answer cannot be followed", follower, cause);
    return null;
  }
}

async function streamOf(
  answers: Followed,
  leader: LedAnswer,
  follower: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array> | null> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    signal.throwIfAborted();
    const work = await answers.follow(leader, follower);
    if (work === "over") return null;
    if (work !== "not begun") return work;
    if (waitedMs >= LEADER_START_MS) return null;
    await scheduler.wait(LOOK_MS, { signal });
  }
}

async function* readMessages(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<WorkMessage, void, undefined> {
  for await (const { data } of decodeSse(stream)) yield JSON.parse(data) as WorkMessage;
}

async function* tell(
  messages: AsyncGenerator<WorkMessage, void, undefined>,
  follower: string,
  signal: AbortSignal,
  onHeir: () => void,
): AsyncGenerator<MadeEvent, void, undefined> {
  try {
    for await (const message of messages) {
      if (message.kind === "heir") onHeir();
      else if (message.kind !== "taken") yield message;
    }
  } catch (cause) {
    signal.throwIfAborted();
    logFault("the work of another answer broke off", follower, cause);
  }
  signal.throwIfAborted();
  yield { kind: "answer.failed", failure: { kind: "function_reply_invalid" } };
}
