import type { NumericsText } from "#domain/numerics.ts";

/** How a function stands towards new work, as it says itself. */
export type FunctionState =
  | { readonly kind: "warm" }
  | {
      readonly kind: "loading";
      /** From when it was heard; null: it does not know yet how long its weights still take. */
      readonly etaMs: number | null;
      /** When it was first heard to load, by the clock of who heard it. */
      readonly since: number;
    }
  /** Nobody is there, and a request would start one: a host that scales to zero. How long that takes is known from past loads alone. */
  | {
      readonly kind: "asleep";
      /** Since when somebody wakes it; absent: nobody does. Milliseconds since 1970. */
      readonly wokenAt?: number;
    }
  /** It takes no new work, and is gone soon. */
  | { readonly kind: "draining" }
  /** It is to be replaced: its weights never come, or what it computes cannot be trusted. */
  | { readonly kind: "failed" };

/** How much a function has to do. */
export interface FunctionLoad {
  /** Steps that all its answers, running and waiting, still take. */
  readonly queuedSteps: number;
  /** Milliseconds of its device for one step of one answer, as a mean of what it did of late; null before it did any. */
  readonly msPerStep: number | null;
  /** Answers that it makes at once, and that wait for it. At `places + queueLength` of them it refuses. */
  readonly running: number;
  readonly waiting: number;
  readonly places: number;
  readonly queueLength: number;
}

/** What is known of one function at a moment. */
export interface FunctionReport {
  /** Base address without a path: its name. */
  readonly url: string;
  /** As its operator calls it; "" for one of the settings, which says none. */
  readonly region: string;
  readonly provider: string;
  readonly model: string;
  /** Lower-case hex SHA-256 of its bundle's manifest; null where it has not been heard: an address of the settings. */
  readonly digest: string | null;
  /** Null where it says none, or has not been heard. */
  readonly numerics: NumericsText | null;
  readonly state: FunctionState;
  readonly load: FunctionLoad;
  /** When it said so, by the clock of who heard it. Milliseconds since 1970. */
  readonly heardAt: number;
}

/** How long a model's weights took to load where nobody could see it, latest last. Milliseconds each. */
export interface PastLoads {
  readonly provider: string;
  readonly digest: string;
  readonly tookMs: readonly number[];
}

/** The functions of one model, as they were at a moment: what every dispatcher keeps a copy of. */
export interface FleetSnapshot {
  readonly model: string;
  readonly functions: readonly FunctionReport[];
  readonly loads: readonly PastLoads[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Between two reports of a function in milliseconds. */
export const HEARTBEAT_MS = 5_000;

/** Whose last report is older has died, or cannot reach the edge: two in a row were lost. */
export const LOST_AFTER_MS: number = 3 * HEARTBEAT_MS;

/** So much of a model's answers go to this version of it, the rest to every other. */
export interface CanarySplit {
  readonly digest: string;
  /** 0 to 100. */
  readonly percent: number;
}

/** Work that was sent within a moment. */
export interface SentWork {
  /** The moment's end, in milliseconds since 1970. */
  readonly at: number;
  readonly steps: number;
  readonly answers: number;
}

/** What a dispatcher has seen of one function itself, since the snapshot and before: the policy alone reads and makes it. */
export interface Standing {
  /** Failures in a row: unreachable, broke off, silent. Refusals by a full or draining function are none. */
  readonly failures: number;
  /** The last of them; 0: none. Milliseconds since 1970. */
  readonly failedAt: number;
  /** For how long it was closed the last time; 0: it was not, since it last brought an answer to its end. */
  readonly pauseMs: number;
  /** Until then nobody is sent there; afterwards one answer tries it. 0: it is open to all. Milliseconds since 1970. */
  readonly closedUntil: number;
  /** Since when an answer tries a function that was closed; null: none does. */
  readonly triedAt: number | null;
  /** What this dispatcher has sent there and no report has told yet, so that it does not send all to one until the next. */
  readonly sent: readonly SentWork[];
  /** Until its reply's head, without waiting for a turn: the way there and back. Null before the first. Milliseconds. */
  readonly wayMs: number | null;
}

/** How an attempt at a function came out, for its standing. */
export type Outcome =
  /** An answer of so many steps is on its way. Told before its reply: the next pick has to know. */
  | { readonly kind: "sent"; readonly steps: number }
  /** It took the work; the head of its reply was here after so many milliseconds. */
  | { readonly kind: "taken"; readonly wayMs: number }
  /** What it took has ended in any way that is not its fault. */
  | { readonly kind: "ended" }
  /** It is there, and takes nothing now. */
  | { readonly kind: "refused"; readonly steps: number }
  /** Unreachable, broken off, silent, or a reply that makes no sense. */
  | { readonly kind: "failed"; readonly steps: number };

/** What is sent, and on which terms. */
export interface PickTerms {
  /** Steps that the answer takes. */
  readonly steps: number;
  /** 0 to below 1, the same whenever the same answer is dispatched: on which side of a canary it falls. */
  readonly share: number;
  readonly canary: CanarySplit | null;
  /** Weights that have to answer: of a replay, and of an answer that was cut. Null: any that the canary gives. */
  readonly digest: string | null;
  /** Class of arithmetic to prefer. A full function of it is better than a free one of another: that one would begin anew. */
  readonly numerics: NumericsText | null;
  /** Where it is dispatched, as operators call the place; null: not known. */
  readonly region: string | null;
  /** Addresses that have refused it in this round. */
  readonly tried: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Where an answer is sent. */
export type Choice =
  | {
      readonly kind: "function";
      readonly report: FunctionReport;
      /** When it is expected to have ended there, from now. Milliseconds. */
      readonly expectedMs: number;
      /** Whether it is of the class that is preferred: full, it is waited for. */
      readonly isPreferred: boolean;
      /** Address of one that is asleep and, woken now, is expected to end an answer sooner; null: nobody is to be woken. */
      readonly wake: string | null;
    }
  /** Nobody is left to ask in this round. */
  | {
      readonly kind: "none";
      readonly reason: /** All that there are were tried, drain, or are closed by a breaker. */
        | "away"
        /** All that are left are asleep: the soonest is there so many milliseconds after it is woken. */
        | { readonly loadingMs: number; readonly wake: string }
        /** There are functions, and none has these weights. */
        | "other_weights";
    };
