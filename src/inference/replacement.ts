import { errorChain } from "./log.ts";
import { type DeviceUser, sharedWith } from "./machine/device-register.ts";
import type { RuntimeFault } from "./runtime/runtime-fault.ts";

/** Why a process ends by itself, to be replaced. */
export interface Replacement {
  /** Name of the fault, as `GET /status` and the log have it. */
  readonly reason: string;
  /** For whoever looks at the terminal: what happened, with numbers, and what to do. */
  readonly sentence: string;
  readonly exitCode: ReplacementCode;
}

/**
 * What a supervisor is told by the exit code. 75: another process may do better, so start one, later from time to time. 78: none on
 * this machine can, so start none and show why. Source: sysexits.h, EX_TEMPFAIL and EX_CONFIG.
 */
export type ReplacementCode = 75 | 78;

/** Says which of the two a fault is. */
export function replacementCode(fault: RuntimeFault): ReplacementCode {
  switch (fault) {
    case "device_lost":
    case "out_of_memory":
      return 75;
    case "files_missing":
    case "files_wrong":
    case "libraries_missing":
    case "driver_missing":
    case "driver_too_old":
    case "no_gpu":
      return 78;
    default:
      return fault satisfies never;
  }
}

/** Answers in a row that a device has no memory for before its process is replaced: what is left in it may be in pieces. */
export const MAX_OUT_OF_MEMORY = 3;

/** Says why a model cannot be loaded: the runtime's own words, and where memory is short, who has it. */
export function replacementSentence(
  model: string,
  provider: string,
  failed: {
    readonly error: unknown;
    readonly fault: RuntimeFault;
    /** Of weights. */
    readonly bytes: number;
    readonly others: readonly DeviceUser[];
  },
): string {
  const { error, fault, bytes, others } = failed;
  const memory =
    fault === "out_of_memory"
      ? ` It brings ${(bytes / 1e9).toFixed(2)} GB of weights${sharedWith(others)}.`
      : "";
  return `${model} cannot be served with provider ${provider} (${fault}): ${errorChain(error)}.${memory}`;
}

/** Says why a process that served a model goes. */
export function condemnedSentence(reason: "device_lost" | "device_out_of_memory"): string {
  return reason === "device_lost"
    ? "the device is lost, and with it all that this process had there; another process may have it again"
    : `${MAX_OUT_OF_MEMORY} answers in a row found no memory on the device; another process begins with all of it`;
}
