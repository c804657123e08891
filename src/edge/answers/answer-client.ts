import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Viewer } from "../keys/viewer.ts";
import type { ObjectOf, ObjectsOf } from "../objects.ts";
import { withRetry } from "../with-retry.ts";
import type { Answers, KeptAnswer } from "./answer-service.ts";
import type { AnswerOrder } from "./storage/answer-order.ts";

/** What the object of one answer is asked: as in `Answers`, of itself. */
export interface AnswerCalls {
  start(order: AnswerOrder): Promise<void>;
  run(order: AnswerOrder, milliseconds: number | null): Promise<AnswerBody>;
  stream(order: AnswerOrder): Promise<ReadableStream<Uint8Array>>;
  read(viewer: Viewer): Promise<AnswerBody | null>;
  wait(viewer: Viewer, milliseconds: number | null): Promise<AnswerBody | null>;
  events(viewer: Viewer, after: number | null): Promise<ReadableStream<Uint8Array> | null>;
  cancel(viewer: Viewer): Promise<AnswerBody | null>;
  kept(viewer: Viewer): Promise<KeptAnswer | null>;
  record(order: AnswerOrder, body: AnswerBody): Promise<void>;
  follow(
    accountId: string,
    follower: string,
  ): Promise<ReadableStream<Uint8Array> | "not begun" | "over">;
  leave(follower: string): Promise<void>;
  call(): Promise<void>;
  watch(accountId: string, milliseconds: number | null): Promise<AnswerBody | null>;
}

/** Where the answers are bound. */
export interface AnswerBinding {
  /** One per answer, named by its id. */
  readonly ANSWERS: ObjectsOf<AnswerCalls>;
}

/** An object that died under a call is there again at once, elsewhere. */
const ATTEMPTS = 3;

/** Reaches the answers. Every call may be repeated, so one that an object's death cut off is. */
export function answersOf({ ANSWERS }: AnswerBinding): Answers {
  // A stub whose object died fails for ever: each attempt takes a new one.
  const call = async <Value>(
    answerId: string,
    operation: (answer: ObjectOf<AnswerCalls>) => Promise<Value>,
  ): Promise<Value> => {
    return await withRetry(() => operation(ANSWERS.getByName(answerId)), {
      attempts: ATTEMPTS,
      isFinal: isOverloaded,
    });
  };
  return {
    start: (order) => call(order.job.id, (answer) => answer.start(order)),
    run: (order, milliseconds, caller) =>
      call(order.job.id, async (answer) => {
        const { job, owner } = order;
        const cancel = (): void =>
          // Calls through one stub arrive in the order in which they were made, so that it comes behind the start.
          caller?.waitUntil(answer.cancel({ accountId: job.accountId, owner }));
        const running = answer.run(order, milliseconds);
        caller?.signal.addEventListener("abort", cancel, { once: true });
        try {
          if (caller?.signal.aborted === true) cancel();
          return await running;
        } finally {
          caller?.signal.removeEventListener("abort", cancel);
        }
      }),
    stream: (order) => call(order.job.id, async (answer) => await answer.stream(order)),
    read: (id, viewer) => call(id, (answer) => answer.read(viewer)),
    wait: (id, viewer, milliseconds) => call(id, (answer) => answer.wait(viewer, milliseconds)),
    events: (id, viewer, after) => call(id, (answer) => answer.events(viewer, after)),
    cancel: (id, viewer) => call(id, (answer) => answer.cancel(viewer)),
    // The runtime's types make a pair a list on its way through the call; it arrives as it was.
    kept: async (id, viewer) =>
      (await call(id, async (answer) => await answer.kept(viewer))) as KeptAnswer | null,
    record: (order, body) => call(order.job.id, (answer) => answer.record(order, body)),
    follow: (leader, follower) =>
      call(
        leader.answerId,
        async (answer): ReturnType<Answers["follow"]> =>
          await answer.follow(leader.accountId, follower),
      ),
    leave: (leader, follower) => call(leader.answerId, (answer) => answer.leave(follower)),
    call: (id) => call(id, (answer) => answer.call()),
    watch: (leader, milliseconds) =>
      call(leader.answerId, (answer) => answer.watch(leader.accountId, milliseconds)),
  };
}

/** Whether the object asks for fewer calls, not for more. Source: Durable Objects, error handling. */
function isOverloaded(cause: unknown): boolean {
  return cause instanceof Error && "overloaded" in cause && cause.overloaded === true;
}
