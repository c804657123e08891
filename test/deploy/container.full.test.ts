import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { filesBelow, MAX_CPU_IMAGE_BYTES } from "../../infra/container/contents.ts";
import { freePort } from "../../infra/local/ports.ts";

// Builds the image without a daemon, on a base made from Debian's packages, and starts it as hosts do: not as root, its root
// read-only. Needs root, buildah, mmdebstrap, unshare and the network of packages; minutes.

const folder = mkdtempSync(path.join(tmpdir(), "unmask-image-"));
const store = [
  "--root",
  `${folder}/store`,
  "--runroot",
  `${folder}/run`,
  "--storage-driver",
  "vfs",
];
const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 26,
  });
const buildah = (command: string, ...args: readonly string[]): string =>
  run("buildah", command, ...store, ...args);

/** The npm at hand: `npm` is a link to its `bin/npm-cli.js`. */
function npmFolder(): string {
  return path.resolve(realpathSync(run("sh", "-c", "command -v npm").trim()), "../..");
}

/** Debian with this Node and npm in /usr/local, as an image that BASE may name. */
function makeBase(): void {
  const context = path.join(folder, "base");
  run("mkdir", "-p", context);
  const rootfs = process.env["UNMASK_CONTAINER_ROOTFS"];
  if (rootfs === undefined)
    run(
      "mmdebstrap",
      "--mode=root",
      "--variant=essential",
      "--include=libstdc++6",
      "bookworm",
      `${context}/rootfs.tar`,
    );
  else cpSync(rootfs, `${context}/rootfs.tar`);
  cpSync(process.execPath, `${context}/node`);
  cpSync(npmFolder(), `${context}/npm`, {
    recursive: true,
    dereference: true,
  });
  // Where packages come through a proxy of one's own, its certificate is needed to fetch them.
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
  writeFileSync(
    `${context}/extra.crt`,
    certificates === undefined ? "" : readFileSync(certificates),
  );
  writeFileSync(
    `${context}/Dockerfile`,
    [
      "FROM scratch",
      "ADD rootfs.tar /",
      "COPY node /usr/local/bin/node",
      "COPY npm /usr/local/lib/node_modules/npm",
      'RUN ["/bin/ln", "-s", "../lib/node_modules/npm/bin/npm-cli.js", "/usr/local/bin/npm"]',
      "COPY extra.crt /etc/extra.crt",
      "ENV NODE_EXTRA_CA_CERTS=/etc/extra.crt",
    ].join("\n"),
  );
  buildah("bud", "--isolation", "chroot", "-t", "localhost/base", context);
}

/** Builds the image and returns the folder where its files lie. */
function build(): string {
  const npmrc = path.join(homedir(), ".npmrc");
  const secret = existsSync(npmrc) ? ["--secret", `id=npmrc,src=${npmrc}`] : [];
  buildah(
    ...([
      "bud",
      "--isolation",
      "chroot",
      "--target",
      "cpu",
      "--build-arg",
      "BASE=localhost/base",
    ] as const),
    ...["--build-arg", "CUDA_INDEX=", ...secret, "-f", "infra/container/Dockerfile"],
    ...[
      "--ignorefile",
      "infra/container/Dockerfile.dockerignore",
      "-t",
      "localhost/unmask:cpu",
      ".",
    ],
  );
  return buildah("mount", buildah("from", "localhost/unmask:cpu").trim()).trim();
}

/** Starts a command of the image in a chroot: its root read-only, a tmpfs at /tmp, its user, its variables. */
function start(root: string, environment: Readonly<Record<string, string>>, bundle: string) {
  const { OCIv1 } = JSON.parse(buildah("inspect", "--type", "image", "localhost/unmask:cpu")) as {
    readonly OCIv1: {
      readonly config: {
        readonly Env: readonly string[];
        readonly User: string;
        readonly Entrypoint: readonly string[];
        readonly Cmd: readonly string[];
      };
    };
  };
  const { Env, User, Entrypoint, Cmd } = OCIv1.config;
  const script = `set -e
mount --bind "$1" "$1"
mount -t tmpfs tmpfs "$1/tmp"
mkdir "$1/tmp/bundle"
mount --bind "$2" "$1/tmp/bundle"
mount --bind /proc "$1/proc"
mount --bind /dev "$1/dev"
mount -o remount,bind,ro "$1"
chmod 1777 "$1/tmp"
shift 2
root=$1; user=$2; shift 2
exec chroot --userspec="$user" "$root" "$@"`;
  return spawn(
    "unshare",
    [
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      script,
      "sh",
      root,
      bundle,
      root,
      User,
      ...Entrypoint,
      ...Cmd,
    ],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...Object.fromEntries(Env.map((pair) => pair.split(/=(.*)/s))), ...environment },
    },
  );
}

describe("the image of the function", () => {
  let root = "";
  beforeAll(() => {
    makeBase();
    root = build();
  }, 1_200_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }), 120_000);

  test("takes 300 MB at most, has a bill of materials, and no shell and no package manager", () => {
    const bytes = Number(run("du", "--bytes", "--summarize", root).split("\t")[0]);
    console.log(`the image takes ${(bytes / 1e6).toFixed(0)} MB`);
    expect(bytes).toBeLessThan(MAX_CPU_IMAGE_BYTES);
    expect(readFileSync(path.join(root, "app/sbom.cdx.json"), "utf8")).toContain(
      "pkg:deb/debian/libc6@",
    );
    const programs = filesBelow(root).filter((file) =>
      /(^|\/)(sh|bash|dpkg|apt-get|npm)$/.test(file),
    );
    expect(programs).toEqual([]);
  });

  test("starts where it may write nothing but /tmp, answers its host by PORT, and ends by SIGTERM with 0", async () => {
    const { verification } = await generateTicketKeys("test");
    const port = String(await freePort());
    const child = start(
      root,
      {
        PORT: port,
        UNMASK_TICKET_KEYS: JSON.stringify([verification]),
        UNMASK_BUNDLE: "/tmp/bundle",
        UNMASK_DRAIN_TIMEOUT_MS: "8000",
      },
      path.resolve("infra/demo-model/bundle"),
    );
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
    const ended = new Promise<number | string | null>((resolve) =>
      child.once("close", (code, signal) => resolve(signal ?? code)),
    );
    try {
      await vi.waitFor(
        async () => {
          const ready = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
          if (ready?.status !== 200) throw new Error(lines.join("\n"));
        },
        { timeout: 60_000, interval: 200 },
      );
      expect((await fetch(`http://127.0.0.1:${port}/ping`)).status).toBe(200);
      expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
      expect(readFileSync(`/proc/${child.pid}/status`, "utf8")).toMatch(/^Uid:\s65532\s65532/m);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toBe(0);
  }, 120_000);
});
