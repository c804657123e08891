import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { supervise } from "../../../local/functions/supervisor.ts";
import { LOOPBACK } from "../../../local/ports.ts";
import { lastLines, type StartedProcess, startProcess } from "../../../local/processes.ts";
import type { Condition, Service } from "./compose-file.ts";
import { findPlaces, type Place } from "./places.ts";
import { type Program, programOf } from "./programs.ts";

/** A service that was started. */
export interface Running {
  readonly name: string;
  readonly url: string;
  readonly logFile: string;
  /** Of the process that runs now: one that was started anew has another. */
  readonly pid: () => number;
  /** Asks it once whether it is well. */
  readonly isWell: () => Promise<boolean>;
  readonly stop: () => Promise<void>;
}

/** The services of a compose file as processes of this machine, on loopback. */
export interface Topology extends AsyncDisposable {
  readonly services: ReadonlyMap<string, Running>;
  /** The address of the service whose port is published. */
  readonly url: string;
  /** Where a volume lies here. */
  readonly volume: (name: string) => string;
}

export interface UpOptions {
  readonly services: readonly Service[];
  /** Volumes, logs and temporary files. */
  readonly state: string;
  /** What `infra/edge/workerd/build.ts` has made. */
  readonly built: string;
  readonly say: (words: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Starts every service once those that it depends on are where it wants them, as `docker compose up --wait` does. What was started is
 * stopped in the opposite order where one of them fails, and when the topology is disposed of. Rejects with the end of the failed one's log.
 */
export async function up(options: UpOptions): Promise<Topology> {
  const { services, state, say, signal } = options;
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const places = await findPlaces(services, state, path.resolve(options.built));
  const running = new Map<string, Running>();
  const failed = new AbortController();
  const waiting = AbortSignal.any([failed.signal, signal]);
  const reached = new Map<string, Promise<Record<Condition, Promise<void>>>>();
  const start = async (service: Service): Promise<Record<Condition, Promise<void>>> => {
    for (const [needed, condition] of Object.entries(service.dependsOn)) {
      const stages = reached.get(needed);
      if (stages === undefined)
        throw new Error(`${service.name} depends on ${needed}, which is not there`);
      await (await stages)[condition];
    }
    waiting.throwIfAborted();
    return begin(service, placeOf(places, service), { state, say, signal: waiting }, running);
  };
  // Later ones may be named by earlier ones: each asks for the others when it is its turn.
  for (const service of services) {
    const stages = Promise.resolve().then(() => start(service));
    stages.catch((cause: unknown) => failed.abort(cause));
    reached.set(service.name, stages);
  }
  const stop = async (): Promise<void> => {
    for (const one of [...running.values()].reverse()) await one.stop();
  };
  try {
    for (const service of services) {
      const stages = await reached.get(service.name);
      await stages?.[service.restarts ? "service_healthy" : "service_completed_successfully"];
    }
  } catch (cause) {
    await stop();
    throw failed.signal.aborted ? failed.signal.reason : cause;
  }
  const published = services.find(({ publishes }) => publishes !== null)?.name ?? "";
  return {
    services: running,
    url: running.get(published)?.url ?? "",
    volume: (name) => path.join(state, "volumes", name),
    [Symbol.asyncDispose]: stop,
  };
}

function placeOf(places: ReadonlyMap<string, Place>, { name }: Service): Place {
  const place = places.get(name);
  if (place === undefined) throw new Error(`${name} has no place`);
  return place;
}

/** What is seen of a process from outside: nothing of who started it but where programs are. */
function bare(environment: Program["environment"]): Record<string, string | undefined> {
  const none = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
  return { ...none, PATH: process.env["PATH"], ...environment };
}

function begin(
  service: Service,
  place: Place,
  { state, say, signal }: Pick<UpOptions, "state" | "say" | "signal">,
  running: Map<string, Running>,
): Record<Condition, Promise<void>> {
  const { name, restarts, graceMs } = service;
  const program = programOf(service, place);
  const logFile = path.join(state, `${name}.log`);
  let current: StartedProcess | undefined;
  const launch = (isAnew: boolean): StartedProcess => {
    current = startProcess(name, program.command, {
      logFile,
      isAnew,
      env: bare(program.environment),
    });
    return current;
  };
  const subject = restarts
    ? supervise({
        start: launch,
        complaint: async () => undefined,
        say,
        now: () => performance.now(),
        pause: async (ms, stopping) => {
          await sleep(ms, undefined, { signal: stopping }).catch(() => undefined); // aborted: sooner
        },
      })
    : launch(false);
  const one: Running = {
    name,
    logFile,
    url: `http://${LOOPBACK}:${place.port}`,
    pid: () => current?.pid ?? 0,
    isWell: () => isWell(program),
    stop: () => subject.stop(graceMs),
  };
  running.set(name, one);
  const dies = subject.ended.then((how) => {
    throw new Error(`${name} ${how}:\n${lastLines(logFile, 20)}`);
  });
  dies.catch(() => undefined);
  const completed = subject.ended.then((how) => {
    if (how !== "ended with 0") throw new Error(`${name} ${how}:\n${lastLines(logFile, 20)}`);
  });
  const healthy = Promise.race([untilWell(one, service, signal), dies]);
  // Whoever waits for neither is not to end by it.
  for (const stage of [completed, healthy]) stage.catch(() => undefined);
  return {
    service_started: Promise.resolve(),
    service_healthy: healthy,
    service_completed_successfully: completed,
  };
}

async function untilWell(one: Running, service: Service, signal: AbortSignal): Promise<void> {
  const { startIntervalMs = 0, startPeriodMs = 0 } = service.healthcheck ?? {};
  const untilMs = performance.now() + Math.max(startPeriodMs, startIntervalMs);
  while (!(await one.isWell())) {
    if (performance.now() > untilMs)
      throw new Error(`${one.name} was not well in time:\n${lastLines(one.logFile, 20)}`);
    await sleep(startIntervalMs, undefined, { signal });
  }
}

async function isWell({ probe }: Program): Promise<boolean> {
  if (probe === null) return true;
  try {
    if ("url" in probe) await fetch(probe.url, { signal: AbortSignal.timeout(2_000) });
    else await promisify(execFile)(process.execPath, [...probe.command]);
    return true;
  } catch {
    return false; // it says so to nobody: only that it is not well counts
  }
}
