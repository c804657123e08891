import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const PAGE = "infra/docs/backup.md";
const run = promisify(execFile);

/** The commands of the page's walk, and what they are said to print. */
function walk(): { readonly commands: readonly string[]; readonly printed: readonly string[] } {
  const section = readFileSync(PAGE, "utf8").split("\n## The walk\n")[1] ?? "";
  const [, sh = "", text = ""] =
    /```sh\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(section) ?? [];
  return { commands: lines(sh), printed: lines(text) };
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** What changes from walk to walk is not compared: times, keys and days. */
function withoutTimes(line: string): string {
  return line
    .replace(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, "TIME")
    .replace(/ [0-9A-Za-z]{16} /g, " KEY ")
    .trimEnd();
}

/** A system of its own, as the page starts it. */
async function start(args: readonly string[], state: string): Promise<() => Promise<void>> {
  const words = ["start", "--silent", "--", "--port", "0", "--json", ...args];
  const child = spawn("npm", words, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, UNMASK_STATE: state },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", () => resolve());
    void ended.then(() => reject(new Error("the system ended before it was ready")));
  });
  await ready;
  return async () => {
    child.kill("SIGTERM");
    await ended;
  };
}

test("the walk of the page about backups prints what it says it does", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-backup-"));
  const state = path.join(folder, "state");
  const { commands, printed } = walk();
  const told: string[] = [];
  let stop = async (): Promise<void> => undefined;
  let at = "";
  try {
    for (const command of commands) {
      if (command.startsWith("npm start"))
        stop = await start(
          command
            .split(" ")
            .slice(2)
            .filter((word) => word !== "--"),
          state,
        );
      else if (command === "# Ctrl-C") await stop();
      else {
        const shell = command.replaceAll(".unmask", state);
        const script = shell.startsWith("AT=") ? `${shell}; echo $AT` : shell;
        const env = { ...process.env, UNMASK_STATE: state, AT: at };
        // Refused ones end otherwise than with 0, and print as well.
        const outcome = await run("bash", ["-c", script], { env }).catch(
          (cause: { stdout: string }) => cause,
        );
        if (shell.startsWith("AT=")) at = outcome.stdout.trim();
        else told.push(...lines(outcome.stdout));
      }
    }
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  expect(told.map(withoutTimes)).toEqual(printed.map(withoutTimes));
}, 240_000);
