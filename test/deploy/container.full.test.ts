import { chmodSync, chownSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createClient } from "#client/client.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { filesBelow, MAX_CPU_IMAGE_BYTES } from "../../infra/container/contents.ts";
import { openLocalAccount } from "../../infra/local/local-key.ts";
import { freePort } from "../../infra/local/ports.ts";
import { type Container, type Image, openWorkshop, run, start } from "./image.ts";

const BUNDLE = "infra/demo-model/photographs/bundle";
const USER = 65_532;

let workshop: ReturnType<typeof openWorkshop>;
beforeAll(() => {
  workshop = openWorkshop();
}, 600_000);
afterAll(() => workshop[Symbol.dispose](), 120_000);

/** A folder of the images' user, as an empty volume becomes. */
function volume(name: string): string {
  const folder = path.join(workshop.folder, name);
  mkdirSync(folder);
  chownSync(folder, USER, USER);
  // What leads to it is this user's alone.
  chmodSync(workshop.folder, 0o755);
  return folder;
}

async function untilOk(url: string, { lines }: Container): Promise<void> {
  await vi.waitFor(
    async () => {
      const reply = await fetch(url).catch(() => null);
      if (reply?.status !== 200) throw new Error(lines.join("\n"));
    },
    { timeout: 60_000, interval: 200 },
  );
}

function expectNoTools({ root }: Image): void {
  expect(readFileSync(path.join(root, "app/sbom.cdx.json"), "utf8")).toContain(
    "pkg:deb/debian/libc6@",
  );
  const tools = /(^|\/)(sh|bash|dpkg|apt-get|npm)$/;
  expect(filesBelow(root).filter((file) => tools.test(file))).toEqual([]);
}

function megabytes({ root, name }: Image): number {
  const bytes = Number(run("du", "--bytes", "--summarize", root).split("\t")[0]);
  console.log(`the image ${name} takes ${(bytes / 1e6).toFixed(0)} MB`);
  return bytes / 1e6;
}

const userOf = ({ child }: Container): string => readFileSync(`/proc/${child.pid}/status`, "utf8");

describe("the images", () => {
  let cpu: Image;
  let edge: Image;
  beforeAll(() => {
    cpu = workshop.build("cpu");
    edge = workshop.build("edge");
  }, 1_200_000);

  test("the function's takes 300 MB at most, has a bill of materials, and no shell and no package manager", () => {
    expect(megabytes(cpu)).toBeLessThan(MAX_CPU_IMAGE_BYTES / 1e6);
    expectNoTools(cpu);
  });

  test("the edge's has a bill of materials, no shell, no package manager, and nothing that built it", () => {
    expect(megabytes(edge)).toBeLessThan(400);
    expectNoTools(edge);
    const packages = filesBelow(path.join(edge.root, "app/node_modules")).map(
      (file) => file.split("/")[0],
    );
    for (const tool of ["wrangler", "typescript", "esbuild", "vitest", "onnxruntime-node"])
      expect(packages).not.toContain(tool);
  });

  test("the function's starts where it may write nothing but /tmp, answers its host by PORT, and ends by SIGTERM with 0", async () => {
    const { verification } = await generateTicketKeys("test");
    const port = String(await freePort());
    const container = start(cpu, workshop.inspect(cpu), {
      environment: {
        PORT: port,
        UNMASK_TICKET_KEYS: JSON.stringify([verification]),
        UNMASK_BUNDLE: "/tmp/bundle",
        UNMASK_DRAIN_TIMEOUT_MS: "8000",
      },
      mounts: { [path.resolve(BUNDLE)]: "/tmp/bundle" },
    });
    try {
      await untilOk(`http://127.0.0.1:${port}/health/ready`, container);
      expect((await fetch(`http://127.0.0.1:${port}/ping`)).status).toBe(200);
      expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
      expect(userOf(container)).toMatch(/^Uid:\s65532\s65532/m);
    } finally {
      container.child.kill("SIGTERM");
    }
    expect(await container.ended).toBe(0);
  }, 120_000);

  test("the edge's draws keys for both, and behind it the function's answers a question", async () => {
    const secrets = Object.fromEntries(
      ["edge", "functions", "storage", "register"].map((name) => [volume(`${name}-secrets`), name]),
    );
    const mounts = Object.fromEntries(
      Object.entries(secrets).map(([here, name]) => [here, `/run/unmask/${name}`]),
    );
    const config = workshop.inspect(edge);
    const [functionPort, edgePort] = [await freePort(), await freePort()];
    const functionUrl = `http://127.0.0.1:${functionPort}`;
    const folders = Object.values(mounts);
    const keys = start(edge, config, {
      command: ["/app/infra/deploy/compose/keys.ts", ...folders, "unmask-demo", functionUrl],
      mounts,
    });
    expect([await keys.ended, keys.lines]).toEqual([0, []]);
    const running = [
      start(cpu, workshop.inspect(cpu), {
        environment: {
          ...{ UNMASK_HOST: "127.0.0.1", UNMASK_PORT: String(functionPort) },
          UNMASK_TICKET_KEYS_FILE: "/run/unmask/functions/ticket-keys.json",
          UNMASK_BUNDLE: "/tmp/bundle",
        },
        mounts: { ...mounts, [path.resolve(BUNDLE)]: "/tmp/bundle" },
      }),
      start(edge, config, {
        environment: {
          ...{ UNMASK_HOST: "127.0.0.1", UNMASK_PORT: String(edgePort) },
          FUNCTION_URL: functionUrl,
          TICKET_KEY_FILE: "/run/unmask/edge/ticket-key.json",
          ADMIN_KEY_FILE: "/run/unmask/edge/admin-key",
        },
        mounts: { ...mounts, [volume("edge-state")]: "/var/lib/unmask/edge" },
      }),
    ] as const;
    try {
      await untilOk(`http://127.0.0.1:${functionPort}/health/ready`, running[0]);
      const url = `http://127.0.0.1:${edgePort}`;
      await untilOk(`${url}/health`, running[1]);
      expect(userOf(running[1])).toMatch(/^Uid:\s65532\s65532/m);
      const [edgeSecrets = ""] = Object.keys(secrets);
      const adminKey = readFileSync(path.join(edgeSecrets, "admin-key"), "utf8");
      const apiKey = await openLocalAccount(url, adminKey, undefined, AbortSignal.timeout(30_000));
      const client = createClient({ baseUrl: url, apiKey });
      const images = [new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"))];
      const answer = await client.ask({ question: "What is this?", images, canvas: 16 });
      expect(answer).toMatchObject({ status: "completed", answer: "A dog." });
    } finally {
      for (const { child } of running) child.kill("SIGTERM");
    }
    expect(await Promise.all(running.map(({ ended }) => ended))).toEqual([0, 0]);
  }, 180_000);
});
