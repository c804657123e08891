// npm run client:pack: builds the package `unmask` from src/client into src/client/dist/package, with what it takes from other
// rooms compiled in and its types rolled up, and packs it beside that. Prints the tarball's path.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

/** The package's own files: manifest and README. */
const SOURCE = "src/client/package";

/** What schemas and tokens of the shared rooms are made with: of those rooms the client takes types and codecs, which use none of it. */
const NOT_NEEDED = ["zod", "jose"];

/** By the name under which each is imported. */
const entries = {
  index: `${SOURCE}/index.ts`,
  admin: "src/client/admin.ts",
  webhooks: "src/client/webhooks.ts",
  "ai-sdk": "src/client/ai-sdk/provider.ts",
};

/** What an entry may import that is not in the package, beside the types of it: its users have it. */
const peers: Readonly<Record<string, string>> = { "ai-sdk.js": "ai", "ai-sdk.d.ts": "ai" };

/** Builds into a folder, which is made anew. Throws where anything would have to be installed beside it. */
export async function buildClient(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const bundle = await rolldown({
    input: entries,
    platform: "neutral",
    tsconfig: false,
    // Node 20, and what Metro's parser knows.
    transform: { target: "es2022" },
    plugins: [dts({ oxc: true, tsconfig: false })],
    external: [...NOT_NEEDED, ...Object.values(peers)],
    treeshake: { moduleSideEffects: false },
  });
  const { output } = await bundle.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "shared-[name].js",
  });
  await bundle.close();
  const foreign = output.flatMap((file) =>
    file.type === "chunk"
      ? [...file.code.matchAll(/\bfrom "([^."][^"]*)"/g)]
          .map(([, name]) => name)
          .filter((name) => name !== peers[file.fileName])
      : [],
  );
  if (foreign.length > 0) throw new Error(`the client imports ${foreign.join(", ")}`);
  for (const file of ["package.json", "README.md"])
    cpSync(`${SOURCE}/${file}`, `${folder}/${file}`);
  cpSync("LICENSE", `${folder}/LICENSE`);
}

/** Packs what was built, and returns the tarball's path. */
export function packClient(folder: string): string {
  const into = path.dirname(folder);
  const told = execFileSync(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", into],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  const packed: unknown = JSON.parse(told);
  const [one] = Object.values(packed as object) as { readonly filename: string }[];
  if (one === undefined) throw new Error(`npm packed nothing: ${told}`);
  return path.join(into, one.filename);
}

if (import.meta.main) {
  const folder = path.resolve("src/client/dist/package");
  await buildClient(folder);
  console.log(path.relative(process.cwd(), packClient(folder)));
}
