import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

/** What `npm start -- --json` says on its one line. */
interface Ready {
  readonly url: string;
  readonly key: string;
  readonly admin_key: string;
  readonly model: string;
  /** Names of all that are served. */
  readonly models: readonly string[];
  /** The address that opens the playground with a pass: told to people alone. */
  readonly playground?: string;
  /** The address that signs in at the dashboard, once: told to people alone. */
  readonly dashboard?: string;
}

/** Thirty times what it takes on two cores. */
const START_LIMIT_MS = 180_000;

/** The whole system on this machine, as `npm start` brings it up. */
export interface LocalSystem extends Ready, AsyncDisposable {
  /** `npm start` itself. */
  readonly child: ChildProcess;
  /** Resolves with its exit status, or with the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  /** Where its state lies; gone when it is disposed of. */
  readonly state: string;
  /** Every port on which a part of it listens. */
  readonly ports: readonly number[];
}

/**
 * Starts it on a free port and waits until it is ready: some five seconds of processor time, which `sharedSystem` spends once. For
 * people it says what to paste into a terminal, and what is read here is that.
 */
export async function startLocalSystem(
  audience: "programs" | "people" = "programs",
  {
    args = [],
    env = {},
    onSaid = (line) => process.stderr.write(`${line}\n`),
  }: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** Called with each line that it says beside. */
    readonly onSaid?: (line: string) => void;
  } = {},
): Promise<LocalSystem> {
  const state = mkdtempSync(path.join(tmpdir(), "unmask-system-"));
  const words = audience === "programs" ? ["--json"] : [];
  const child = spawn("npm", ["start", "--silent", "--", "--port", "0", ...words, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, UNMASK_STATE: state, ...env },
  });
  const cutLifeline = holdLifeline(child);
  createInterface({ input: child.stderr }).on("line", onSaid);
  const ended = new Promise<number | string | null>((resolve) =>
    child.once("exit", (code, signal) => {
      cutLifeline();
      resolve(signal ?? code);
    }),
  );
  // One that never gets ready would have whoever ends it wait for ever.
  const limit = setTimeout(() => child.kill("SIGTERM"), START_LIMIT_MS);
  const ready = await new Promise<Ready>((resolve, reject) => {
    let printed = "";
    createInterface({ input: child.stdout }).on("line", (line) => {
      printed += `${line}\n`;
      if (audience === "programs") resolve(JSON.parse(line) as Ready);
      else if (line.includes("Ctrl-C")) resolve(readyForPeople(printed));
    });
    void ended.then((how) => reject(new Error(`the system ended with ${how} before it was ready`)));
  }).finally(() => clearTimeout(limit));
  const ports = JSON.parse(readFileSync(path.join(state, "ports.json"), "utf8")) as number[];
  return {
    ...ready,
    child,
    ended,
    state,
    ports,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      rmSync(state, { recursive: true, maxRetries: 5 });
    },
  };
}

/** Has it end when this process is gone, however it went: npm would not notice. Returns how to let go of it. */
function holdLifeline(child: ChildProcess): () => void {
  const lifeline = spawn("sh", ["infra/local/lifeline.sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  return () => lifeline.kill("SIGKILL");
}

/** Reads the values that a person is told to export. */
function readyForPeople(printed: string): Ready {
  const exported = (name: string): string => {
    const value = new RegExp(`^ *export ${name}=(\\S+)$`, "m").exec(printed)?.[1];
    if (value === undefined) throw new Error(`nobody is told to export ${name}:\n${printed}`);
    return value;
  };
  return {
    url: exported("UNMASK_URL"),
    key: exported("UNMASK_KEY"),
    admin_key: /UNMASK_ADMIN_KEY=(\S+)/.exec(printed)?.[1] ?? "",
    model: "unmask-demo",
    models: ["unmask-demo"],
    dashboard: /^ *(http\S+#code=\S+)$/m.exec(printed)?.[1] ?? "",
    playground: /^ *(http\S+#pass=\S+)$/m.exec(printed)?.[1] ?? "",
  };
}
