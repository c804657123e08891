import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

/** The floor plan as data: what each room may import, rooms and outside packages. `node:` stands for every Node module. */
const rooms: Record<string, { rooms: string[]; packages: string[] }> = {
  domain: { rooms: [], packages: [] },
  model: { rooms: ["domain"], packages: [] },
  wire: { rooms: ["domain"], packages: ["zod", "jose"] },
  graph: { rooms: ["domain"], packages: ["@bufbuild/protobuf"] },
  weights: { rooms: ["domain"], packages: ["zod", "@aws-sdk/client-s3"] },
  inference: {
    rooms: ["domain", "model", "graph", "wire", "weights"],
    packages: [
      "node:",
      "onnxruntime-node",
      "onnxruntime-web",
      "sharp",
      "zod",
      "hono",
      "@hono/node-server",
      "@huggingface/tokenizers",
      "@huggingface/jinja",
    ],
  },
  edge: {
    rooms: ["domain", "wire"],
    packages: ["cloudflare:", "hono", "zod-openapi", "zod"],
  },
  client: { rooms: ["domain", "wire"], packages: [] },
  cli: { rooms: ["domain", "model", "weights", "client", "inference"], packages: ["node:"] },
};

/** Packages that one file alone may name, so that everything else stays ignorant of them. */
const soleImporters: Record<string, RegExp> = {
  "onnxruntime-node": /^src\/inference\/engine\/ort\.ts$/,
  "onnxruntime-web": /^src\/inference\/engine\/ort\.ts$/,
  "@aws-sdk/client-s3": /^src\/weights\/s3\.ts$/,
};

/** Folders of a room that never see each other; only the file beside them does. */
const strangers: Record<string, string[]> = {
  "src/model": ["image", "text", "vision", "decode"],
};

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .map((name) => path.posix.join("src", name.split(path.sep).join("/")))
  .map((file) => ({ file, text: readFileSync(file, "utf8") }));

function specifiers(text: string): string[] {
  const statements = text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/g);
  const bare = text.matchAll(/(?:^|\n)\s*import\s+"([^"]+)"/g);
  const dynamic = text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g);
  return [...statements, ...bare, ...dynamic].map((match) => match[1] ?? "");
}

function roomOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function complaintsAbout(file: string, specifier: string): string[] {
  const room = roomOf(file);
  const rule = rooms[room];
  if (rule === undefined) return [`${file}: no room is called ${room}`];
  if (specifier.startsWith("#")) {
    const target = specifier.slice(1).split("/")[0] ?? "";
    return rule.rooms.includes(target) ? [] : [`${room} may not import ${target}: ${file}`];
  }
  if (specifier.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    if (!target.startsWith(`src/${room}/`))
      return [`use the # alias between rooms: ${file} imports ${specifier}`];
    const folders = strangers[`src/${room}`] ?? [];
    const [from, to] = [file, target].map((name) => name.split("/")[2] ?? "");
    const areStrangers = from !== to && folders.includes(from ?? "") && folders.includes(to ?? "");
    return areStrangers ? [`${room}/${from} may not import ${room}/${to}: ${file}`] : [];
  }
  const allowed = rule.packages.some(
    (name) => specifier === name || specifier.startsWith(name.endsWith(":") ? name : `${name}/`),
  );
  if (!allowed) return [`${room} may not import ${specifier}: ${file}`];
  const sole = Object.entries(soleImporters).find(
    ([name]) => specifier === name || specifier.startsWith(`${name}/`),
  );
  return sole === undefined || sole[1].test(file)
    ? []
    : [`only ${sole[1].source} may import ${specifier}: ${file}`];
}

describe("the rooms of the house", () => {
  test("every import is one that the floor plan allows", () => {
    const complaints = sources.flatMap(({ file, text }) =>
      specifiers(text).flatMap((specifier) => complaintsAbout(file, specifier)),
    );
    expect(complaints).toEqual([]);
  });

  test("pure rooms take time and randomness from their caller", () => {
    const impure = sources
      .filter(({ file }) => ["domain", "model", "graph"].includes(roomOf(file)))
      .filter(({ text }) => /\bMath\.random\b|\bDate\.now\b|\bnew Date\(\)/.test(text))
      .map(({ file }) => file);
    expect(impure).toEqual([]);
  });

  test("the checker itself sees a forbidden import", () => {
    expect(complaintsAbout("src/model/answer.ts", "#weights/plan.ts")).toEqual([
      "model may not import weights: src/model/answer.ts",
    ]);
    expect(complaintsAbout("src/model/decode/decode.ts", "../text/prompt.ts")).toHaveLength(1);
    expect(complaintsAbout("src/weights/plan.ts", "@aws-sdk/client-s3")).toHaveLength(1);
    expect(
      specifiers('import { a } from "#edge/app.ts";\nimport "./b.ts";\nawait import("zod")'),
    ).toEqual(["#edge/app.ts", "./b.ts", "zod"]);
  });

  test("walls in the compiler's configuration say the same as the table", () => {
    const differences = Object.entries(rooms).flatMap(([room, { rooms: allowed }]) => {
      const config = JSON.parse(readFileSync(`src/${room}/tsconfig.json`, "utf8"));
      const references = config.references.map(({ path: reference }: { path: string }) =>
        reference.replace("../", ""),
      );
      return [...references].sort().join() === [...allowed].sort().join()
        ? []
        : [`${room}: ${references}`];
    });
    expect(differences).toEqual([]);
  });
});
