import { closureOf } from "./closure.ts";

/** What one image has that another has not. */
export interface Variant {
  /** Says of a file below `node_modules` whether it belongs to a package that runs. */
  readonly packages: () => (file: string) => boolean;
  /** Programs below `node_modules` that are no shared objects of Node's. */
  readonly programs: readonly string[];
  /** Our own files and folders. */
  readonly own: readonly string[];
  /** Folders that its processes may write into where volumes are mounted there. */
  readonly writes: readonly string[];
  /** Makes what is built, in a folder of the variant's name. */
  readonly build: (folder: string) => Promise<void>;
}

const PROBE = "infra/container/probe.ts";

export const variants: Readonly<Record<string, Variant>> = {
  function: {
    // What was installed is what runs: the stage leaves out what is for development.
    packages: () => () => true,
    programs: [],
    own: ["LICENSE", "package.json", "wasm", "src", PROBE],
    writes: [],
    build: async () => undefined,
  },
  edge: {
    packages: () => isOneOf(closureOf(".", ["miniflare", "jose", "zod", "@aws-sdk/client-s3"])),
    programs: [
      `@cloudflare/workerd-linux-${process.arch === "arm64" ? "arm64" : "64"}/bin/workerd`,
    ],
    own: [
      ...["LICENSE", "package.json", PROBE],
      ...["src/domain", "src/wire", "src/weights", "src/inference"],
      ...["infra/edge/workerd", "infra/demo-model/photographs/bundle"],
      ...["infra/deploy/compose/keys.ts", "infra/deploy/compose/weights.ts"],
    ],
    writes: [
      ...["run/unmask/edge", "run/unmask/functions", "run/unmask/storage"],
      ...["var/lib/unmask/edge", "var/lib/unmask/storage"],
    ],
    // Needs wrangler, which the stage of the function has not installed.
    build: async (folder) => (await import("../edge/workerd/build.ts")).buildEdge(folder),
  },
};

/** Whether a file belongs to one of these packages, and not to one that lies inside of it. */
function isOneOf(packages: ReadonlySet<string>): (file: string) => boolean {
  return (file) => {
    const parts = file.split("/node_modules/");
    const [first = "", second = ""] = (parts.at(-1) ?? "").split("/");
    const name = first.startsWith("@") ? `${first}/${second}` : first;
    return packages.has([...parts.slice(0, -1), name].join("/node_modules/"));
  };
}
