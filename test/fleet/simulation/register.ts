import type { FunctionReport } from "#edge/fleet/policy/fleet.ts";
import { DIGEST, reportOf } from "../reports.ts";
import type { Agenda } from "./agenda.ts";
import type { Machine } from "./machine.ts";

/** Functions of which a register tells at the most: its cost stops growing there. */
const MOST_TOLD = 128;

/** From a function to its register, and from there to a dispatcher. */
export const WAY_MS = 15;

/** A new list is made this often at the most. */
const LISTED_MS = 250;

/** What the object of a fleet knows: the last report of each function. */
export class Register {
  heartbeats = 0;
  asked = 0;
  readonly #agenda: Agenda;
  readonly #reports = new Map<string, FunctionReport>();
  #list: readonly FunctionReport[] = [];
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(agenda: Agenda) {
    this.#agenda = agenda;
  }

  /** Has a machine report now and every so often, each at a time of its own, and whenever its state changes. */
  hear(machine: Machine, everyMs: number, random: () => number): () => void {
    const beat = (): void => this.#report(machine);
    const goOn = (): void => {
      beat();
      this.#agenda.after(everyMs, goOn);
    };
    beat();
    this.#agenda.after(random() * everyMs, goOn);
    return beat;
  }

  /** What a dispatcher is told, some functions of many. */
  snapshot(random: () => number): readonly FunctionReport[] {
    this.asked += 1;
    const { now } = this.#agenda;
    if (now - this.#listedAt >= LISTED_MS) {
      this.#list = [...this.#reports.values()];
      this.#listedAt = now;
    }
    if (this.#list.length <= MOST_TOLD) return this.#list;
    const rest = [...this.#list];
    return Array.from({ length: MOST_TOLD }, (_, place) => {
      const drawn = place + Math.floor(random() * (rest.length - place));
      const [one, other] = [rest[place], rest[drawn]] as [FunctionReport, FunctionReport];
      rest[drawn] = one;
      rest[place] = other;
      return other;
    });
  }

  #report(machine: Machine): void {
    if (!machine.isThere) return;
    const { url, region } = machine.terms;
    const { state } = machine;
    const left =
      state.kind === "loading"
        ? { ...state, etaMs: Math.max(0, (state.etaMs ?? 0) - (this.#agenda.now - state.since)) }
        : state;
    const told = { region, digest: DIGEST, state: left, load: machine.load() };
    this.heartbeats += 1;
    this.#agenda.after(WAY_MS, () =>
      this.#reports.set(url, reportOf(url, { ...told, heardAt: this.#agenda.now })),
    );
  }
}
