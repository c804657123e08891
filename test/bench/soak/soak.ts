import { mkdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { buildEdge } from "../../../infra/edge/workerd/build.ts";
import { freePorts } from "../../../infra/local/ports.ts";
import { roomyBindings } from "../local-edge.ts";
import { openAccount } from "../stand.ts";
import { type Clock, makeClock } from "./clock.ts";
import { Customers, emptyTally, type Tally } from "./customers.ts";
import { countRows, heapsIn, type Rows, type Taken, takenBy } from "./measure.ts";
import { Pause } from "./pause.ts";
import { readSoakState, type SoakState, writeSoakState } from "./state.ts";
import { SoakSystem } from "./system.ts";

export interface SoakTerms {
  readonly answers: number;
  /** Where its databases and its progress lie: a soak of the same folder goes on where the last one was. */
  readonly folder: string;
  readonly say: (words: string) => void;
}

/** A look at the system while it works. */
export interface Look {
  readonly asked: number;
  readonly edge: Taken;
  /** Of the function that nobody kills. */
  readonly function: Taken;
  /** Of plain answers since the look before, in milliseconds. */
  readonly medianMs: number;
  readonly slowMs: number;
}

export interface SoakFigures {
  readonly answers: number;
  readonly seconds: number;
  readonly kills: { readonly edge: number; readonly functions: number };
  readonly tally: Tally;
  readonly lost: readonly string[];
  /** At the end of each day, and of the long run behind them. */
  readonly days: readonly Rows[];
  readonly end: Rows;
  readonly looks: readonly Look[];
  /** Of workerd in the long run, behind each full collection, in bytes. */
  readonly heaps: readonly number[];
  /** Whether days passed between the looks at the rows. */
  readonly hasClock: boolean;
}

/** Each a seventh of the answers' week, and a day of all that is kept for one: rows are to level off behind the eighth. */
const DAYS = 16;

/** The part of the answers that is asked in days, whose ends are crashes; the rest is asked of one workerd. */
const IN_DAYS = 0.5;

const ACCOUNTS = 4;
const FUNCTIONS = 2;
const TOGETHER = 24;
const LOOKS = 60;

/** Work behind the last answer (lists, usage) is done within this. */
const SETTLE_MS = 4_000;

/** Asks so many questions of the local system while its parts are killed, and looks whether anything grows or gets lost. */
export async function soak({ answers, folder, say }: SoakTerms): Promise<SoakFigures> {
  mkdirSync(folder, { recursive: true });
  const clock = await makeClock(folder);
  if (clock === undefined) say("no C compiler: no day passes, so nothing is forgotten meanwhile");
  const state = readSoakState(folder) ?? (await begin(folder));
  const run = new SoakRun({ state, clock, folder, say, answers, pause: new Pause(say) });
  await run.days();
  const start = performance.now();
  const long = await run.longRun();
  return {
    answers,
    ...long,
    seconds: state.seconds + (performance.now() - start) / 1000,
    kills: state.kills,
    tally: state.tally,
    lost: state.lost,
    days: state.days,
    hasClock: clock !== undefined,
  };
}

async function begin(folder: string): Promise<SoakState> {
  await buildEdge(folder);
  const { adminKey, bindings } = roomyBindings();
  const [apiPort = 0, storagePort = 0, ...functionPorts] = await freePorts(2 + FUNCTIONS);
  return {
    ...{ apiPort, storagePort, functionPorts, adminKey, bindings },
    ticketKeys: await generateTicketKeys("soak"),
    ...{ keys: [], asked: 0, days: [], lost: [], seconds: 0 },
    kills: { edge: 0, functions: 0 },
    tally: emptyTally(),
    aside: [],
  };
}

interface RunParts extends SoakTerms {
  readonly state: SoakState;
  readonly clock: Clock | undefined;
  readonly pause: Pause;
}

class SoakRun {
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** Days of answers, in each of which a function and workerd are killed under load, and at whose end the rows are counted. */
  async days(): Promise<void> {
    const { state, answers, folder, say } = this.#parts;
    const aDay = Math.ceil((answers * IN_DAYS) / DAYS);
    while (state.days.length < DAYS) {
      const day = state.days.length;
      const startedAt = performance.now();
      const target = (day + 1) * aDay;
      await this.#askFor(day, async (system, all) => {
        const asking = all.askUntil(target, TOGETHER);
        const kills = (async () => {
          await all.reached(target - (aDay * 2) / 3);
          await system.killFunction(day % FUNCTIONS);
          await all.reached(target - aDay / 3);
          await system.killEdge();
        })();
        await Promise.all([asking, kills]);
        state.kills.functions += 1;
        state.kills.edge += 2; // the other is the day's end
      });
      const rows = countRows(folder);
      state.days.push(rows);
      state.seconds += (performance.now() - startedAt) / 1000;
      writeSoakState(folder, state);
      const total = Object.values(rows.tables).reduce((sum, count) => sum + count, 0);
      const rate = (aDay * 1000) / (performance.now() - startedAt);
      say(`day ${day + 1} of ${DAYS}: ${state.asked} asked, ${rate.toFixed(0)}/s, ${total} rows`);
    }
  }

  /** The other answers, of one workerd: only the first function is killed now and then. */
  async longRun(): Promise<Pick<SoakFigures, "looks" | "heaps" | "end">> {
    const { state, answers, folder, say } = this.#parts;
    const looks: Look[] = [];
    const before = state.asked;
    const log = path.join(folder, "edge.log");
    const logged = statSync(log).size;
    await this.#askFor(DAYS, async (system, all) => {
      for (let look = 1; look <= LOOKS; look++) {
        const target = before + Math.ceil(((answers - before) * look) / LOOKS);
        const asking = all.askUntil(target, TOGETHER);
        if (look % 5 === 0) {
          await system.killFunction(0);
          state.kills.functions += 1;
        }
        await asking;
        looks.push(lookAt(system, all));
        if (look % 10 === 0) say(`${all.asked} of ${answers} asked; ${wordsOf(looks.at(-1))}`);
      }
    });
    const heaps = heapsIn(readFileSync(log).subarray(logged).toString());
    // What a crash cut off is given back within minutes: after a day nothing may be left.
    for (let day = DAYS + 1; day <= DAYS + 2; day++) await this.#askFor(day, async () => undefined);
    return { looks, heaps, end: countRows(folder) };
  }

  /** Starts the system, has it asked, and ends it by a crash once all that was accepted has come to an end. */
  async #askFor(
    days: number,
    ask: (system: SoakSystem, customers: Customers) => Promise<void>,
  ): Promise<void> {
    const { state, pause } = this.#parts;
    await using system = await SoakSystem.start({ ...this.#parts, ...state }, days);
    if (state.keys.length === 0) state.keys.push(...(await openAccounts(system, state.adminKey)));
    const customers = new Customers(system.url, state.keys, { ...state, pause });
    await customers.askAgain();
    await ask(system, customers);
    state.lost.push(...(await customers.lost(TOGETHER)));
    state.asked = customers.asked;
    await sleep(SETTLE_MS);
  }
}

async function openAccounts(system: SoakSystem, adminKey: string): Promise<readonly string[]> {
  const terms = { url: system.url, adminKey };
  return await Promise.all(Array.from({ length: ACCOUNTS }, () => openAccount(terms, 1e12)));
}

function lookAt(system: SoakSystem, customers: Customers): Look {
  const times = customers.takeTimes().toSorted((one, other) => one - other);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return {
    asked: customers.asked,
    edge: takenBy(system.workerdPid),
    function: takenBy(system.functionPid(FUNCTIONS - 1)),
    medianMs: at(0.5),
    slowMs: at(0.99),
  };
}

function wordsOf(look: Look | undefined): string {
  if (look === undefined) return "";
  const { edge, medianMs } = look;
  return `workerd ${(edge.rssBytes / 2 ** 20).toFixed(0)} MiB, ${edge.handles} handles, median ${medianMs.toFixed(0)} ms`;
}
