import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  answers,
  type LocalProcess,
  startProcess,
  waitUntil,
} from "../../../infra/local/processes.ts";
import { descendantsOf } from "../../support/linux-processes.ts";
import { type LocalEdge, startLocalEdge } from "../local-edge.ts";
import type { Clock } from "./clock.ts";
import type { TicketPair } from "./state.ts";

/** What stays the same however often its processes are killed. */
export interface SystemTerms {
  readonly folder: string;
  readonly apiPort: number;
  readonly storagePort: number;
  readonly functionPorts: readonly number[];
  readonly ticketKeys: TicketPair;
  readonly bindings: Readonly<Record<string, string>>;
  readonly clock: Clock | undefined;
}

const START_MS = 60_000;

/** The edge in workerd and functions with the demo model, all of which can be killed. */
export class SoakSystem implements AsyncDisposable {
  readonly #terms: SystemTerms;
  readonly #env: Readonly<Record<string, string>>;
  #edge: LocalEdge | undefined;
  readonly #functions: LocalProcess[] = [];

  /** @param days by how many its clocks go ahead */
  private constructor(terms: SystemTerms, days: number) {
    this.#terms = terms;
    this.#env = terms.clock?.(days) ?? {};
  }

  static async start(terms: SystemTerms, days: number): Promise<SoakSystem> {
    const system = new SoakSystem(terms, days);
    await Promise.all(terms.functionPorts.map((_, place) => system.#startFunction(place)));
    await system.#startEdge();
    return system;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#terms.apiPort}/`;
  }

  get workerdPid(): number {
    return this.#edge?.workerdPid ?? 0;
  }

  functionPid(place: number): number {
    const port = `--soak-port=${this.#terms.functionPorts[place]}`;
    return descendantsOf(process.pid).find(({ command }) => command.includes(port))?.pid ?? 0;
  }

  /** Ends workerd at once, as a crash does, and starts the edge anew on what it wrote. */
  async killEdge(): Promise<void> {
    await this.#endEdge();
    await this.#startEdge();
  }

  /** Ends a function at once and starts it anew on its port. */
  async killFunction(place: number): Promise<void> {
    process.kill(this.functionPid(place), "SIGKILL");
    await this.#functions[place]?.fate;
    await this.#startFunction(place);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endEdge();
    await Promise.all(this.#functions.map((one) => one.stop(5_000)));
  }

  async #endEdge(): Promise<void> {
    if (this.#edge === undefined) return;
    process.kill(this.#edge.workerdPid, "SIGKILL");
    await this.#edge.process.stop(0);
    this.#edge = undefined;
    await sleep(50); // its ports are free
  }

  async #startEdge(): Promise<void> {
    const { functionPorts, ticketKeys, bindings, ...terms } = this.#terms;
    const urls = functionPorts.map((port) => `http://127.0.0.1:${port}`);
    this.#edge = await startLocalEdge({
      ...terms,
      env: { ...this.#env, MINIFLARE_WORKERD_V8_FLAGS: "--trace-gc" },
      bindings: {
        ...bindings,
        FUNCTION_URL: urls.join(),
        FETCH_URL: urls[0] ?? "",
        TICKET_KEY: JSON.stringify(ticketKeys.signing),
      },
    });
  }

  async #startFunction(place: number): Promise<void> {
    const { folder, functionPorts, ticketKeys } = this.#terms;
    const port = functionPorts[place] ?? 0;
    const command = [process.execPath, "src/inference/function.ts", `--soak-port=${port}`] as const;
    const started = startProcess(`function ${place}`, command, {
      logFile: path.join(folder, `function-${place}.log`),
      env: {
        ...this.#env,
        UNMASK_BUNDLE: "infra/demo-model/bundle",
        UNMASK_PORT: String(port),
        UNMASK_TICKET_KEYS: JSON.stringify([ticketKeys.verification]),
        UNMASK_THREADS: "1",
        UNMASK_QUEUE_LENGTH: "64",
      },
    });
    this.#functions[place] = started;
    const signal = AbortSignal.timeout(START_MS);
    const isReady = (): Promise<boolean> => answers(`http://127.0.0.1:${port}/health/ready`);
    await waitUntil(started, isReady, { timeoutMs: START_MS, signal });
  }
}
