import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

/** A run of `infra/demo-model/miniature` behind a server of OpenAI's form, a process of its own on loopback. */
export interface ServedRun extends AsyncDisposable {
  /** Up to and with `/v1`. */
  readonly url: string;
}

/** Serves the finished run of this name out of a work folder. Throws with what the process says where it does not come up. */
export async function serveRun(python: string, work: string, name: string): Promise<ServedRun> {
  const server = ["-m", "miniature.serve", "--work", path.resolve(work), "--run", name];
  const child = spawn(python, ["-B", "-W", "ignore", ...server], {
    cwd: "infra/demo-model",
    env: { ...process.env, OMP_NUM_THREADS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const closed = once(child, "close");
  const [url] = await Promise.race([once(createInterface(child.stdout), "line"), closed]);
  if (typeof url !== "string" || !url.startsWith("http"))
    throw new Error(`${name} is not served by ${python}: ${said.trim()}`);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await closed;
    },
  };
}
