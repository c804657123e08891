import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Viewer } from "../keys/viewer.ts";
import type { ObjectOf, ObjectsOf } from "../objects.ts";
import { withRetry } from "../with-retry.ts";
import { objectNameOf } from "./answer-id.ts";
import type { Answers, AskedAs, Deletion, KeptAnswer } from "./answer-service.ts";
import type { AnswerOrder } from "./storage/answer-order.ts";

/** What the object of some answers is asked: as in `Answers`, of one of them. */
export interface AnswerCalls {
  start(order: AnswerOrder): Promise<void>;
  run(order: AnswerOrder, milliseconds: number | null): Promise<AnswerBody>;
  stream(order: AnswerOrder): Promise<ReadableStream<Uint8Array>>;
  read(id: string, viewer: Viewer): Promise<AnswerBody | null>;
  show(id: string, viewer: Viewer): Promise<AnswerBody | null>;
  asked(id: string, viewer: Viewer): Promise<AskedAs | null>;
  wait(id: string, viewer: Viewer, milliseconds: number | null): Promise<AnswerBody | null>;
  events(
    id: string,
    viewer: Viewer,
    after: number | null,
  ): Promise<ReadableStream<Uint8Array> | null>;
  cancel(id: string, viewer: Viewer): Promise<AnswerBody | null>;
  delete(id: string, viewer: Viewer): Promise<Deletion | null>;
  kept(id: string, viewer: Viewer): Promise<KeptAnswer | null>;
  record(order: AnswerOrder, body: AnswerBody): Promise<void>;
  follow(
    id: string,
    accountId: string,
    follower: string,
  ): Promise<ReadableStream<Uint8Array> | "not begun" | "over">;
  leave(id: string, follower: string): Promise<void>;
  call(id: string): Promise<void>;
  watch(id: string, accountId: string, milliseconds: number | null): Promise<AnswerBody | null>;
}

/** What an object of answers is asked when their account is erased. */
export interface ErasedObject {
  /** Erases some of the account's answers: those under way are cancelled first. */
  eraseSome(accountId: string): Promise<{ readonly erased: number; readonly isLeft: boolean }>;
}

/** Where the answers are bound. */
export interface AnswerBinding {
  /** Some per account, shared by its answers, and one for each answer of versions before: `objectNameOf`. */
  readonly ANSWERS: ObjectsOf<AnswerCalls>;
}

/** An object that died under a call is there again at once, elsewhere. */
const ATTEMPTS = 3;

/** The object of the answers of one name: through its stub, or itself where it is the caller. */
type Called = ObjectOf<AnswerCalls> | AnswerCalls;

/**
 * Reaches the answers. Every call may be repeated, so one that an object's death cut off is. `own` is for an object of answers,
 * which hands out itself for its own name: called through a stub it would wait for itself, and the whole runtime ends when an object
 * dies that does (workerd 1.20261023: "Promise callback destroyed itself").
 */
export function answersOf(
  { ANSWERS }: AnswerBinding,
  own: (name: string) => AnswerCalls | null = () => null,
): Answers {
  // A stub whose object died fails for ever: each attempt takes a new one.
  const call = async <Value>(
    accountId: string,
    answerId: string,
    operation: (object: Called) => Promise<Value>,
  ): Promise<Value> => {
    const name = objectNameOf(accountId, answerId);
    return await withRetry(() => operation(own(name) ?? ANSWERS.getByName(name)), {
      attempts: ATTEMPTS,
      isFinal: isOverloaded,
    });
  };
  const ordered = <Value>(
    { job }: AnswerOrder,
    operation: (object: Called) => Promise<Value>,
  ): Promise<Value> => call(job.accountId, job.id, operation);
  return {
    start: (order) => ordered(order, (object) => object.start(order)),
    run: (order, milliseconds, caller) =>
      ordered(order, async (object) => {
        const { job, owner } = order;
        const cancel = (): void =>
          // Calls through one stub arrive in the order in which they were made, so that it comes behind the start.
          caller?.waitUntil(object.cancel(job.id, { accountId: job.accountId, owner }));
        const running = object.run(order, milliseconds);
        caller?.signal.addEventListener("abort", cancel, { once: true });
        try {
          if (caller?.signal.aborted === true) cancel();
          return await running;
        } finally {
          caller?.signal.removeEventListener("abort", cancel);
        }
      }),
    stream: (order) => ordered(order, async (object) => await object.stream(order)),
    read: (id, viewer) => call(viewer.accountId, id, (object) => object.read(id, viewer)),
    show: (id, viewer) => call(viewer.accountId, id, (object) => object.show(id, viewer)),
    asked: (id, viewer) => call(viewer.accountId, id, (object) => object.asked(id, viewer)),
    wait: (id, viewer, milliseconds) =>
      call(viewer.accountId, id, (object) => object.wait(id, viewer, milliseconds)),
    events: (id, viewer, after) =>
      call(viewer.accountId, id, (object) => object.events(id, viewer, after)),
    cancel: (id, viewer) => call(viewer.accountId, id, (object) => object.cancel(id, viewer)),
    delete: (id, viewer) => call(viewer.accountId, id, (object) => object.delete(id, viewer)),
    // The runtime's types make a pair a list on its way through the call; it arrives as it was.
    kept: async (id, viewer) =>
      (await call(
        viewer.accountId,
        id,
        async (object) => await object.kept(id, viewer),
      )) as KeptAnswer | null,
    record: (order, body) => ordered(order, (object) => object.record(order, body)),
    follow: ({ accountId, answerId }, follower) =>
      call(
        accountId,
        answerId,
        async (object): ReturnType<Answers["follow"]> =>
          await object.follow(answerId, accountId, follower),
      ),
    leave: ({ accountId, answerId }, follower) =>
      call(accountId, answerId, (object) => object.leave(answerId, follower)),
    call: ({ accountId, answerId }) => call(accountId, answerId, (object) => object.call(answerId)),
    watch: ({ accountId, answerId }, milliseconds) =>
      call(accountId, answerId, (object) => object.watch(answerId, accountId, milliseconds)),
  };
}

/** Whether the object asks for fewer calls, not for more. Source: Durable Objects, error handling. */
function isOverloaded(cause: unknown): boolean {
  return cause instanceof Error && "overloaded" in cause && cause.overloaded === true;
}
