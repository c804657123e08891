import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

// Builds images without a daemon, on a base made from Debian's packages, and starts their commands as hosts do: not as root, the root
// read-only. Needs root, buildah, mmdebstrap, unshare and the network of packages; minutes.

/** A place where images are built. */
export interface Workshop extends Disposable {
  readonly folder: string;
  /** Builds a target of the Dockerfile. */
  build(target: string, args?: Readonly<Record<string, string>>): Image;
}

export interface Image {
  readonly name: string;
  /** Where its files lie, to be looked at. */
  readonly root: string;
}

/** A command of an image that runs. */
export interface Container {
  readonly child: ChildProcess;
  /** What it has written to its standard error. */
  readonly lines: readonly string[];
  readonly ended: Promise<number | string | null>;
}

export const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 26,
  });

const ISOLATION = ["--isolation", "chroot"] as const;

/** Opens it, with the base that our images are built on. UNMASK_CONTAINER_ROOTFS names a root of Debian's that is there already. */
export function openWorkshop(): Workshop & { inspect(image: Image): ImageConfig } {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-image-"));
  const store = ["--root", `${folder}/store`, "--runroot", `${folder}/run`];
  const buildah = (command: string, ...args: readonly string[]): string =>
    run("buildah", command, ...store, "--storage-driver", "vfs", ...args);
  makeBase(folder, (context) => buildah("bud", ...ISOLATION, "-t", "localhost/base", context));
  return {
    folder,
    build: (target, args = {}) => {
      const npmrc = path.join(homedir(), ".npmrc");
      const secret = existsSync(npmrc) ? ["--secret", `id=npmrc,src=${npmrc}`] : [];
      const given = Object.entries({ BASE: "localhost/base", ...args });
      const name = `localhost/unmask:${target}`;
      buildah(
        ...(["bud", ...ISOLATION, "--target", target, ...secret] as const),
        ...given.flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
        ...["-f", "infra/container/Dockerfile"],
        ...["--ignorefile", "infra/container/Dockerfile.dockerignore", "-t", name, "."],
      );
      return { name, root: buildah("mount", buildah("from", name).trim()).trim() };
    },
    inspect: ({ name }) => {
      const told = JSON.parse(buildah("inspect", "--type", "image", name)) as {
        readonly OCIv1: { readonly config: ImageConfig };
      };
      return told.OCIv1.config;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** What an image says of its processes. */
export interface ImageConfig {
  readonly Env: readonly string[];
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
}

/** Debian with this Node and npm in /usr/local, as an image that BASE may name. */
function makeBase(folder: string, bud: (context: string) => void): void {
  const context = path.join(folder, "base");
  mkdirSync(context);
  const rootfs = process.env["UNMASK_CONTAINER_ROOTFS"];
  const options = ["--mode=root", "--variant=essential", "--include=libstdc++6"];
  if (rootfs === undefined) run("mmdebstrap", ...options, "bookworm", `${context}/rootfs.tar`);
  else cpSync(rootfs, `${context}/rootfs.tar`);
  cpSync(process.execPath, `${context}/node`);
  // The npm at hand: `npm` is a link to its `bin/npm-cli.js`.
  const npm = path.resolve(realpathSync(run("sh", "-c", "command -v npm").trim()), "../..");
  cpSync(npm, `${context}/npm`, { recursive: true, dereference: true });
  // Where packages come through a proxy of one's own, its certificate is needed to fetch them.
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
  const text = certificates === undefined ? "" : readFileSync(certificates);
  writeFileSync(`${context}/extra.crt`, text);
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
  bud(context);
}

const IN_CHROOT = `set -e
root=$1; user=$2; mounts=$3; shift 3
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/tmp"
for pair in $mounts; do mkdir -p "$root\${pair#*=}"; mount --bind "\${pair%%=*}" "$root\${pair#*=}"; done
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
mount -o remount,bind,ro "$root"
chmod 1777 "$root/tmp"
cd "$root"
exec chroot --userspec="$user" "$root" "$@"`;

/** Starts a command of an image in a chroot: its root read-only, a tmpfs at /tmp, its user, its variables, folders of this machine mounted. */
export function start(
  { root }: Image,
  config: ImageConfig,
  options: {
    readonly command?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
    /** Where in the image by where here. */
    readonly mounts?: Readonly<Record<string, string>>;
  },
): Container {
  const mounts = Object.entries(options.mounts ?? {}).map(([here, there]) => `${here}=${there}`);
  const child = spawn(
    "unshare",
    [
      ...["--mount", "--propagation", "private", "sh", "-c", IN_CHROOT, "sh"],
      ...[root, config.User, mounts.join(" ")],
      ...[...config.Entrypoint, ...(options.command ?? config.Cmd)],
    ],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...Object.fromEntries(config.Env.map((pair) => pair.split(/=(.*)/s))),
        ...options.environment,
      },
    },
  );
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const ended = new Promise<number | string | null>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? code)),
  );
  return { child, lines, ended };
}
