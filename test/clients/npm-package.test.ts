import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { promisify } from "node:util";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "#client/client.ts";
import { type SharedSystem, sharedSystem } from "../support/shared-system.ts";
import { installedClient, node20, type Project } from "./installed.ts";

// The client as strangers get it: packed, installed into an empty project, and asked for an answer on each runtime that it is for.

const run = promisify(execFile);

let system: SharedSystem;
let project: Project;
beforeAll(async () => {
  [system, project] = await Promise.all([sharedSystem("The package"), installedClient()]);
}, 240_000);
afterAll(() => project[Symbol.dispose]());

const dog = readFileSync("test/fixtures/pictures/dog.png");

/** Asks, watches, comes back, uploads, is refused, and checks a webhook: what every runtime is asked to do. */
const walk = `
import { createClient, RefusedError } from "unmask";
import { readWebhook, WebhookError } from "unmask/webhooks";
import { createAdminClient } from "unmask/admin";

export async function walk({ baseUrl, apiKey, png }) {
  const unmask = createClient({ baseUrl, apiKey });
  const picture = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
  const asked = unmask.ask({ question: "What is this?", images: [picture], cache: "off" });
  const events = [];
  for await (const { event } of asked) events.push(event);
  const answer = await asked;
  const back = [];
  for await (const { event } of unmask.watch(answer.id, { lastEventId: answer.id + ".1" })) back.push(event);
  const upload = await unmask.images.upload(new Blob([picture]));
  const again = await unmask.ask({ question: "What is this?", images: [{ id: upload.id }] });
  const refused = await unmask.ask({ question: "?", images: [{ data: btoa("....ftypheic....mif1heic") }] })
    .then(() => undefined, (error) => error);
  const forged = new Request("https://me.test/", { method: "POST", body: "{}" });
  const webhook = await readWebhook(forged, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").then(() => undefined, (error) => error);
  return {
    answer: answer.answer, first: events[0], frames: events.filter((event) => event === "answer.frame").length > 0,
    last: events.at(-1), back: back.at(-1), backHasStart: back.includes("answer.started"), again: again.answer,
    refused: refused instanceof RefusedError && refused.code, forged: webhook instanceof WebhookError,
    admin: typeof createAdminClient({ baseUrl }).createAccount,
  };
}
`;

const walked = {
  answer: "A dog.",
  first: "answer.started",
  frames: true,
  last: "answer.completed",
  back: "answer.completed",
  backHasStart: false,
  again: "A dog.",
  refused: "image_heic",
  forged: true,
  admin: "function",
};

const given = (): string =>
  JSON.stringify({ baseUrl: system.url, apiKey: system.key, png: dog.toString("base64") });

describe("the package", () => {
  test("holds modules, types, licence and README, and needs nothing else", () => {
    const folder = path.join(project.folder, "node_modules/unmask");
    const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    expect(manifest.dependencies).toBeUndefined();
    expect(
      readdirSync(path.join(project.folder, "node_modules")).filter(
        (name) => !name.startsWith("."),
      ),
    ).toEqual(["unmask"]);
    const files = readdirSync(folder);
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "index.js", "index.d.ts"]),
    );
    const foreign = files
      .filter((name) => /\.(js|d\.ts)$/.test(name))
      .filter((name) => {
        const text = readFileSync(path.join(folder, name), "utf8");
        // The AI SDK's users have it.
        const own = name.startsWith("ai-sdk.") ? text.replaceAll('from "ai"', "") : text;
        return /from "(?!\.\/)|\bnode:|#(?:wire|domain)\//.test(own);
      });
    expect(foreign).toEqual([]);
  });

  test("its README's example is typed as it stands", async () => {
    const readme = readFileSync("src/client/package/README.md", "utf8");
    const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    project.write(
      "readme.ts",
      example
        .replaceAll("process.env.UNMASK_URL", '"http://a"')
        .replaceAll("process.env.UNMASK_KEY", '"k"'),
    );
    expect(await types("readme.ts", "bundler")).toBe("");
  });
});

/** What the compiler says of a file in the project, in its strictest, library declarations included but where they are others'. */
async function types(
  file: string,
  resolution: "node16" | "bundler",
  skipLibCheck = false,
): Promise<string> {
  const module = resolution === "node16" ? "node16" : "esnext";
  const args = [
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--skipLibCheck",
    String(skipLibCheck),
    "--target",
    "es2022",
  ];
  const compiled = await run(
    path.resolve("node_modules/.bin/tsc"),
    [
      ...args,
      "--lib",
      "es2022,dom,dom.iterable",
      "--types",
      "",
      "--module",
      module,
      "--moduleResolution",
      resolution,
      file,
    ],
    { cwd: project.folder },
  ).catch((error: { stdout: string }) => error);
  return compiled.stdout;
}

describe("its types", () => {
  test.each(["node16", "bundler"] as const)(
    "hold under moduleResolution %s, and refuse what is wrong",
    async (resolution) => {
      project.write(
        "right.ts",
        `import { createClient, RefusedError, type AnswerUpdate, type Picture } from "unmask";
       import { createAdminClient } from "unmask/admin";
       import { readWebhook } from "unmask/webhooks";
       const unmask = createClient({ baseUrl: "http://a", apiKey: "k" });
       const asked = unmask.ask({ question: "?", images: [new Blob([])] satisfies Picture[], mode: "exact" });
       for await (const update of asked) { const said: AnswerUpdate = update; if (said.event === "answer.frame") said.step satisfies number; }
       const { answer, charged_micros }: { answer: string; charged_micros: number } = await asked;
       const token = await unmask.clientTokens.create({ scopes: ["upload"], ttl_seconds: 86400 });
       try { await unmask.images.upload(new Uint8Array(1)); } catch (e) { if (e instanceof RefusedError && e.code === "image_heic") e.status satisfies number; }
       for await (const account of createAdminClient({ baseUrl: "http://a" }).accounts()) account.id satisfies string;
       (await readWebhook(new Request("http://a"), "whsec_")).type satisfies string;
       export { answer, charged_micros, token };`,
      );
      expect(await types("right.ts", resolution)).toBe("");
      project.write(
        "wrong.ts",
        `import { createClient } from "unmask"; createClient({ baseUrl: 1 }).ask({ question: "?", mode: "slow" });`,
      );
      expect((await types("wrong.ts", resolution)).match(/TS2322/g)).toHaveLength(2);
    },
  );
});

test("unmask/ai-sdk takes the `ai` that its user has, in a program and for the compiler", async () => {
  const modules = path.join(project.folder, "node_modules");
  // Not there before: it is an optional peer, which npm does not install by itself.
  for (const name of ["ai", "@ai-sdk"])
    symlinkSync(path.resolve("node_modules", name), path.join(modules, name));
  const program = `import { experimental_decide } from "ai";
    import { createUnmask } from "unmask/ai-sdk";
    const unmask = createUnmask({ baseUrl: "http://127.0.0.1:9", retries: 0 });
    const asked = experimental_decide({
      model: unmask.decisionModel(), state: "", questions: { dog: { type: "boolean", instructions: "Is this a dog?" } },
    });`;
  project.write(
    "decide.ts",
    `${program} export const told: number = (await asked).answers.dog.probability;`,
  );
  expect(await types("decide.ts", "bundler", true)).toBe("");
  const file = project.write(
    "decide.js",
    `${program} asked.catch(({ name, url }) => console.log(name, url));`,
  );
  const { stdout } = await run(process.execPath, [file]);
  expect(stdout).toBe("AI_APICallError http://127.0.0.1:9/v1/answers\n");
});

describe("asks, watches, comes back, uploads and is refused", () => {
  const script = (): string => {
    project.write("walk.js", walk);
    return project.write(
      "main.js",
      `import { walk } from "./walk.js"; console.log(JSON.stringify(await walk(${given()})));`,
    );
  };

  test.skipIf(node20() === undefined)("on Node 20", async () => {
    const { stdout } = await run(node20() ?? "", [script()]);
    expect(JSON.parse(stdout)).toEqual(walked);
  });

  test("on this Node", async () => {
    const { stdout } = await run(process.execPath, [script()]);
    expect(JSON.parse(stdout)).toEqual(walked);
  });

  test("on workerd", async () => {
    script();
    const entry = project.write(
      "worker.js",
      `import { walk } from "./walk.js"; export default { fetch: async () => Response.json(await walk(${given()})) };`,
    );
    const bundle = await rolldown({ input: entry, platform: "neutral" });
    const { output } = await bundle.generate({ format: "esm" });
    const worker = new Miniflare(
      convertV4MiniflareOptions({
        modules: true,
        script: output[0].code,
        compatibilityDate: "2026-01-01",
        telemetry: { enabled: false },
      }),
    );
    try {
      const response = await worker.dispatchFetch("http://worker.test/");
      expect(await response.json()).toEqual(walked);
    } finally {
      await worker.dispose();
    }
  });
});

const browser = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((file) => file !== undefined && existsSync(file));

describe.skipIf(browser === undefined)(
  "in Chromium, from a page of another origin with a client token",
  () => {
    /** Serves the project, and a page that finds the package in it. */
    async function served<Value>(use: (origin: string) => Promise<Value>): Promise<Value> {
      const imports = Object.fromEntries(
        ["", "/admin", "/webhooks"].map((entry) => [
          `unmask${entry}`,
          `/node_modules/unmask/${entry.slice(1) || "index"}.js`,
        ]),
      );
      const page = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;
      const server = createServer((request, response) => {
        const file = path.join(project.folder, request.url ?? "");
        const isScript = file.endsWith(".js") && existsSync(file);
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
        response.end(isScript ? readFileSync(file) : page);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      if (address === null || typeof address === "string")
        throw new Error("the server has no port");
      try {
        return await use(`http://127.0.0.1:${address.port}`);
      } finally {
        server.close();
      }
    }

    async function inPage<Value>(body: string): Promise<Value> {
      project.write("walk.js", walk);
      return await served(async (origin) => {
        const { token } = await createClient({
          baseUrl: system.url,
          apiKey: system.key,
        }).clientTokens.create({
          ...{ scopes: ["ask"], spend_cap_micros: 100_000, subject: "page", origins: [origin] },
        });
        const chrome = await chromium.launch({
          executablePath: browser ?? "",
          args: ["--no-sandbox"],
        });
        try {
          const page = await chrome.newPage();
          await page.goto(origin);
          const options = { baseUrl: system.url, apiKey: token, png: dog.toString("base64") };
          return (await page.evaluate(
            `(async (given) => { ${body} })(${JSON.stringify(options)})`,
          )) as Value;
        } finally {
          await chrome.close();
        }
      });
    }

    test("walks the same walk", async () => {
      expect(await inPage('return await (await import("/walk.js")).walk(given);')).toEqual(walked);
    });

    test("reduces a photograph to what the model sees, turned as its EXIF says", async () => {
      const photograph = await sharp({
        create: { width: 400, height: 200, channels: 3, background: "red" },
      })
        .jpeg()
        .withMetadata({ orientation: 6 })
        .toBuffer();
      const reduced = await inPage<object>(`
      const { createClient, reducePicture } = await import("unmask");
      const unmask = createClient(given);
      const bytes = Uint8Array.from(atob("${photograph.toString("base64")}"), (character) => character.charCodeAt(0));
      const [model] = (await unmask.models()).data;
      const side = model.image.recommended_max_side;
      const small = await reducePicture(bytes, model.image);
      const { width, height } = await createImageBitmap(small);
      const same = await reducePicture(small, model.image);
      const heic = new Blob(["....ftypheic"]);
      const upload = await unmask.images.upload(small);
      return {
        side, width, height, type: small.type, isSame: same === small, passes: (await reducePicture(heic, model.image)) === heic,
        uploaded: [upload.width, upload.height],
      };`);
      expect(reduced).toEqual({
        side: 224,
        width: 112,
        height: 224,
        type: "image/jpeg",
        isSame: true,
        passes: true,
        uploaded: [112, 224],
      });
    });
  },
);

test("a runtime that draws no pictures passes them through as they are", async () => {
  const file = project.write(
    "pass.js",
    'import { reducePicture } from "unmask"; const file = new Uint8Array(3); console.log((await reducePicture(file, { recommended_max_pixels: 1, recommended_max_side: 1 })) === file);',
  );
  expect(execFileSync(process.execPath, [file], { encoding: "utf8" })).toBe("true\n");
});
