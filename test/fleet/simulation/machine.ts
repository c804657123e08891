import type { FunctionLoad, FunctionState } from "#edge/fleet/policy/fleet.ts";
import { TurnOrder, type Waiting } from "#engine/turn-order.ts";
import type { Agenda } from "./agenda.ts";
import type { MachineTerms, Question } from "./world.ts";

/** Answers at once, and behind them, as a function has them by default. */
const PLACES = 4;
const QUEUE_LENGTH = 16;

/** An answer at a machine. */
interface Work extends Waiting {
  readonly question: Question;
  remaining: number;
  readonly ends: (how: "done" | "died") => void;
}

/** A function: its passes take turns among the answers that run, and accounts take turns in its queue (the function's own `TurnOrder`). */
export class Machine {
  readonly terms: MachineTerms;
  state: FunctionState = { kind: "warm" };
  /** Steps that it did, those of answers that died with it left out. */
  usefulSteps = 0;
  readonly #agenda: Agenda;
  readonly #order = new TurnOrder();
  #running: Work[] = [];
  #waiting: Work[] = [];
  #advancedAt = 0;
  #plan = 0;

  constructor(terms: MachineTerms, agenda: Agenda) {
    this.terms = terms;
    this.#agenda = agenda;
  }

  /** Whether somebody who asks gets any reply. */
  get isThere(): boolean {
    const { cut } = this.terms;
    const { now } = this.#agenda;
    return this.state.kind !== "failed" && !(cut !== null && now >= cut.from && now < cut.to);
  }

  /** Answers in the making. */
  get running(): number {
    return this.#running.length;
  }

  /** Takes an answer, or refuses it because it is full. `starts` is called when it begins, `ends` when it has ended. */
  enter(question: Question, starts: () => void, ends: Work["ends"]): boolean {
    if (this.#running.length + this.#waiting.length >= PLACES + QUEUE_LENGTH) return false;
    this.#advance();
    const claim = { account: String(question.account), remaining: question.steps };
    const work = { question, remaining: question.steps, ends, claim, passedOver: 0 };
    this.#waiting.push(work);
    this.#starts.set(work, starts);
    this.#settle();
    return true;
  }

  load(): FunctionLoad {
    this.#advance();
    const left = [...this.#running, ...this.#waiting].reduce(
      (sum, work) => sum + work.remaining,
      0,
    );
    return {
      queuedSteps: Math.ceil(left),
      msPerStep: this.terms.msPerStep,
      running: this.#running.length,
      waiting: this.#waiting.length,
      places: PLACES,
      queueLength: QUEUE_LENGTH,
    };
  }

  /** Ends with all that it has, and is not there. */
  die(): void {
    this.#advance();
    const lost = [...this.#running, ...this.#waiting];
    for (const work of this.#running) this.usefulSteps -= work.question.steps - work.remaining;
    this.#running = [];
    this.#waiting = [];
    this.state = { kind: "failed" };
    for (const work of lost) work.ends("died");
  }

  /** Is there again, and takes work that waits for its weights. */
  startLoading(etaMs: number): void {
    this.state = { kind: "loading", etaMs, since: this.#agenda.now };
  }

  /** Its weights are there. */
  warm(): void {
    this.#advance();
    this.state = { kind: "warm" };
    this.#settle();
  }

  readonly #starts = new Map<Work, () => void>();

  #settle(): void {
    while (this.state.kind === "warm" && this.#running.length < PLACES) {
      const next = this.#order.next(this.#waiting);
      if (next === undefined) break;
      this.#order.serve(next, this.#waiting);
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#running.push(next);
      this.#starts.get(next)?.();
      this.#starts.delete(next);
    }
    this.#plan += 1;
    const plan = this.#plan;
    if (this.#running.length === 0) return;
    const least = Math.min(...this.#running.map(({ remaining }) => remaining));
    this.#agenda.after(least * this.terms.msPerStep * this.#running.length, () => {
      if (plan === this.#plan) this.#endDue();
    });
  }

  #endDue(): void {
    this.#advance();
    const done = this.#running.filter(({ remaining }) => remaining < 1e-6);
    this.#running = this.#running.filter(({ remaining }) => remaining >= 1e-6);
    this.#settle();
    for (const work of done) work.ends("done");
  }

  #advance(): void {
    const { now } = this.#agenda;
    const count = this.#running.length;
    const steps = count === 0 ? 0 : (now - this.#advancedAt) / this.terms.msPerStep;
    for (const work of this.#running) work.remaining = Math.max(0, work.remaining - steps / count);
    this.usefulSteps += steps;
    this.#advancedAt = now;
  }
}
