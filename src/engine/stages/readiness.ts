/** Something that will be there later, or never: any number of callers may wait for it. */
export interface Readiness<Value> {
  /** Resolves with the value, rejects with the failure, or with the signal's reason if it aborts first. */
  wait(signal: AbortSignal): Promise<Value>;
  /** What has been settled with, if it has. */
  readonly value: Value | undefined;
  /** Hands the value to everyone who waits or will wait. Returns false, and does nothing, if the outcome stands already. */
  settle(value: Value): boolean;
  /** Rejects everyone who waits or will wait. Returns false, and does nothing, if the outcome stands already. */
  fail(error: Error): boolean;
}

/** Creates one that is pending. Unlike a bare promise it may fail while nobody waits. */
export function createReadiness<Value>(): Readiness<Value> {
  type Outcome = { readonly value: Value } | { readonly error: Error };
  let outcome: Outcome | undefined;
  const waiters = new Set<(outcome: Outcome) => void>();

  function decide(next: Outcome): boolean {
    if (outcome !== undefined) return false;
    outcome = next;
    for (const tell of waiters) tell(next);
    waiters.clear();
    return true;
  }

  return {
    get value() {
      return outcome !== undefined && "value" in outcome ? outcome.value : undefined;
    },
    settle: (value) => decide({ value }),
    fail: (error) => decide({ error }),
    wait(signal) {
      return new Promise<Value>((resolve, reject) => {
        const tell = (decided: Outcome): void => {
          signal.removeEventListener("abort", onAbort);
          if ("value" in decided) resolve(decided.value);
          else reject(decided.error);
        };
        const onAbort = (): void => {
          waiters.delete(tell);
          reject(signal.reason);
        };
        if (signal.aborted) return onAbort();
        if (outcome !== undefined) return tell(outcome);
        signal.addEventListener("abort", onAbort, { once: true });
        waiters.add(tell);
      });
    },
  };
}
