import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** The repository as a document may speak of it. Paths are relative to its root, with slashes. */
export interface House {
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
  /** Everything that is no document and no data, as one text. */
  readonly sources: string;
  readonly npmScripts: ReadonlySet<string>;
  readonly read: (file: string) => string;
}

/** What lies in a checkout and is not the repository's. */
const foreign = new Set([".git", "node_modules", ".unmask", ".wrangler", "coverage", "dist"]);

const sourceShape = /\.(?:ts|js|sh|sql|toml|json|ya?ml|py)$|^\.(?:ci|npmrc|nvmrc)/;

/** Reads the working tree. */
export function readHouse(root: string): House {
  const files = new Set<string>();
  const folders = new Set<string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      if (foreign.has(entry.name) || entry.name.endsWith(".tsbuildinfo")) continue;
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        folders.add(name);
        walk(name);
      } else files.add(name);
    }
  };
  walk("");
  const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
  const sources = [...files]
    .filter((file) => sourceShape.test(file))
    .filter((file) => !/^test\/(?:fixtures|documents)|package-lock/.test(file))
    .map(read)
    .join("\n");
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  return { files, folders, sources, npmScripts: new Set(Object.keys(scripts)), read };
}

/** Documents of the house: every Markdown file but the notices of data that others made. */
export function documentsOf({ files }: House): readonly string[] {
  return [...files].filter((file) => file.endsWith(".md")).sort();
}

/** Says what a document names that does not exist; empty where all of it does. */
export function complaintsAbout(document: string, text: string, house: House): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "");
  const said = (complaint: string): string => `${document}: ${complaint}`;
  return [
    ...linksIn(prose).flatMap((link) => linkComplaints(document, link, house)),
    ...codesIn(prose).flatMap((code) => codeComplaints(document, code, house)),
    ...commandsIn(text).flatMap((command) => commandComplaints(command, house)),
    ...citedTestsIn(prose).flatMap((cited) => titleComplaints(cited, house)),
  ].map(said);
}

function linksIn(prose: string): string[] {
  const markdown = prose.matchAll(/\]\(([^)\s]+)\)/g);
  const html = prose.matchAll(/(?:src|srcset|href)="([^"]+)"/g);
  return [...markdown, ...html].map((match) => match[1] ?? "");
}

function linkComplaints(document: string, link: string, house: House): string[] {
  if (/^(?:https?|mailto):/.test(link)) return URL.canParse(link) ? [] : [`${link} is no address`];
  // Pages of the site that no document is the source of: the site's own test follows them.
  if (link.startsWith("/")) return [];
  const [target = "", anchor] = link.split("#");
  const file = target === "" ? document : path.posix.join(path.posix.dirname(document), target);
  const bare = file.replace(/\/$/, "");
  if (!house.files.has(bare) && !house.folders.has(bare)) return [`there is no ${link}`];
  if (anchor === undefined || !file.endsWith(".md")) return [];
  return anchorsOf(house.read(file)).has(anchor) ? [] : [`${file} has no heading #${anchor}`];
}

/** The anchors that GitHub gives to a document's headings. */
export function anchorsOf(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function codesIn(prose: string): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
}

/** Names of files are checked by their ending; others, such as `config.json` of a checkpoint, may lie elsewhere. */
const fileShape = /^[\w.@{},*-]+(?:\/[\w.@{},*-]+)*\.(?:ts|md|svg|sql|toml|sh|py)$/;
const roots = /^(?:src|test|infra|wasm|\.github|\.ci)(?:\/|$)/;

function codeComplaints(document: string, code: string, house: House): string[] {
  const route =
    /^(?:(GET|POST|PATCH|DELETE) )?(\/(?:v1\/|health|status|metrics|openapi)[^\s?]*)/.exec(code);
  if (route !== null) return routeComplaints(route[1], route[2] ?? "", house);
  if (fileShape.test(code) || (roots.test(code) && !/\s/.test(code)))
    return pathComplaints(document, code, house);
  return symbolComplaints(code, house);
}

function pathComplaints(document: string, named: string, house: House): string[] {
  return spelledOut(named).flatMap((name) => {
    const bare = name.replace(/\/(?:\*\*?)?$/, "");
    const beside = path.posix.join(path.posix.dirname(document), bare);
    const isThere = [bare, beside].some((one) => isOneOf(one, house));
    // Within a document a file may be called by the end of its path.
    const isEnd = !roots.test(bare) && [...house.files].some((file) => file.endsWith(`/${bare}`));
    return isThere || isEnd ? [] : [`there is no ${name}`];
  });
}

function isOneOf(name: string, { files, folders }: House): boolean {
  if (!name.includes("*")) return files.has(name) || folders.has(name);
  const pattern = name.split("*").map(RegExp.escape).join("[^/]*");
  const shape = new RegExp(`^${pattern}$`);
  return [...files, ...folders].some((one) => shape.test(one));
}

/** `a/{b,c}.ts` is `a/b.ts` and `a/c.ts`. */
function spelledOut(name: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(name);
  if (braces === null) return [name];
  const [whole, choices = ""] = braces;
  return choices.split(",").flatMap((choice) => spelledOut(name.replace(whole, choice)));
}

function routeComplaints(method: string | undefined, route: string, house: House): string[] {
  const literal = route.replace(/\{(\w+)\}/g, ":$1").replace(/[.,]$/, "");
  const apps = ["src/edge/app.ts", "src/inference/handler.ts", "src/inference/probes.ts"];
  const call = method === undefined ? "" : `app.${method.toLowerCase()}(`;
  const end = method === undefined ? "" : '"';
  const isServed = apps.some((file) => house.read(file)?.includes(`${call}"${literal}${end}`));
  // The function's routes are constants that both ends of the hop read.
  return isServed || house.sources.includes(`_PATH = "${literal}"`)
    ? []
    : [`there is no route ${method ?? ""} ${route}`];
}

/** What can be nothing but a name in code: two capitals or an underscore inside, perhaps with brackets behind it. */
const symbolShape = /^_?[A-Za-z][A-Za-z0-9]*(?:[a-z0-9][A-Z]|_)[A-Za-z0-9_]*(?:\(\))?$/;

function symbolComplaints(code: string, { sources }: House): string[] {
  if (!symbolShape.test(code)) return [];
  const name = code.replace(/\(\)$/, "");
  const isThere = name.startsWith("_")
    ? sources.includes(name)
    : new RegExp(`(?<![A-Za-z0-9_])${RegExp.escape(name)}(?![A-Za-z0-9_])`).test(sources);
  return isThere ? [] : [`nothing is called ${name}`];
}

/** Commands in code, in running text as in blocks. */
function commandsIn(text: string): string[] {
  const code = [
    ...codesIn(text),
    ...[...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block),
  ];
  const shape =
    /(?:^|[\s(&|;])((?:npm (?:run (?:-s )?[\w:-]+|start|test)(?: -- [\w-]+)?|unmask [a-z]+(?:-[a-z]+)*|node [\w/.-]+\.[jt]s))/g;
  return code.flatMap((piece) => [...piece.matchAll(shape)].map((match) => match[1] ?? ""));
}

function commandComplaints(command: string, house: House): string[] {
  const npm = /^npm (?:run (?:-s )?)?([\w:-]+)(?: -- ([\w-]+))?$/.exec(command);
  if (npm !== null) {
    const [, script = "", first] = npm;
    if (!house.npmScripts.has(script)) return [`package.json has no script ${script}`];
    if (script === "unmask" && first !== undefined) return subcommandComplaints(first, house);
    const isBench = first === undefined || script !== "bench";
    const benches = house.read("test/bench/main.ts");
    return isBench || benches.includes(`"${first}"`) ? [] : [`there is no bench ${first}`];
  }
  const [program, argument = ""] = command.split(" ");
  if (program === "unmask") return subcommandComplaints(argument, house);
  return house.files.has(argument) ? [] : [`there is no ${argument}`];
}

function subcommandComplaints(name: string, house: House): string[] {
  if (name.startsWith("-")) return [];
  return house.read("src/cli/commands.ts").includes(`    "${name}",`)
    ? []
    : [`unmask has no command ${name}`];
}

interface CitedTest {
  readonly file: string;
  readonly titles: readonly string[];
}

/** Tests that are cited by file and title: a path in code, then titles in double quotes. */
function citedTestsIn(prose: string): CitedTest[] {
  const shape = /`(test\/[\w/.-]+\.ts)`((?:(?:,| and)?\s+"[^"\n]+")+)/g;
  return [...prose.matchAll(shape)].map(([, file = "", quoted = ""]) => ({
    file,
    titles: [...quoted.matchAll(/"([^"\n]+)"/g)].map((match) => match[1] ?? ""),
  }));
}

function titleComplaints({ file, titles }: CitedTest, house: House): string[] {
  if (!house.files.has(file)) return [];
  const text = house.read(file);
  return titles
    .filter((title) => !text.includes(title))
    .map((title) => `${file} has no test "${title}"`);
}
