/** How fast this function makes steps, of late. */
export interface Pace {
  /** An answer has come to its turn. What it returns is told how many steps it has made since, and that it is over. */
  readonly begin: () => PacedAnswer;
  /** Milliseconds of the device for one step of one answer; null before there was any. */
  readonly msPerStep: () => number | null;
}

export interface PacedAnswer {
  readonly made: (steps: number) => void;
  readonly over: () => void;
}

/** What a step that was made leaves of the weight of those before it: the last two hundred count. */
const KEPT = 0.995;

/**
 * Measures while answers run: the time between two steps is the device's, whosever steps they are. Time in which nothing runs is none.
 * @param now clock in milliseconds
 */
export function createPace(now: () => number): Pace {
  let [running, markedMs, busyMs, steps] = [0, 0, 0, 0];
  return {
    begin: () => {
      if (running === 0) markedMs = now();
      running += 1;
      let isOver = false;
      return {
        made: (count) => {
          if (count <= 0) return;
          const atMs = now();
          const kept = KEPT ** count;
          busyMs = busyMs * kept + (atMs - markedMs);
          steps = steps * kept + count;
          markedMs = atMs;
        },
        over: () => {
          if (!isOver) running -= 1;
          isOver = true;
        },
      };
    },
    msPerStep: () => (steps === 0 || busyMs <= 0 ? null : busyMs / steps),
  };
}
