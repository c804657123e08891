import type { AnswerObject } from "./answer-object.ts";
import type { Answers, KeptAnswer } from "./answers.ts";

/** An object that died under a call is there again at once, elsewhere. */
const ATTEMPTS = 3;

/** Reaches the answers. Every call may be repeated, so one that an object's death cut off is. */
export function answersOf({
  ANSWERS,
}: {
  readonly ANSWERS: DurableObjectNamespace<AnswerObject>;
}): Answers {
  // A stub whose object died fails for ever: each attempt takes a new one.
  const call = async <Value>(
    answerId: string,
    operation: (answer: DurableObjectStub<AnswerObject>) => Promise<Value>,
  ): Promise<Value> => {
    for (let made = 1; ; made += 1) {
      try {
        return await operation(ANSWERS.getByName(answerId));
      } catch (cause) {
        if (made >= ATTEMPTS || isOverloaded(cause)) throw cause;
      }
    }
  };
  return {
    start: (order) => call(order.job.id, (answer) => answer.start(order)),
    read: (id, accountId) => call(id, (answer) => answer.read(accountId)),
    wait: (id, accountId, milliseconds) =>
      call(id, (answer) => answer.wait(accountId, milliseconds)),
    events: (id, accountId, after) => call(id, (answer) => answer.events(accountId, after)),
    cancel: (id, accountId) => call(id, (answer) => answer.cancel(accountId)),
    // The runtime's types make a pair a list on its way through the call; it arrives as it was.
    kept: async (id, accountId) =>
      (await call(id, async (answer) => await answer.kept(accountId))) as KeptAnswer | null,
    record: (order, body) => call(order.job.id, (answer) => answer.record(order, body)),
  };
}

/** Whether the object asks for fewer calls, not for more. Source: Durable Objects, error handling. */
function isOverloaded(cause: unknown): boolean {
  return cause instanceof Error && "overloaded" in cause && cause.overloaded === true;
}
