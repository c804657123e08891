import { median } from "./median.ts";

/** Wall and CPU time of the same work, in milliseconds. */
export interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function timed(work: () => Promise<unknown>): Promise<Took> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

/** The middle of each of the two. */
export function medianOf(times: readonly Took[]): Took {
  return {
    wallMs: median(times.map(({ wallMs }) => wallMs)),
    cpuMs: median(times.map(({ cpuMs }) => cpuMs)),
  };
}
