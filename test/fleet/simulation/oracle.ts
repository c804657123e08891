import { Agenda } from "./agenda.ts";
import { type Figures, figuresOf, type Made } from "./figures.ts";
import { Machine } from "./machine.ts";
import type { MachineTerms, Question, World } from "./world.ts";

/** Answers at once of a machine: an oracle gives none more than it can begin. */
const PLACES = 4;

const RESTART_MS = 1_000;

/**
 * Answers all questions as one would who sees every machine at every moment, knows when each will die, and needs no time to send
 * anything: questions wait in one line, the first goes to the machine that ends it first, and nothing is given to one that dies
 * under it.
 */
export function foresee(world: World): Figures {
  const agenda = new Agenda();
  const machines = world.machines.map((terms) => new Machine(terms, agenda));
  const made: Made[] = [];
  const line: Question[] = [];
  const give = (): void => {
    for (let question = line[0]; question !== undefined; question = line[0]) {
      const machine = bestOf(machines, question, agenda.now);
      if (machine === undefined) return;
      line.shift();
      const [startedAt, taken] = [agenda.now, question];
      machine.enter(
        taken,
        () => undefined,
        (how) => {
          if (how === "died") line.unshift(taken);
          else made.push({ question: taken, how, calls: 1, startedAt, endedAt: agenda.now });
          give();
        },
      );
    }
  };
  for (const machine of machines) plan(machine, agenda, give);
  for (const question of world.questions)
    agenda.at(question.at, () => {
      line.push(question);
      give();
    });
  agenda.runUntil(world.endsAt);
  const usefulSteps = machines.reduce((sum, machine) => {
    machine.load();
    return sum + machine.usefulSteps;
  }, 0);
  agenda.runUntil(world.endsAt + 3_600_000);
  return figuresOf(world, { made, usefulSteps, messages: 0, cost: { picks: 0, ms: 0 } });
}

function bestOf(
  machines: readonly Machine[],
  { steps }: Question,
  now: number,
): Machine | undefined {
  let best: { machine: Machine; endsMs: number } | undefined;
  for (const machine of machines) {
    const count = machine.running;
    if (machine.state.kind !== "warm" || !machine.isThere || count >= PLACES) continue;
    const endsMs = steps * machine.terms.msPerStep * (count + 1);
    if (isCut(machine.terms, now, now + endsMs)) continue;
    if (best === undefined || endsMs < best.endsMs) best = { machine, endsMs };
  }
  return best?.machine;
}

/** Whether a machine dies between two moments. */
function isCut({ deaths }: MachineTerms, from: number, to: number): boolean {
  return deaths.some(({ at }) => at >= from && at <= to);
}

function plan(machine: Machine, agenda: Agenda, give: () => void): void {
  const { deaths, cut } = machine.terms;
  for (const { at, loadMs } of deaths) {
    agenda.at(at, () => machine.die());
    agenda.at(at + RESTART_MS + loadMs, () => {
      machine.warm();
      give();
    });
  }
  if (cut !== null) agenda.at(cut.to, give);
}
