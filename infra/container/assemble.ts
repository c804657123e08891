// Lays out an image's files in a folder: Node, the libraries that it and the packages link, the packages that run, our sources, and
// a bill of materials. Run in a build stage of the Dockerfile: node infra/container/assemble.ts FOLDER function|edge

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rootCertificates } from "node:tls";
import {
  billOfMaterials,
  type Component,
  componentsOf,
  filesBelow,
  isKept,
  sharedObjects,
} from "./contents.ts";
import { variants } from "./variants.ts";

/** Who the image's processes are; the number is what hosts that forbid root look at. */
const USER = 65_532;

/** glibc's names of before, which libraries of CUDA still link. */
const STUBS = ["libdl.so.2", "libpthread.so.0", "librt.so.1"];

const [folder, name = ""] = process.argv.slice(2);
const variant = variants[name];
if (folder === undefined || variant === undefined)
  throw new Error("say where and what: node infra/container/assemble.ts FOLDER function|edge");
const app = path.join(folder, "app");
const node = realpathSync(process.execPath);

const runs = variant.packages();
const kept = filesBelow("node_modules").filter(
  (file) => runs(file) && isKept(file, process.platform, process.arch),
);
for (const file of kept)
  copy(path.join("node_modules", file), path.join(app, "node_modules", file));
for (const one of variant.own) cpSync(one, path.join(app, one), { recursive: true });
copy(node, path.join(folder, "usr/local/bin/node"));

const programs = variant.programs.map((file) => path.join(app, "node_modules", file));
const objects = [node, ...programs, ...sharedObjects(path.join(app, "node_modules"))];
const linked = new Set(objects.flatMap(librariesOf));
const libc = [...linked].find((file) => path.basename(file) === "libc.so.6");
if (libc === undefined) throw new Error("Node links no glibc: the base is to be Debian");
for (const stub of STUBS) linked.add(path.join(path.dirname(libc), stub));
for (const library of linked) copy(realpathSync(library), path.join(folder, library));

mkdirSync(path.join(folder, "etc/ssl"), { recursive: true });
// Node has its own; workerd does not start without.
write("etc/ssl/cert.pem", `${rootCertificates.join("\n")}\n`);
write("etc/passwd", `unmask:x:${USER}:${USER}::/tmp:/sbin/nologin\n`);
write("etc/group", `unmask:x:${USER}:\n`);
write("etc/nsswitch.conf", "hosts: files dns\n");
for (const place of ["tmp", "proc", "dev"]) mkdirSync(path.join(folder, place));
chmodSync(path.join(folder, "tmp"), 0o1777);
// An empty volume takes the owner of where it is mounted.
for (const place of variant.writes) {
  // The mode alone would hold of what leads there too, and nobody but root would come in.
  mkdirSync(path.join(folder, place), { recursive: true });
  chmodSync(path.join(folder, place), 0o700);
  chownSync(path.join(folder, place), USER, USER);
}
await variant.build(path.join(app, name));
const components = [
  {
    name: "node",
    version: process.versions.node,
    licence: "MIT",
    purl: `pkg:generic/node@${process.versions.node}`,
  },
  ...debianPackagesOf([...linked]),
  ...componentsOf(".", kept),
];
write("app/sbom.cdx.json", `${JSON.stringify(billOfMaterials(components), undefined, 1)}\n`);
console.log(
  `${kept.length} files of packages, ${linked.size} libraries, ${components.length} components`,
);

function copy(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(from, to, { dereference: true });
}

function write(file: string, text: string): void {
  writeFileSync(path.join(folder ?? "", file), text);
}

/** The libraries that an object links outside of its package, by the paths under which the loader finds them. */
function librariesOf(object: string): readonly string[] {
  const told = execFileSync("ldd", [object], { encoding: "utf8" });
  const missing = /(\S+) => not found/.exec(told);
  // What one package brings for another lies beside it, and is found through its own run path.
  if (missing !== null) throw new Error(`${object} needs ${missing[1]}, which the base has not`);
  return [...told.matchAll(/(?:=> |^\s+)(\/(?:usr\/)?lib[^\s]*)/gm)].map(([, file = ""]) => file);
}

/** The Debian packages that files belong to; none where the base knows none. */
function debianPackagesOf(files: readonly string[]): readonly Component[] {
  const names = new Set(
    files.flatMap((file) => {
      const paths = [file, realpathSync(file), `/usr${file}`];
      const owner = paths
        .map((one) => query("dpkg-query", ["--search", one]))
        .find((one) => one !== "");
      return owner === undefined ? [] : [owner.split(": ")[0] ?? ""];
    }),
  );
  return [...names].flatMap((name) => {
    const [version = "", source = name] = query("dpkg-query", [
      ...["--show", "--showformat", `\${Version} \${Package}`, name],
    ]).split(" ");
    if (version === "") return [];
    return [
      {
        name: source,
        version,
        licence: "NOASSERTION",
        purl: `pkg:deb/debian/${source}@${version}`,
      },
    ];
  });
}

function query(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}
