import { type Claim, TurnOrder, type Waiting } from "./turn-order.ts";

/** Lets one piece of work run at a time, in the order of `TurnOrder`. */
export type TakeTurn = <Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  asking?: Asking,
) => Promise<Result>;

/** On whose behalf, and whether it can run yet. */
export interface Asking {
  /** Absent: the engine's own work, which has an account of its own. */
  readonly claim?: Claim;
  /** Names the answer, so that it is known when it comes back with its next step. */
  readonly answer?: object;
  /** Whether there is room for it now; asked whenever a turn is to be given. Absent: always. */
  readonly fits?: () => boolean;
  /** Whether it may begin together with others that may, in one turn. */
  readonly sharesTurn?: boolean;
}

export interface TurnsOptions {
  /** Milliseconds; see `GRACE_MS`. */
  readonly graceMs?: number;
  /** Pieces of work that may share a turn at most; 1 if absent. */
  readonly together?: number;
}

/**
 * How long a turn waits for an answer that has just had one and would be the first again, or could share this one: between two of
 * its steps it is told, and reads some rows. A step of 8B takes seconds.
 */
const GRACE_MS = 5;

const OWN: Claim = { account: "", remaining: 0 };

interface Waiter extends Waiting {
  readonly asking: Asking;
  readonly begin: () => Promise<void>;
}

function shares({ asking }: Waiter): boolean {
  return asking.sharesTurn === true;
}

/**
 * Creates a queue of its own. Whoever aborts while waiting is rejected at once and never runs; others keep their places. Work that
 * has begun ends before the next begins, also if its caller has left.
 *
 * Who may share the turn of the one that the order chooses is taken along, without having had a turn: the order goes on as if
 * companions had left, so nobody is passed over longer than its bound.
 */
export function createTurns({ graceMs = GRACE_MS, together = 1 }: TurnsOptions = {}): TakeTurn {
  const order = new TurnOrder();
  const waiting: Waiter[] = [];
  let isRunning = false;
  let recent: readonly Waiter[] = []; // who may come back
  let grace: ReturnType<typeof setTimeout> | undefined;

  function expectBack(others: readonly Waiter[]): void {
    recent = others;
    if (others.length > 0) return;
    clearTimeout(grace);
    grace = undefined;
  }

  /** Whether it is the step of an answer whose next step has not been asked for yet. */
  function mayComeBack({ asking: { answer } }: Waiter): boolean {
    return answer !== undefined && waiting.every(({ asking }) => asking.answer !== answer);
  }

  /** Who begins together with the one whose turn it is. */
  function companionsOf(chosen: Waiter, fitting: readonly Waiter[]): Waiter[] {
    const companions: Waiter[] = [];
    let others = fitting.filter((one) => one !== chosen && shares(one) && shares(chosen));
    while (companions.length < together - 1) {
      const next = order.next(others);
      if (next === undefined) break;
      companions.push(next);
      others = others.filter((one) => one !== next);
    }
    return companions;
  }

  function settle(): void {
    if (isRunning) return;
    const fitting = waiting.filter(({ asking }) => asking.fits?.() ?? true);
    if (fitting.length === 0) return;
    const chosen = order.next([...fitting, ...recent]);
    if (chosen === undefined) return;
    const companions = companionsOf(chosen, fitting);
    const hasRoom = companions.length < together - 1;
    if (recent.includes(chosen) || (hasRoom && shares(chosen) && recent.some(shares))) {
      grace ??= setTimeout(() => {
        expectBack([]);
        settle();
      }, graceMs);
      return;
    }
    begin(chosen, companions);
  }

  function begin(chosen: Waiter, companions: readonly Waiter[]): void {
    expectBack([]);
    for (const one of [chosen, ...companions]) waiting.splice(waiting.indexOf(one), 1);
    order.serve(chosen, waiting);
    isRunning = true;
    Promise.all([chosen, ...companions].map((one) => one.begin())).then(() => {
      isRunning = false;
      expectBack([chosen, ...companions].filter(mayComeBack));
      settle();
    });
  }

  return function takeTurn(work, signal, asking = {}) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        const index = waiting.indexOf(waiter);
        if (index >= 0) waiting.splice(index, 1);
        reject(signal.reason);
        settle();
      };
      const waiter: Waiter = {
        ...{ asking, claim: asking.claim ?? OWN, passedOver: 0 },
        async begin() {
          try {
            resolve(await work());
          } catch (error) {
            reject(error);
          } finally {
            signal.removeEventListener("abort", onAbort);
          }
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      if (asking.answer !== undefined) {
        expectBack(recent.filter((one) => one.asking.answer !== asking.answer));
      }
      waiting.push(waiter);
      settle();
    });
  };
}
