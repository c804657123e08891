import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

/** The whole system on this machine, as `npm start` brings it up. */
export interface LocalSystem extends AsyncDisposable {
  readonly url: string;
  readonly key: string;
  readonly model: string;
}

/** Starts it on a free port and waits until it is ready: about six seconds on two cores. */
export async function startLocalSystem(): Promise<LocalSystem> {
  const state = mkdtempSync(path.join(tmpdir(), "unmask-system-"));
  const system = spawn("npm", ["start", "--silent", "--", "--json", "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, UNMASK_STATE: state },
  });
  const ended = new Promise<void>((resolve) => system.once("exit", () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: system.stdout }).once("line", resolve);
    system.once("exit", (code) =>
      reject(new Error(`the system ended with ${code} before it was ready`)),
    );
  });
  const ready: Pick<LocalSystem, "url" | "key" | "model"> = JSON.parse(line);
  return {
    ...ready,
    async [Symbol.asyncDispose]() {
      system.kill("SIGTERM");
      await ended;
      rmSync(state, { recursive: true });
    },
  };
}
