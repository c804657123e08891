import type { Answerer } from "./answering/answerer.ts";
import { type Result, resultOf, type Task } from "./results.ts";

export interface EvaluationOptions {
  readonly tasks: AsyncIterable<Task> | Iterable<Task>;
  readonly answerer: Answerer;
  /** Questions on their way at one time. */
  readonly concurrency: number;
  /** Milliseconds from any fixed moment. */
  readonly now: () => number;
  /** Called once for every task, in the order in which they end. */
  readonly onResult: (result: Result, task: Task) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Asks every task's question. The first fault stops the others and rejects when they have ended; what `onResult` was told
 * by then stands.
 */
export async function evaluate(options: EvaluationOptions): Promise<void> {
  const { tasks, answerer, concurrency, now, onResult } = options;
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  const waiting = inTurn(tasks);
  const work = async (): Promise<void> => {
    // One iterator for all workers: each takes the next task.
    for await (const task of waiting) {
      signal.throwIfAborted();
      const startedMs = now();
      const outcome = await answerer.answer(task.asked, signal);
      await onResult(resultOf(task, outcome, Math.round(now() - startedMs)), task);
    }
  };
  const workers = Array.from({ length: concurrency }, async () => {
    try {
      await work();
    } catch (cause) {
      failing.abort(cause);
      throw cause;
    }
  });
  await Promise.allSettled(workers);
  signal.throwIfAborted();
}

/** A generator has one caller at a time: those who ask for the next task wait for each other. */
async function* inTurn(
  tasks: AsyncIterable<Task> | Iterable<Task>,
): AsyncGenerator<Task, void, undefined> {
  yield* tasks;
}
