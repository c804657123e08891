import type { Answerer } from "./answering/answerer.ts";
import { type Result, resultOf, type Task } from "./results.ts";

export interface EvaluationOptions {
  readonly tasks: readonly Task[];
  readonly answerer: Answerer;
  /** Questions on their way at one time. */
  readonly concurrency: number;
  /** Milliseconds from any fixed moment. */
  readonly now: () => number;
  /** Called once for every task, in the order in which they end. */
  readonly onResult: (result: Result) => Promise<void>;
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
  const waiting = tasks.values();
  const work = async (): Promise<void> => {
    // One iterator for all workers: each takes the next task.
    for (const task of waiting) {
      signal.throwIfAborted();
      const { question, ...options } = task;
      const { messages, pictures } = question;
      const startedMs = now();
      const outcome = await answerer.answer({ messages, pictures, ...options }, signal);
      await onResult(resultOf(task, outcome, Math.round(now() - startedMs)));
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
