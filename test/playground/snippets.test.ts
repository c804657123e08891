import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Draft, defaultOptions, emptyDraft } from "#playground/asking/draft.ts";
import { newRow } from "#playground/fields/rows.ts";
import { writeCurl } from "#playground/snippets/curl.ts";
import { writeKotlin } from "#playground/snippets/kotlin.ts";
import { writePython } from "#playground/snippets/python.ts";
import { shownRequest } from "#playground/snippets/request.ts";
import { writeSwift } from "#playground/snippets/swift.ts";
import { writeTypescript } from "#playground/snippets/typescript.ts";
import { type SharedSystem, sharedSystem } from "../support/shared-system.ts";
import { listen, type TestServer } from "../support/test-server.ts";
import { picture } from "./pictures.ts";

const run = promisify(execFile);

const file = (name: string): Draft["pictures"][number] => ({
  ...picture({ file: new Blob([""], { type: "image/png" }) }),
  file: name,
});

/** Everything that a shell, a form or a language might take for its own. */
const awkward = '@What\'s "this"? $HOME `id` \\n <b>; type=x';

function draftOf(
  question: string,
  pictures: Draft["pictures"],
  change: Partial<Draft> = {},
): Draft {
  return { ...emptyDraft, question, pictures, ...change };
}

describe("the snippets of a request, run as they are copied", () => {
  let system: SharedSystem;
  let folder: string;
  /** Shows one picture, whatever is asked for: the service fetches none from itself. */
  let host: TestServer;
  let address: string;

  beforeAll(async () => {
    system = await sharedSystem("Snippets");
    host = await listen(
      createServer((_, response) => {
        response.setHeader("content-type", "image/png");
        response.end(readFileSync("test/fixtures/pictures/dog.png"));
      }),
    );
    address = `${host.origin}/dog.png`;
    folder = mkdtempSync(path.join(tmpdir(), "unmask-snippets-"));
    cpSync("test/fixtures/pictures/dog.png", path.join(folder, "picture-1.png"));
    cpSync("test/fixtures/pictures/whale.png", path.join(folder, "it's 2.png"));
    // The package's own code, as it lies here; that the package installs is tested where it is packed.
    const home = path.join(folder, "node_modules/unmask");
    mkdirSync(home, { recursive: true });
    writeFileSync(path.join(home, "package.json"), '{"type":"module","exports":"./index.js"}');
    const client = path.resolve("src/client/package/index.ts");
    writeFileSync(path.join(home, "index.js"), `export * from ${JSON.stringify(client)};`);
  }, 120_000);

  afterAll(async () => {
    await host?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function shell(
    code: string,
  ): Promise<{ readonly answer?: string; readonly detail?: string }> {
    const env = { ...process.env, UNMASK_KEY: system.key };
    const { stdout } = await run("sh", ["-c", code.replace("curl ", "curl -s ")], {
      cwd: folder,
      env,
    });
    return JSON.parse(stdout);
  }

  async function node(code: string): Promise<string> {
    writeFileSync(path.join(folder, "ask.ts"), code);
    const env = { ...process.env, UNMASK_KEY: system.key };
    return (await run(process.execPath, ["ask.ts"], { cwd: folder, env })).stdout;
  }

  test("curl asks about a file", async () => {
    const options = { ...defaultOptions, canvas: 16, mode: "exact", stop: "." } as const;
    const draft = draftOf("What is this?", [file("picture-1.png")], { options });
    expect(await shell(writeCurl(shownRequest(draft, system.url)))).toMatchObject({
      answer: "A dog",
      usage: { canvas: 16 },
    });
  });

  test("curl asks about addresses, and about a file beside an address, in their order", async () => {
    const alone = draftOf("What is this?", [picture({ url: address })]);
    expect((await shell(writeCurl(shownRequest(alone, system.url)))).answer).toBe("A dog.");
    const both = draftOf(awkward, [picture({ url: address }), file("it's 2.png")]);
    expect(await shell(writeCurl(shownRequest(both, system.url)))).toMatchObject({
      status: "completed",
    });
  });

  test("curl carries a conversation, and a question with everything in it that a shell might take for its own", async () => {
    const turns = [{ question: "What is this?", answer: "A dog." }];
    const draft = draftOf("What color is the background?", [file("picture-1.png")], { turns });
    expect((await shell(writeCurl(shownRequest(draft, system.url)))).answer).toBe("White.");
    const odd = draftOf(awkward, [file("it's 2.png")]);
    expect(await shell(writeCurl(shownRequest(odd, system.url)))).toMatchObject({
      status: "completed",
    });
  });

  test("TypeScript asks with the package, and prints the canvas and the answer", async () => {
    const options = { ...defaultOptions, canvas: 16, seed: 7 };
    const draft = draftOf("What is this?", [file("picture-1.png")], { options });
    const printed = await node(writeTypescript(shownRequest(draft, system.url)));
    expect(printed).toMatch(/^answer\.started\n(?:answer\.frame\n)+answer\.completed\nA dog\.\n$/);
    const addressed = draftOf(awkward, [picture({ url: address })]);
    expect(await node(writeTypescript(shownRequest(addressed, system.url)))).toContain(
      "answer.completed",
    );
  });

  test("curl and TypeScript read values off a file, each under its name", async () => {
    const rows = [
      newRow({
        ...{ name: "what-is-it", type: "choice", instructions: "What is this?" },
        ...{ options: "cat\ndog", none: true },
      }),
      newRow({ name: "animal", instructions: "Is it an animal?" }),
    ];
    const draft = draftOf("", [file("picture-1.png")], { rows, wants: "values" });
    const values = { "what-is-it": "dog", animal: true };
    const { answer } = await shell(writeCurl(shownRequest(draft, system.url)));
    expect(JSON.parse(answer ?? "")).toEqual(values);
    expect(await node(writeTypescript(shownRequest(draft, system.url)))).toContain(
      "{ 'what-is-it': 'dog', animal: true }",
    );
  });
});

describe("a snippet", () => {
  const writers = { writeCurl, writeTypescript, writePython, writeSwift, writeKotlin };

  test.each(Object.entries(writers))(
    "of %s has the question, the picture and every option, and no key",
    (_, write) => {
      const options = {
        ...defaultOptions,
        canvas: 24,
        steps: 12,
        blockLength: 8,
        temperature: 0.5,
        seed: 3,
      };
      const code = write(
        shownRequest(
          draftOf("Wieso?", [file("picture-1.png")], { options, model: "m" }),
          "https://unmask.example",
        ),
      );
      for (const part of [
        "https://unmask.example",
        "Wieso?",
        "picture-1.png",
        "block_length",
        "0.5",
        "UNMASK_KEY",
      ])
        expect(code).toContain(part);
      for (const [name, value] of [
        ["canvas", 24],
        ["steps", 12],
        ["seed", 3],
      ] as const)
        expect(code).toMatch(new RegExp(`${name}\\W{1,4}(?:to )?${value}\\b`));
      expect(code).not.toMatch(/umk_|eyJ/);
    },
  );

  test("of Swift and Kotlin lets no text become code: no template, no string that ends early", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (question) => {
        const request = shownRequest(draftOf(question, []), "https://unmask.example");
        const swift = writeSwift(request);
        const kotlin = writeKotlin(request);
        // All of it stands in one string, and a backslash, a quote or a template's sign only behind a backslash.
        expect(swift).toMatch(/"question": "(?:[^"\\\p{Cc}]|\\[\\"nrt]|\\u\{[0-9a-f]{4}\})*"\]/u);
        expect(kotlin).toMatch(/"question" to "(?:[^"\\$\p{Cc}]|\\[\\"nrt$]|\\u[0-9a-f]{4})*"\)/u);
      }),
      { seed: 14, numRuns: 300 },
    );
  });

  test("of Python is a string of Python's for every text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (question) => {
        const python = writePython(shownRequest(draftOf(question, []), "https://unmask.example"));
        expect(python).toMatch(/"content": "(?:[^"\\\p{Cc}]|\\[\\"nrt]|\\u[0-9a-f]{4})*"\}/u);
      }),
      { seed: 14, numRuns: 300 },
    );
  });
});
