import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { S3Config } from "#weights/s3.ts";
import { freePort } from "../../infra/local/ports.ts";

/** A running R2 bucket that speaks S3 with checked signatures. */
export interface LocalR2 {
  readonly config: S3Config;
  close(): Promise<void>;
}

/** Wrangler starts in 4 to 10 s on two busy cores. */
const START_TIMEOUT_MS = 45_000;

const SECRET = "local-secret-for-tests-only";

/** Starts Wrangler's own R2 with its S3 endpoint, in a folder of its own that goes away with it. */
export async function startLocalR2(): Promise<LocalR2> {
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-r2-"));
  const port = await freePort();
  await writeFile(
    path.join(folder, "worker.js"),
    "export default { fetch: () => new Response() };",
  );
  await writeFile(path.join(folder, "wrangler.json"), JSON.stringify(wranglerConfig()));
  const child = spawn(
    path.resolve("node_modules/.bin/wrangler"),
    [
      "dev",
      "--port",
      String(port),
      "--ip",
      "127.0.0.1",
      "--inspector-port",
      "0",
      "--persist-to",
      folder,
    ],
    {
      cwd: folder,
      detached: true, // a group of its own: workerd is Wrangler's child and must end with it
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" },
    },
  );
  const output: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.pid !== undefined) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      process.kill(-child.pid, "SIGTERM");
      await ended;
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const endpoint = `http://127.0.0.1:${port}/cdn-cgi/local/r2/s3`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(endpoint))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await close();
      throw new Error(`wrangler dev did not start:\n${output.join("")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    config: {
      endpoint,
      region: "auto",
      bucket: "models",
      accessKeyId: "local",
      secretAccessKey: SECRET,
    },
    close,
  };
}

function wranglerConfig(): unknown {
  return {
    name: "unmask-test-storage",
    main: "worker.js",
    compatibility_date: "2026-01-01",
    r2_buckets: [
      {
        binding: "MODELS",
        bucket_name: "models",
        local_dev: {
          experimental_s3_credentials: { accessKeyId: "local", secretAccessKey: SECRET },
        },
      },
    ],
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(2000) });
    return true;
  } catch (error) {
    if (error instanceof Error) return false; // not listening yet
    throw error;
  }
}
