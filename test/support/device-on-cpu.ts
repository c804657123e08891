import type { KeptName } from "#engine/runtime/kept-tensors.ts";
import type { Runtime, SessionInput, SessionTensor } from "#engine/runtime/runtime.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";

/** What a runtime was asked for since `forget`. */
export interface DeviceLog {
  /** Sessions that have run, by name. */
  readonly runs: string[];
  /** Bytes that have gone to the device, and come from it. */
  toDevice: number;
  fromDevice: number;
  forget(): void;
}

/**
 * A runtime that has the rules of a device's and computes on the CPU: what graphs and passes for devices do can be tried on every
 * machine. It refuses what a device would not survive: a tensor of length 0.
 */
export async function deviceOnCpu(): Promise<{
  runtime: Runtime;
  log: DeviceLog;
  kept: KeptNames;
}> {
  const cpu = await loadRuntime("cpu", 1);
  return watched({ ...cpu, keepsAcrossSessions: true });
}

/** Names under which something is kept, as `shelf/name`. */
export type KeptNames = ReadonlySet<string>;

/** Counts what a runtime of a device is asked for, and has it run in order. */
export function watched(runtime: Runtime): { runtime: Runtime; log: DeviceLog; kept: KeptNames } {
  const kept = new Set<string>();
  const log: DeviceLog = {
    runs: [],
    toDevice: 0,
    fromDevice: 0,
    forget() {
      log.runs.length = 0;
      log.toDevice = 0;
      log.fromDevice = 0;
    },
  };
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  const nameOf = ({ shelf, name }: KeptName): string => `${shelf}/${name}`;
  const bytesOf = (tensors: Iterable<SessionInput>): number => {
    let bytes = 0;
    for (const tensor of tensors) {
      if ("shelf" in tensor) continue;
      if (tensor.data.length === 0) throw new Error("a tensor of length 0 would end the process");
      bytes += tensor.data.byteLength;
    }
    return bytes;
  };
  const watching: Runtime = {
    ...runtime,
    async createSession(name, model, stage, options) {
      const session = await runtime.createSession(name, model, stage, options);
      return {
        run: (inputs, outputs, keep = {}) =>
          inOrder(async () => {
            log.runs.push(name);
            log.toDevice += bytesOf(Object.values(inputs));
            const results = await session.run(inputs, outputs, keep);
            for (const order of Object.values(keep)) kept.add(nameOf(order));
            log.fromDevice += bytesOf(Object.values<SessionTensor>(results));
            return results;
          }),
        release: () => inOrder(() => session.release()),
      };
    },
    clear: (shelf) =>
      inOrder(async () => {
        await runtime.clear(shelf);
        for (const name of [...kept]) if (name.startsWith(`${shelf}/`)) kept.delete(name);
      }),
  };
  return { runtime: watching, log, kept };
}
