import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { installedClient, type Project } from "./installed.ts";

// React Native itself cannot run here. What it is made of can: Metro bundles the installed package, and the bundle runs among the
// globals that its engine has, with a fetch whose replies are whole texts.

const run = promisify(execFile);
/** What an app's template of React Native 0.88 builds with. */
const tools = [
  ...["metro@0.87.1", "metro-runtime@0.87.1", "@react-native/metro-babel-transformer@0.88.1"],
  "@babel/runtime@7",
];

let system: LocalSystem;
let project: Project;
beforeAll(async () => {
  [system, project] = await Promise.all([startLocalSystem(), installedClient()]);
  await run("npm", ["install", "--no-audit", "--no-fund", ...tools], {
    cwd: project.folder,
  });
}, 300_000);
afterAll(async () => {
  project[Symbol.dispose]();
  await system[Symbol.asyncDispose]();
});

/** Bundles a file as an app's build does. */
async function bundled(entry: string): Promise<string> {
  const script = project.write(
    "bundle.cjs",
    `const Metro = require("metro");
     (async () => {
       const config = await Metro.loadConfig({ cwd: __dirname, resetCache: true }, { projectRoot: __dirname, transformer: { babelTransformerPath: require.resolve("@react-native/metro-babel-transformer") }, resolver: { useWatchman: false, unstable_enablePackageExports: true } });
       await Metro.runBuild(config, { entry: ${JSON.stringify(entry)}, out: "out.js", platform: "ios", minify: false, dev: false });
     })().catch((error) => { console.error(error); process.exit(1); });`,
  );
  await run(process.execPath, [script], { cwd: project.folder });
  return readFileSync(path.join(project.folder, "out.js"), "utf8");
}

/** A reply as React Native's fetch gives it, when it is there whole: no body to read from, no bytes. */
class WholeReply {
  readonly status: number;
  readonly headers: Headers;
  readonly url: string;
  readonly #text: string;
  constructor({ status, headers, url }: Response, text: string) {
    this.status = status;
    this.headers = headers;
    this.url = url;
    this.#text = text;
  }
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }
  async text(): Promise<string> {
    return this.#text;
  }
  async json(): Promise<unknown> {
    return JSON.parse(this.#text);
  }
}

/** An AbortSignal without its newer members: the reason, `any`, `timeout`. */
function oldAborts(): Record<string, unknown> {
  class OldController {
    readonly #own = new AbortController();
    readonly signal = {
      real: this.#own.signal,
      get aborted(): boolean {
        return this.real.aborted;
      },
      addEventListener: (...args: Parameters<AbortSignal["addEventListener"]>) =>
        this.#own.signal.addEventListener(...args),
      removeEventListener: (...args: Parameters<AbortSignal["removeEventListener"]>) =>
        this.#own.signal.removeEventListener(...args),
    };
    abort(): void {
      this.#own.abort();
    }
  }
  class OldSignal {}
  return { AbortController: OldController, AbortSignal: OldSignal };
}

/** A file as React Native has it: held by the system, without bytes to read; a FileReader writes it as a data URI. */
class HeldFile {
  readonly bytes: Buffer;
  constructor(parts: readonly unknown[]) {
    const [part] = parts;
    if (!(part instanceof Buffer))
      throw new Error("Creating blobs from 'ArrayBuffer' and 'ArrayBufferView' are not supported");
    this.bytes = part;
  }
}

class HeldFileReader extends EventTarget {
  result: string | null = null;
  readonly error = null;
  readAsDataURL(file: HeldFile): void {
    this.result = `data:application/octet-stream;base64,${file.bytes.toString("base64")}`;
    setTimeout(() => this.dispatchEvent(new Event("load")));
  }
}

/** Runs a bundle with what React Native has, and no more; returns what it tells, and which requests it sent. */
async function runLikeReactNative(code: string): Promise<{ told: unknown; sent: string[] }> {
  const sent: string[] = [];
  const told = Promise.withResolvers<unknown>();
  const context = createContext({
    ...oldAborts(),
    Response: WholeReply,
    Blob: HeldFile,
    FileReader: HeldFileReader,
    FormData: class {},
    held: new HeldFile([readFileSync("test/fixtures/pictures/dog.png")]),
    Headers,
    URL,
    setTimeout,
    clearTimeout,
    TextEncoder,
    console,
    // The whole reply is waited for, as XMLHttpRequest does.
    fetch: async (
      url: string,
      init: { signal?: { real: AbortSignal } } & Record<string, unknown> = {},
    ) => {
      const { signal, body, ...rest } = init;
      sent.push(`${rest["method"] ?? "GET"} ${new URL(url).pathname}`);
      const reply = await fetch(url, {
        ...rest,
        ...(body === undefined
          ? {}
          : { body: body instanceof HeldFile ? body.bytes : String(body) }),
        signal: signal?.real ?? null,
      });
      return new WholeReply(reply, await reply.text());
    },
    told: told.resolve,
    failed: told.reject,
  });
  runInContext("delete Promise.withResolvers; var global = globalThis;", context);
  runInContext(code, context);
  return { told: await told.promise, sent };
}

test("an app bundled by Metro asks, looks at its answer each second, and is refused by code", async () => {
  const png = readFileSync("test/fixtures/pictures/dog.png").toString("base64");
  project.write(
    "index.js",
    `import { createClient, RefusedError } from "unmask";
     const unmask = createClient({ baseUrl: ${JSON.stringify(system.url)}, apiKey: ${JSON.stringify(system.key)} });
     (async () => {
       const asked = unmask.ask({ question: "What is this?", images: [{ data: ${JSON.stringify(png)} }], cache: "off" });
       const events = [];
       for await (const { event } of asked) events.push(event);
       const again = await unmask.watch((await asked).id);
       const held = await unmask.ask({ question: "What is this?", images: [globalThis.held], cache: "off" });
       const upload = await unmask.images.upload(globalThis.held);
       const byId = await unmask.ask({ question: "What is this?", images: [{ id: upload.id }] });
       const refused = await unmask.ask({ question: "?", canvas: 0 }).then(() => undefined, (error) => error);
       const left = new AbortController();
       const leaving = unmask.ask({ question: "?" }, { signal: left.signal });
       left.abort();
       const aborted = await leaving.then(() => undefined, (error) => error.name);
       globalThis.told({ answer: (await asked).answer, last: events.at(-1), streamed: events.includes("answer.frame"), again: again.answer, held: held.answer, byId: byId.answer,
         refused: refused instanceof RefusedError && refused.code, aborted });
     })().catch(globalThis.failed);`,
  );
  const { told, sent } = await runLikeReactNative(await bundled("index.js"));
  expect(told).toEqual({
    answer: "A dog.",
    last: "answer.completed",
    streamed: false,
    again: "A dog.",
    held: "A dog.",
    byId: "A dog.",
    refused: "invalid_request",
    aborted: "AbortError",
  });
  expect(sent[0]).toBe("POST /v1/answers");
  expect(sent.filter((request) => request.endsWith("/events"))).toEqual([]);
}, 120_000);
