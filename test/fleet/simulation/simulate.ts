import { Patience } from "#edge/answers/making/patience.ts";
import { HEARTBEAT_MS } from "#edge/fleet/policy/fleet.ts";
import { COMPARED } from "#edge/fleet/policy/pick.ts";
import { randomOf } from "../reports.ts";
import { Agenda } from "./agenda.ts";
import { Dispatcher, type DispatchTerms } from "./dispatcher.ts";
import { type Figures, figuresOf, type Made } from "./figures.ts";
import { Machine } from "./machine.ts";
import { Register } from "./register.ts";
import type { Question, World } from "./world.ts";

export interface SimulationTerms extends DispatchTerms {
  readonly seed: number;
  readonly dispatchers: number;
  readonly heartbeatMs: number;
}

/** As it is decided: `infra/docs/fleet-simulation.md`. */
export const AS_DECIDED: SimulationTerms = {
  seed: 1,
  dispatchers: 16,
  compared: COMPARED,
  snapshotMs: 2_000,
  heartbeatMs: HEARTBEAT_MS,
  remembersSent: true,
  hearsReplies: false,
};

/** A machine that died is started anew by its host after so long. */
const RESTART_MS = 1_000;

/** Answers of one account that are at the functions at one time, for each function: `ACCOUNT_PLACES` of a fleet. */
const PLACES_A_FUNCTION = 4;

/** After the last question, for whatever is still made. */
const PATIENCE_MS = 3_600_000;

/** Answers all questions of a world as the edge does, and says how it went. */
export function simulate(world: World, terms: SimulationTerms): Figures {
  const agenda = new Agenda();
  const random = randomOf(terms.seed);
  const register = new Register(agenda);
  const machines = new Map(
    world.machines.map((machine) => [machine.url, new Machine(machine, agenda)]),
  );
  for (const machine of machines.values())
    plan(machine, agenda, register.hear(machine, terms.heartbeatMs, random));
  const cost = { picks: 0, ms: 0 };
  const parts = { agenda, register, machines, random, terms, cost };
  const dispatchers = Array.from({ length: terms.dispatchers }, () => new Dispatcher(parts));
  const made: Made[] = [];
  const admission = new Admission(PLACES_A_FUNCTION * world.machines.length);
  for (const question of world.questions)
    agenda.at(question.at, () =>
      admission.enter(question, () => {
        const dispatcher = dispatchers[Math.floor(random() * dispatchers.length)];
        const errand = {
          ...{ question, calls: 0, attempts: 0, startedAt: null },
          patience: new Patience({ isAccepted: true, createdAt: agenda.now }, () => agenda.now),
          ended: (how: "done" | "failed") => {
            admission.leave(question);
            made.push({ ...errand, how, endedAt: agenda.now });
          },
        };
        dispatcher?.dispatch(errand);
      }),
    );
  agenda.runUntil(world.endsAt);
  const usefulSteps = [...machines.values()].reduce((sum, machine) => {
    machine.load();
    return sum + machine.usefulSteps;
  }, 0);
  const messages = register.heartbeats + register.asked;
  agenda.runUntil(world.endsAt + PATIENCE_MS);
  return figuresOf(world, { made, usefulSteps, messages, cost });
}

/** Plans the deaths of a machine, and its loads behind them. */
function plan(machine: Machine, agenda: Agenda, beat: () => void): void {
  for (const { at, loadMs } of machine.terms.deaths) {
    agenda.at(at, () => machine.die());
    agenda.at(at + RESTART_MS, () => {
      machine.startLoading(loadMs);
      beat();
    });
    agenda.at(at + RESTART_MS + loadMs, () => {
      machine.warm();
      beat();
    });
  }
}

/** The places of an account: its other answers wait in its ledger, in the order in which they came. */
class Admission {
  readonly #places: number;
  readonly #accounts = new Map<number, { taken: number; readonly line: (() => void)[] }>();

  constructor(places: number) {
    this.#places = places;
  }

  enter({ account }: Question, begin: () => void): void {
    const own = this.#accounts.get(account) ?? { taken: 0, line: [] };
    this.#accounts.set(account, own);
    if (own.taken >= this.#places) return void own.line.push(begin);
    own.taken += 1;
    begin();
  }

  leave({ account }: Question): void {
    const own = this.#accounts.get(account);
    if (own === undefined) return;
    const next = own.line.shift();
    if (next === undefined) own.taken -= 1;
    else next();
  }
}
