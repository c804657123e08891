import type { Patience } from "#edge/answers/making/patience.ts";
import type { FunctionReport, Outcome, PickTerms, Standing } from "#edge/fleet/policy/fleet.ts";
import { type Compared, pick } from "#edge/fleet/policy/pick.ts";
import { heardAnew, standingAfter } from "#edge/fleet/policy/standing.ts";
import type { Agenda } from "./agenda.ts";
import type { Machine } from "./machine.ts";
import { type Register, WAY_MS } from "./register.ts";
import type { Question } from "./world.ts";

/** What is varied of how answers are dispatched. */
export interface DispatchTerms {
  readonly compared: Compared;
  /** How old a snapshot may be before another is asked for. */
  readonly snapshotMs: number;
  /** Whether what was sent since a report is counted in. */
  readonly remembersSent: boolean;
  /** Whether a reply tells what its function has to do. */
  readonly hearsReplies: boolean;
}

/** One answer, from its question to its end. */
export interface Errand {
  readonly question: Question;
  readonly patience: Patience;
  /** Asked places, over all rounds. */
  calls: number;
  attempts: number;
  startedAt: number | null;
  readonly ended: (how: "done" | "failed") => void;
}

/** The way to a machine and back, within a region and to another. */
const NEAR_MS = 20;
const FAR_MS = 140;

/** Functions that are asked in one round. */
const MOST_ASKED = 4;

/** As `generation-attempts.ts` has them: how often functions may die under an answer, and the pauses behind each. */
const MAX_ATTEMPTS = 3;
const PAUSES_MS = [200, 800];

export interface DispatcherParts {
  readonly agenda: Agenda;
  readonly register: Register;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly random: () => number;
  readonly terms: DispatchTerms;
  /** Milliseconds of processor time that picks took. */
  readonly cost: { picks: number; ms: number };
}

/** A place of dispatch, with a snapshot and a memory of its own. */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #standings = new Map<string, Standing>();
  #functions: readonly FunctionReport[] = [];
  #takenAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Has an answer made, wherever and however often it takes. */
  dispatch(errand: Errand): void {
    this.#refresh();
    this.#round(errand, new Set());
  }

  #refresh(): void {
    const { agenda, register, random, terms } = this.#parts;
    if (this.#isAsking || agenda.now - this.#takenAt < terms.snapshotMs) return;
    const take = (functions: readonly FunctionReport[]): void => {
      this.#functions = functions;
      this.#takenAt = agenda.now;
      this.#isAsking = false;
      for (const report of functions) {
        const standing = this.#standings.get(report.url);
        if (standing !== undefined) this.#standings.set(report.url, heardAnew(standing, report));
      }
    };
    // The first is waited for; later ones are asked for beside the answers.
    if (this.#functions.length === 0) {
      take(register.snapshot(random));
      return;
    }
    this.#isAsking = true;
    agenda.after(WAY_MS, () => {
      const functions = register.snapshot(random);
      agenda.after(WAY_MS, () => take(functions));
    });
  }

  #round(errand: Errand, tried: Set<string>): void {
    const { machines } = this.#parts;
    const url = tried.size < MOST_ASKED ? this.#picked(errand, tried) : undefined;
    const machine = url === undefined ? undefined : machines.get(url);
    if (machine === undefined) this.#wait(errand, tried.size > 0);
    else this.#call(errand, machine, tried);
  }

  #call(errand: Errand, machine: Machine, tried: Set<string>): void {
    const { agenda } = this.#parts;
    errand.calls += 1;
    const { question } = errand;
    const wayMs = machine.terms.region === question.region ? NEAR_MS : FAR_MS;
    const steps = question.steps;
    this.#tell(machine, { kind: "sent", steps });
    agenda.after(wayMs / 2, () => {
      const reply = (then: () => void): void => agenda.after(wayMs / 2, then);
      const next = (outcome: Outcome): void =>
        reply(() => {
          this.#tell(machine, outcome);
          this.#round(errand, tried.add(machine.terms.url));
        });
      if (!machine.isThere) return next({ kind: "failed", steps });
      const isTaken = machine.enter(
        question,
        () => {
          errand.startedAt = agenda.now;
        },
        (how) =>
          reply(() => (how === "died" ? this.#died(errand, machine) : this.#done(errand, machine))),
      );
      if (!isTaken) return next({ kind: "refused", steps });
      errand.patience.taken();
      const load = machine.load();
      reply(() => this.#taken(machine, wayMs, load));
    });
  }

  #picked({ question }: Errand, tried: ReadonlySet<string>): string | undefined {
    const { agenda, random, terms, cost } = this.#parts;
    const asked: PickTerms = {
      ...{ steps: question.steps, share: 0, canary: null, digest: null, numerics: null },
      ...{ region: question.region, tried, now: agenda.now, random },
    };
    const start = performance.now();
    const choice = pick(this.#functions, this.#standings, [], asked, terms.compared);
    cost.ms += performance.now() - start;
    cost.picks += 1;
    return choice.kind === "function" ? choice.report.url : undefined;
  }

  #wait(errand: Errand, wasRefused: boolean): void {
    const { patience } = errand;
    const failure = wasRefused
      ? ({ kind: "overloaded", retryAfterSeconds: 1 } as const)
      : ({ kind: "function_unreachable" } as const);
    const waitMs = patience.after(failure, 1);
    if (waitMs === null) errand.ended("failed");
    else this.#parts.agenda.after(waitMs, () => this.dispatch(errand));
  }

  #taken(machine: Machine, wayMs: number, load: FunctionReport["load"]): void {
    this.#tell(machine, { kind: "taken", wayMs });
    if (!this.#parts.terms.hearsReplies) return;
    const { url } = machine.terms;
    const heardAt = this.#parts.agenda.now - wayMs / 2;
    this.#functions = this.#functions.map((report) =>
      report.url === url && report.heardAt < heardAt ? { ...report, load, heardAt } : report,
    );
    const standing = this.#standings.get(url);
    if (standing !== undefined) this.#standings.set(url, heardAnew(standing, { heardAt }));
  }

  #died(errand: Errand, machine: Machine): void {
    this.#tell(machine, { kind: "failed", steps: errand.question.steps });
    errand.attempts += 1;
    if (errand.attempts >= MAX_ATTEMPTS) errand.ended("failed");
    else this.#parts.agenda.after(PAUSES_MS[errand.attempts - 1] ?? 0, () => this.dispatch(errand));
  }

  #done(errand: Errand, machine: Machine): void {
    this.#tell(machine, { kind: "ended" });
    errand.ended("done");
  }

  #tell({ terms: { url } }: Machine, outcome: Outcome): void {
    const after = standingAfter(this.#standings.get(url), outcome, this.#parts.agenda.now);
    const { remembersSent } = this.#parts.terms;
    this.#standings.set(url, remembersSent ? after : { ...after, sent: [] });
  }
}
