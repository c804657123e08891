import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Trouble } from "./findings.ts";

/** What can be looked at in a process of its own. */
export type ProbeName = "cpu" | "wasm" | "webgpu" | "vulkan" | "cuda";

export interface ProbeOptions {
  /** Everything that the process sees of the environment; linkers and drivers read theirs at its start. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** The program, for the tests. */
  readonly script?: string;
  readonly timeoutMs?: number;
}

/** A software driver compiles its first shader in seconds, and a card's files are read whole: 1 GB. Longer is a hang. */
const TIMEOUT_MS = 60_000;

/** A finding is some kilobytes; more is something else's output. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Looks at something in a process of its own, since drivers crash rather than complain. What went wrong with the process itself is
 * a trouble, never an error; only being asked to stop is.
 */
export async function runProbe<Found>(
  name: ProbeName,
  { env, signal, script = PROBE, timeoutMs = TIMEOUT_MS }: ProbeOptions,
): Promise<{ readonly found: Found } | { readonly trouble: Trouble }> {
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const child = spawn(process.execPath, [script, name], {
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.any([signal, timeout]),
    killSignal: "SIGKILL",
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, by) => resolve(by ?? `code ${code}`));
  });
  const [output, complaints, end] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ]);
  signal.throwIfAborted();
  if (timeout.aborted) {
    return { trouble: unwell("probe_hung", `the trial did not end within ${timeoutMs / 1000} s`) };
  }
  const line = output.slice(0, MAX_OUTPUT_BYTES).trimEnd().split("\n").at(-1) ?? "";
  if (end === "code 0") {
    const told = readLine<Found>(line);
    if (told !== undefined) return told;
  }
  const last = complaints.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
  const untold = end === "code 0" ? ", and said nothing that can be read" : "";
  const why = `the trial's process ended with ${end}${untold}${last === "" ? "" : `: ${last}`}`;
  return { trouble: unwell("probe_crashed", why) };
}

/** Reads the last line of a probe; undefined for one that a library wrote into, or that was cut at `MAX_OUTPUT_BYTES`. */
function readLine<Found>(
  line: string,
): { readonly found: Found } | { readonly trouble: Trouble } | undefined {
  try {
    if (line.startsWith(FOUND)) return { found: JSON.parse(line.slice(FOUND.length)) };
    if (line.startsWith(FAILED)) return { trouble: JSON.parse(line.slice(FAILED.length)) };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  return undefined;
}

/** Stand before what a probe found, or what hindered it, on the last line that it writes: libraries write to the same stream. */
export const FOUND = "found ";
export const FAILED = "failed ";

const PROBE = fileURLToPath(new URL("./probe.ts", import.meta.url));

function unwell(kind: string, why: string): Trouble {
  return {
    kind,
    why,
    next: "The driver or a library is broken: update it, or use another provider",
  };
}
