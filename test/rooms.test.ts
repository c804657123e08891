import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Layout, layouts } from "./support/layouts.ts";

/** The floor plan as data: what each room may import, rooms and outside packages. `node:` stands for every Node module. */
const rooms: Record<string, { rooms: string[]; packages: string[] }> = {
  domain: { rooms: [], packages: [] },
  model: { rooms: ["domain"], packages: [] },
  wire: { rooms: ["domain"], packages: ["zod", "jose"] },
  graph: { rooms: ["domain"], packages: ["@bufbuild/protobuf"] },
  weights: { rooms: ["domain"], packages: ["zod", "@aws-sdk/client-s3"] },
  engine: {
    rooms: ["domain", "model", "graph", "weights"],
    packages: ["onnxruntime-web", "@huggingface/tokenizers", "@huggingface/jinja"],
  },
  inference: {
    rooms: ["domain", "model", "graph", "wire", "weights", "engine"],
    packages: [
      "node:",
      "onnxruntime-node",
      "onnxruntime-web",
      "koffi",
      "sharp",
      "zod",
      "hono",
      "@hono/node-server",
    ],
  },
  edge: {
    rooms: ["domain", "wire"],
    packages: ["cloudflare:", "hono", "zod-openapi", "zod"],
  },
  client: { rooms: ["domain", "wire"], packages: ["ai"] },
  playground: {
    rooms: ["domain", "model", "wire", "weights", "engine", "client"],
    packages: ["hono", "minisearch", "uplot", "onnxruntime-web", "fast-png", "@noble/hashes"],
  },
  cli: {
    rooms: ["domain", "model", "weights", "engine", "client", "inference"],
    packages: ["node:", "yauzl", "csv-parse", "hyparquet"],
  },
};

/** Packages that one file alone may name, so that everything else stays ignorant of them. */
const soleImporters: Record<string, RegExp> = {
  "onnxruntime-node": /^src\/inference\/runtime\/ort\.ts$/,
  "onnxruntime-web":
    /^src\/(?:inference\/runtime\/ort|engine\/runtime\/runtime|playground\/private\/runtime)\.ts$/,
  "csv-parse": /^src\/cli\/eval\/files\/rows\/table\.ts$/,
  hyparquet: /^src\/cli\/eval\/files\/rows\/parquet\.ts$/,
  koffi: /^src\/inference\/runtime\/c-api\/koffi\.ts$/,
  // What the package `unmask` exports beside it needs nothing installed.
  ai: /^src\/client\/ai-sdk\/[\w-]+\.ts$/,
  "@aws-sdk/client-s3": /^src\/weights\/s3\.ts$/,
};

/** Folders of a room that never see each other; only the file beside them does. */
const strangers: Record<string, string[]> = {
  "src/model": ["image", "text", "vision", "decode"],
};

/** What one looks through at a glance; a folder that needs more has two nouns in it. */
const MAX_FILES_A_FOLDER = 12;

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".d.ts"))
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

/** An import from one folder to another beside it. */
interface Arrow {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The files of its own room that a file imports, be it for their types. */
function neighboursOf(file: string, text: string): readonly string[] {
  return specifiers(text)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => path.posix.join(path.posix.dirname(file), specifier));
}

/** The folder of `parent` that a file lies in, or its group where it lies beside them; null for a file of elsewhere. */
function folderOf(file: string, parent: string, { beside }: Layout): string | null {
  const within = path.posix.relative(parent, file).split("/");
  const [first = "", ...rest] = within;
  if (first === "..") return null;
  return rest.length > 0 ? first : (beside[first] ?? "base");
}

function arrowsOf(file: string, text: string, parent: string, layout: Layout): readonly Arrow[] {
  const from = folderOf(file, parent, layout);
  return neighboursOf(file, text).flatMap((neighbour) => {
    const to = folderOf(neighbour, parent, layout);
    return from === null || to === null || from === to ? [] : [{ file, from, to }];
  });
}

function againstArrows(arrows: readonly Arrow[], layout: Layout): readonly string[] {
  return arrows
    .filter(({ from, to }) => layout.arrows[from]?.includes(to) !== true)
    .map(({ file, to }) => `${file} may not import ${to}`);
}

/** Names that lead back to themselves: takes away those from which all arrows end, and those to which none leads, until there are none. */
function circlesIn(arrows: Layout["arrows"]): readonly string[] {
  const left = new Map(Object.entries(arrows));
  for (;;) {
    const led = new Set([...left.values()].flat());
    const ends = [...left].filter(
      ([name, to]) => !led.has(name) || !to.some((other) => left.has(other)),
    );
    if (ends.length === 0) return [...left.keys()];
    for (const [name] of ends) left.delete(name);
  }
}

describe.each(Object.entries(layouts))("the folders of %s", (parent, layout) => {
  const files = sources.filter(({ file }) => file.startsWith(`${parent}/`));
  const arrows = files.flatMap(({ file, text }) => arrowsOf(file, text, parent, layout));

  test("hold at most twelve files each", () => {
    const counts = new Map<string, number>();
    for (const folder of files.map(({ file }) => path.posix.dirname(file)))
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_FILES_A_FOLDER)).toEqual([]);
  });

  test("import each other in one direction, as the table says", () => {
    expect(circlesIn(layout.arrows)).toEqual([]);
    expect(againstArrows(arrows, layout)).toEqual([]);
  });

  test("have no arrow in the table that nobody needs", () => {
    const used = new Set(arrows.map(({ from, to }) => `${from} ${to}`));
    const needless = Object.entries(layout.arrows).flatMap(([from, to]) =>
      to.map((name) => `${from} ${name}`).filter((arrow) => !used.has(arrow)),
    );
    expect(needless).toEqual([]);
  });
});

test.each(["edge", "wire"])(
  "no files of src/%s lead back to themselves, be it by their types",
  (room) => {
    const graph = Object.fromEntries(
      sources
        .filter(({ file }) => roomOf(file) === room)
        .map(({ file, text }) => [file, neighboursOf(file, text)]),
    );
    expect(circlesIn(graph)).toEqual([]);
  },
);

test("the checkers see an arrow back, be it of a type, and a circle", () => {
  const edge = layouts["src/edge"];
  if (edge === undefined) throw new Error("the edge has no layout");
  const complaints = (file: string, text: string) =>
    againstArrows(arrowsOf(file, text, "src/edge", edge), edge);
  expect(complaints("src/edge/keys/a.ts", 'import { b } from "../answers/b.ts";')).toHaveLength(1);
  expect(complaints("src/edge/keys/a.ts", 'import type { B } from "../env.ts";')).toHaveLength(1);
  expect(complaints("src/edge/answers/a.ts", 'import { b } from "../keys/b.ts";')).toEqual([]);
  const arrows = { a: ["b"], b: ["c"], c: ["a", "e"], d: ["a"], e: [], f: ["e"] };
  expect(circlesIn(arrows)).toEqual(["a", "b", "c"]);
});

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
