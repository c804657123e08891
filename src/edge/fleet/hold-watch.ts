import { type FunctionCall, readProgress } from "../function/client.ts";

/** A function that is there says that it begins within milliseconds; a picture of 20 MB takes seconds on a slow way. */
const HELD_MS = 5_000;

/** It tells how far its weights are from memory. */
const PATIENCE_MS = 2_000;

/** Looks after an order that nobody takes. */
export interface HoldWatch {
  /** Aborts when the connection is held by a host that starts a function. */
  readonly signal: AbortSignal;
  readonly isHeld: () => boolean;
  /** Nothing is held any more. */
  readonly end: () => void;
}

/**
 * Watches over an order until its reply begins. Where that takes long, and the function does not say either how far its weights
 * are, its host holds the connection for one that it is starting: paid work is not left there.
 */
export function holdWatch(functionUrl: string, call: Omit<FunctionCall, "functionUrl">): HoldWatch {
  const held = new AbortController();
  let isOver = false;
  const look = async (): Promise<void> => {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const signal = AbortSignal.any([call.signal, patience]);
    try {
      await readProgress({ ...call, functionUrl, signal });
    } catch {
      if (patience.aborted && !isOver) held.abort(new Error("the host is starting a function"));
    }
  };
  const timer = setTimeout(() => void look(), HELD_MS);
  return {
    signal: held.signal,
    isHeld: () => held.signal.aborted,
    end: () => {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
