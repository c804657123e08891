import type { Failure } from "#domain/failure.ts";
import type { NumericsText } from "#domain/numerics.ts";
import { type Result, refuse } from "#domain/result.ts";
import { keptQuestion } from "../questions/picture-store.ts";
import { heardClasses } from "./heard-classes.ts";
import { holdWatch } from "./hold-watch.ts";
import { canaryShare } from "./policy/canary.ts";
import { leftOfLoad } from "./policy/finish.ts";
import type { CanarySplit, FunctionReport, Outcome, PastLoads, PickTerms } from "./policy/fleet.ts";
import { pick } from "./policy/pick.ts";
import {
  type Dispatched,
  type DispatchedJob,
  type SendingMeans,
  type SendingTerms,
  sendOrder,
} from "./send-order.ts";

export type { Dispatched, DispatchedJob } from "./send-order.ts";

/** The functions that may make answers of a model, and what is known of them. */
export interface ServingFleet {
  readonly functions: readonly FunctionReport[];
  readonly loads: readonly PastLoads[];
  readonly canary: CanarySplit | null;
  /** How it fared with each, by its address. */
  readonly standings: Parameters<typeof pick>[1];
  /** Takes in how an attempt came out. */
  readonly note: (report: FunctionReport, outcome: Outcome) => void;
  /** Has one woken that is asleep, without waiting for it. */
  readonly wake: (url: string) => void;
  /** Whether it is known to be awake: it has said something of late. */
  readonly isAwake: (url: string) => boolean;
}

/** What a job is sent with. */
export interface DispatchMeans extends SendingMeans {
  /** The functions that serve a model. */
  readonly fleetOf: (model: string) => Promise<ServingFleet>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Weights that are to answer. */
export interface WantedWeights {
  /** Lower-case hex SHA-256 of the manifest. */
  readonly digest: string;
  /** Whether no others will do, as for a replay; an answer that was cut off may begin anew with others. */
  readonly areRequired: boolean;
}

/** On which terms a job is sent. */
export interface DispatchTerms extends SendingTerms {
  /** Class of arithmetic that is to answer where a function of it is left; null for any. */
  readonly numerics: NumericsText | null;
  /** Null: any, as the model's canary says. */
  readonly weights: WantedWeights | null;
}

/** Refusals of a function that is not there for anybody: another one may be. */
const absences: ReadonlySet<Failure["kind"]> = new Set<Failure["kind"]>([
  "function_unreachable",
  "function_outdated",
  "draining",
  "weights_loading",
  "weights_failed",
  // It has been given another model since the edge heard which.
  "unknown_model",
]);

/** Refusals that a function has not given: it could not, or made no sense. Three in a row close it for a while. */
const faults: ReadonlySet<Failure["kind"]> = new Set<Failure["kind"]>([
  "function_unreachable",
  "function_timeout",
  "function_reply_invalid",
  "device_lost",
]);

function isFault(failure: Failure | null): boolean {
  return failure !== null && faults.has(failure.kind);
}

/**
 * Sends a job to the function that is expected to end it first, and to the next where that one does not take it. A full one of the
 * class that is preferred is waited for: it is there, and another class would have the answer begin anew. Never to two at once:
 * the work is paid for. Where none takes it the last refusal stands, or that of a full one, which says when there is a place; where
 * all that are left are asleep one is woken, and it is `weights_loading`. Refuses also with `image_not_found` where one of its
 * pictures is gone, with `function_unreachable` where nobody serves its model, and with `not_replayable` where nobody has the
 * weights that are required.
 */
export async function dispatch(
  job: DispatchedJob,
  means: DispatchMeans,
  terms: DispatchTerms,
): Promise<Result<Dispatched, Failure>> {
  const { requestId, traceparent, signal, numerics } = terms;
  const call = { requestId, traceparent, signal };
  const fleet = await means.fleetOf(job.card.id);
  const functions = await heardClasses(fleet.functions, numerics, call);
  const question = await keptQuestion(means.pictures, job, job.question);
  const round = new Round({ ...job, question }, means, terms, { ...fleet, functions });
  return await round.ask();
}

/** One look for a function: each is asked once at most. */
class Round {
  readonly #job: Parameters<typeof sendOrder>[1];
  readonly #means: DispatchMeans;
  readonly #terms: DispatchTerms;
  readonly #fleet: ServingFleet;
  readonly #tried = new Set<string>();
  #refusal: Failure = { kind: "function_unreachable" };
  #standings: ServingFleet["standings"];

  constructor(
    job: Parameters<typeof sendOrder>[1],
    means: DispatchMeans,
    terms: DispatchTerms,
    fleet: ServingFleet,
  ) {
    this.#job = job;
    this.#means = means;
    this.#terms = terms;
    this.#fleet = fleet;
    this.#standings = fleet.standings;
  }

  async ask(): Promise<Result<Dispatched, Failure>> {
    let weights = this.#terms.weights;
    for (;;) {
      const choice = this.#pick(weights?.digest ?? null);
      if (choice.kind === "none" && choice.reason === "away" && this.#opensAll()) continue;
      if (choice.kind === "none") {
        // An answer that was cut off begins anew with other weights where its own are not left, or are away for now.
        const isBound = weights?.areRequired === true;
        if (weights !== null && !isBound) weights = null;
        else return refuse(this.#refusalFor(choice.reason));
        continue;
      }
      const { report, wake, isPreferred } = choice;
      if (wake !== null) this.#fleet.wake(wake);
      const asked = await this.#send(report);
      if (asked.ok) return asked;
      const { kind } = asked.refusal;
      const isFull = kind === "overloaded";
      if (!isFull && !absences.has(kind)) return asked;
      if (isFull && isPreferred) return asked;
      if (this.#refusal.kind !== "overloaded") this.#refusal = asked.refusal;
      this.#tried.add(report.url);
    }
  }

  /**
   * Breakers keep answers from the broken where others are whole. Where nobody is left they are no reason to refuse: it may be the
   * network, or a question, that was to blame, and the one function of a laptop is asked whatever it did before.
   */
  #opensAll(): boolean {
    if (this.#tried.size > 0 || this.#standings !== this.#fleet.standings) return false;
    const opened = [...this.#standings].map(
      ([url, standing]) => [url, { ...standing, closedUntil: 0, triedAt: null }] as const,
    );
    this.#standings = new Map(opened);
    return true;
  }

  #pick(digest: string | null): ReturnType<typeof pick> {
    const { functions, loads, canary } = this.#fleet;
    const standings = this.#standings;
    const terms: PickTerms = {
      steps: this.#job.question.options.steps,
      share: canary === null ? 0 : canaryShare(this.#job.id),
      canary,
      digest,
      numerics: this.#terms.numerics,
      region: nearestOf(functions, standings),
      tried: this.#tried,
      now: this.#means.now(),
      random: this.#means.random,
    };
    return pick(functions, standings, loads, terms);
  }

  #refusalFor(reason: Extract<ReturnType<typeof pick>, { kind: "none" }>["reason"]): Failure {
    if (typeof reason === "object") {
      this.#fleet.wake(reason.wake);
      // Who is there and full has a place sooner than one who is asleep has its weights, and says when.
      if (this.#refusal.kind === "overloaded") return this.#refusal;
      return loadingFor(reason.loadingMs);
    }
    const { weights } = this.#terms;
    if (reason !== "other_weights" || weights === null) return this.#refusal;
    const served = this.#fleet.functions.flatMap(({ digest }) => digest ?? []);
    return notServed(this.#job.id, weights.digest, served);
  }

  async #send(report: FunctionReport): Promise<Result<Dispatched, Failure>> {
    const { note } = this.#fleet;
    const { steps } = this.#job.question.options;
    note(report, { kind: "sent", steps });
    const sentAt = this.#means.now();
    const ended = (failure: Failure | null): void =>
      note(report, isFault(failure) ? { kind: "failed", steps } : { kind: "ended" });
    const asked = await this.#sendWatched(report, ended);
    if (asked.ok) note(report, { kind: "taken", wayMs: this.#means.now() - sentAt });
    else note(report, { kind: isFault(asked.refusal) ? "failed" : "refused", steps });
    return asked;
  }

  async #sendWatched(
    report: FunctionReport,
    onOver: (failure: Failure | null) => void,
  ): Promise<Result<Dispatched, Failure>> {
    const { url } = report;
    const watch = this.#fleet.isAwake(url) ? null : holdWatch(url, this.#terms);
    const { signal: wanted } = this.#terms;
    const signal = watch === null ? wanted : AbortSignal.any([wanted, watch.signal]);
    const accepts = (digest: string): Failure | null => this.#refusalOf(digest);
    const terms = { ...this.#terms, signal, accepts, onOver };
    try {
      return await sendOrder(url, this.#job, this.#means, terms);
    } catch (cause) {
      wanted.throwIfAborted();
      if (watch?.isHeld() === true) return refuse(this.#asleep(report));
      throw cause;
    } finally {
      watch?.end();
    }
  }

  /** Its host holds the connection: it starts one, which takes as long as it took before. */
  #asleep(report: FunctionReport): Failure {
    this.#fleet.wake(report.url);
    const now = this.#means.now();
    const asleep: FunctionReport = { ...report, state: { kind: "asleep" } };
    return loadingFor(leftOfLoad(asleep, this.#fleet.loads, now));
  }

  /** A function of the settings says only with its reply which weights it has. */
  #refusalOf(digest: string): Failure | null {
    const { weights } = this.#terms;
    if (weights === null || !weights.areRequired || weights.digest === digest) return null;
    return notServed(this.#job.id, weights.digest, [digest]);
  }
}

/** Told by a host that shows nothing of a load: how long it takes is all that is known. */
export function loadingFor(milliseconds: number): Failure {
  return {
    kind: "weights_loading",
    etaSeconds: Math.ceil(milliseconds / 1000),
    loadedBytes: 0,
    totalBytes: 0,
  };
}

function notServed(id: string, made: string, served: readonly string[]): Failure {
  return {
    kind: "not_replayable",
    id,
    weights: { made, served: [...new Set(served)].slice(0, 8) },
  };
}

/** The region whose functions are reached soonest, once each has been; null before. */
function nearestOf(
  functions: readonly FunctionReport[],
  standings: ServingFleet["standings"],
): string | null {
  const ways = new Map<string, number>();
  for (const { region, url } of functions) {
    const wayMs = standings.get(url)?.wayMs ?? Number.POSITIVE_INFINITY;
    ways.set(region, Math.min(wayMs, ways.get(region) ?? Number.POSITIVE_INFINITY));
  }
  const sorted = [...ways].sort(([, one], [, other]) => one - other);
  const isMeasured = sorted.length > 1 && sorted.every(([, wayMs]) => Number.isFinite(wayMs));
  return isMeasured ? (sorted[0]?.[0] ?? null) : null;
}
