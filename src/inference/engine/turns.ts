/** Lets one piece of work run at a time, in the order of asking. */
export type TakeTurn = <Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
) => Promise<Result>;

/** Creates a queue of its own. Whoever aborts while waiting is rejected at once and never runs; others keep their places. */
export function createTurns(): TakeTurn {
  let last: Promise<unknown> = Promise.resolve();
  return function takeTurn(work, signal) {
    const turn = last.then(() => {
      signal.throwIfAborted();
      return work();
    });
    // The next in line waits for the end of this turn, however it ends; its outcome is the caller's.
    last = turn.then(
      () => undefined,
      () => undefined,
    );
    return rejectOnAbort(turn, signal);
  };
}

function rejectOnAbort<Result>(turn: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    turn.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
