import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT, UsageError } from "#cli/command.ts";
import { parseFieldWord } from "#cli/read/field-words.ts";
import { READ_HELP, read } from "#cli/read.ts";
import { problemResponse } from "#wire/error.ts";
import { pngBytes } from "../support/edge-builders.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

const recording = readFileSync("test/fixtures/answer.sse", "utf8");

const closed = { label_mass: 0.9, p_none: null, abstained: false };
const dog = {
  ...{ type: "boolean", value: true, guess: true, probability: 0.875, confidence: 0.875 },
  probabilities: [
    { value: true, probability: 0.875 },
    { value: false, probability: 0.125 },
  ],
  ...closed,
};
const label = {
  ...{ type: "text", value: '=1+"1"\nA', probability: 0.5, token_min: 0.4, p_none: 0.1 },
  truncated: false,
};
const kind = {
  ...{ type: "choice", value: null, guess: "cat", probability: 0.2, confidence: 0.1 },
  probabilities: [{ value: "cat", probability: 0.2 }],
  ...{ label_mass: 0.3, p_none: 0.8, abstained: false },
};

function answered(fields: object = { dog, label }): Response {
  const text = recording.replace('"answer":"A red square."', () => {
    return `"answer":"{}","fields":${JSON.stringify(fields)}`;
  });
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

function folderWith(names: readonly string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-read-"));
  for (const name of names) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), pngBytes);
  }
  return folder;
}

const asked = ["--field", "dog:boolean: Is there a dog?", "--field", "label:text=6"];
const csvHead = "picture,dog,dog probability,label,label probability\n";
const csvCells = `true,0.875,"'=1+""1""\nA",0.5\n`;

describe("unmask read", () => {
  test("sends the picture and its fields, and shows each value with how likely it is", async () => {
    await using api = await apiDouble(() => answered({ dog, label, kind }));
    const cwd = folderWith(["photo.png"]);
    const io = recordedIo({ cwd, isTTY: true });
    const to = ["--url", api.url, "--key", "k", "--abstain-below", "0.6"];
    const fields = [...asked, "--field", "kind:choice?=cat,dog"];
    expect(await read(["photo.png", ...fields, ...to], io)).toBe(EXIT.done);
    const form = await api.requests[0]?.formData();
    expect(JSON.parse(String(form?.get("fields")))).toEqual({
      dog: { type: "boolean", instructions: "Is there a dog?" },
      label: { type: "text", max_tokens: 6 },
      kind: { type: "choice", criteria: ["cat", "dog"], none: true },
    });
    expect(form?.get("abstain_below")).toBe("0.6");
    expect(form?.get("question")).toBeNull();
    expect(io.written).toEqual({
      stdout: [
        "FIELD  VALUE     SURE",
        "dog    yes       87.5 %",
        'label  =1+"1"\u{FFFD}A  50.0 %',
        "kind   -         80.0 %  none of these; nearest: cat",
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  test("writes one picture as an object, several as a list, or an object a line in a pipe", async () => {
    await using api = await apiDouble(() => answered());
    const cwd = folderWith(["a.png", "b.png"]);
    const to = ["--url", api.url, "--key", "k"];
    const one = recordedIo({ cwd });
    await read(["a.png", ...asked, ...to, "--format", "json"], one);
    expect(JSON.parse(one.written.stdout)).toEqual({
      ...{ picture: "a.png", values: { dog: true, label: label.value }, fields: { dog, label } },
      ...{ answer_id: "ans_0Kb3nV7cQ2xY9mTgA4hZw", charged_micros: 2 },
    });
    const two = recordedIo({ cwd });
    await read(["a.png", "b.png", ...asked, ...to, "--format", "json"], two);
    expect(JSON.parse(two.written.stdout)).toHaveLength(2);
    expect(two.written.stderr).toBe("2 of 2 read, $0.000004 charged.\n");
    const piped = recordedIo({ cwd });
    await read(["a.png", "b.png", ...asked, ...to], piped);
    const lines = piped.written.stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).picture)).toEqual(["a.png", "b.png"]);
  });

  test.each(["csv", "jsonl"])(
    "goes on with a folder where it was stopped, in %s: what is there is not asked again, and a line that was cut off is",
    async (format) => {
      await using api = await apiDouble(() => answered());
      const names = ["in/a, b.png", "in/c.png", "in/deep/d.png"];
      const cwd = folderWith([...names, "in/notes.txt"]);
      const to = ["--url", api.url, "--key", "k", "--out", `out.${format}`];
      const file = path.join(cwd, `out.${format}`);
      await read(["in", ...asked, ...to], recordedIo({ cwd }));
      const whole = readFileSync(file, "utf8");
      if (format === "csv")
        expect(whole).toBe(
          `${csvHead}"in/a, b.png",${csvCells}in/c.png,${csvCells}in/deep/d.png,${csvCells}`,
        );
      expect(api.requests).toHaveLength(3);
      writeFileSync(file, whole.slice(0, -3)); // inside of the last row
      const io = recordedIo({ cwd });
      expect(await read(["in", ...asked, ...to], io)).toBe(EXIT.done);
      expect(api.requests).toHaveLength(4);
      expect(readFileSync(file, "utf8")).toBe(whole);
      expect(io.written).toEqual({ stdout: "", stderr: "2 of 3 are there already.\n" });
      const other = read(["in", "--field", "dog:date", ...to], recordedIo({ cwd }));
      await expect(other).rejects.toThrow(/Give another --out/);
      expect(readFileSync(file, "utf8")).toBe(whole);
    },
  );

  test("says the price of all that is left, and neither reads nor writes", async () => {
    await using api = await apiDouble(() =>
      Response.json({ object: "quote", price_micros: 47, forward_passes: 2 }),
    );
    const cwd = folderWith(["in/a.png", "in/b.png"]);
    const io = recordedIo({ cwd });
    const to = ["--url", api.url, "--key", "k", "--out", "out.csv", "--quote"];
    expect(await read(["in", ...asked, ...to], io)).toBe(EXIT.done);
    expect(io.written.stdout).toBe("2 pictures, at most 2 passes each: $0.000094\n");
    expect(api.requests.map(({ url }) => new URL(url).pathname)).toEqual([
      "/v1/quotes",
      "/v1/quotes",
    ]);
    expect(existsSync(path.join(cwd, "out.csv"))).toBe(false);
  });

  test("leaves a picture out that is not taken, and ends with what it is", async () => {
    let asked_ = 0;
    const refusal = { kind: "image_truncated", image: 0 } as const;
    await using api = await apiDouble(() =>
      asked_++ === 0
        ? problemResponse(refusal, { requestId: "req_1", instance: "/v1/answers" })
        : answered(),
    );
    const cwd = folderWith(["in/a.png", "in/b.png"]);
    const io = recordedIo({ cwd });
    const to = ["--url", api.url, "--key", "k", "--at-once", "1", "--format", "csv"];
    expect(await read(["in", ...asked, ...to], io)).toBe(EXIT.failed);
    expect(io.written.stdout).toBe(`${csvHead}in/b.png,${csvCells}`);
    expect(io.written.stderr).toMatch(/^in\/a\.png: .* \[image_truncated\]\n1 of 2 read/);
  });

  test("stops at what would end the same for every picture, and keeps what was read", async () => {
    let calls = 0;
    const refusal = { kind: "unauthenticated" } as const;
    await using api = await apiDouble(() =>
      calls++ === 1
        ? problemResponse(refusal, { requestId: "req_1", instance: "/v1/answers" })
        : answered(),
    );
    const cwd = folderWith(["in/a.png", "in/b.png", "in/c.png"]);
    const io = recordedIo({ cwd });
    const to = ["--url", api.url, "--key", "k", "--at-once", "1", "--out", "out.csv"];
    expect(await read(["in", ...asked, ...to], io)).toBe(EXIT.failed);
    expect(readFileSync(path.join(cwd, "out.csv"), "utf8")).toBe(`${csvHead}in/a.png,${csvCells}`);
    expect(api.requests).toHaveLength(2);
    expect(io.written.stderr).toMatch(
      /^1 of 3 read, \$0\.000002 charged; the same command goes on from here\.\nunmask: /,
    );
  });

  test("says of a service that reads no fields that it is older", async () => {
    await using api = await apiDouble(() => {
      return new Response(recording, { headers: { "content-type": "text/event-stream" } });
    });
    const cwd = folderWith(["a.png"]);
    const asking = read(["a.png", ...asked, "--url", api.url, "--key", "k"], recordedIo({ cwd }));
    await expect(asking).rejects.toThrow("reads no fields");
  });

  test.each<[string, readonly string[], RegExp]>([
    ["no picture", asked, /say which pictures/],
    ["no field", ["a.png"], /say what to read/],
    ["a picture that is not there", ["none.png", ...asked], /none\.png cannot be read \(ENOENT\)/],
    ["a folder without pictures", ["empty", ...asked], /there is no picture in empty/],
    ["a field twice", ["a.png", ...asked, "--field", "dog:date"], /dog is there twice/],
    ["a format of no name", ["a.png", ...asked, "--format", "xml"], /one of table, json/],
    ["a table into a file", ["a.png", ...asked, "--format", "table", "--out", "x"], /> x/],
    ["fields that are no JSON", ["a.png", "--fields", "a.png"], /is no JSON/],
    ["fields that are none", ["a.png", "--fields", "none.json"], /has no fields/],
    ["a bound beyond one", ["a.png", ...asked, "--abstain-below", "2"], /from 0 to 1/],
  ])("is wrongly used with %s, and says what to write", async (_, args, what) => {
    const cwd = folderWith(["a.png", "empty/.keep"]);
    writeFileSync(path.join(cwd, "none.json"), '{"kind": "choice"}');
    const asking = read(args, recordedIo({ cwd }));
    await expect(asking).rejects.toThrow(UsageError);
    await expect(read(args, recordedIo({ cwd }))).rejects.toThrow(what);
  });

  test("takes the fields of a file, and of a request that was kept as it was sent", async () => {
    await using api = await apiDouble(() => answered());
    const cwd = folderWith(["a.png"]);
    const fields = { dog: { type: "boolean" }, label: { type: "text", instructions: "Title?" } };
    for (const body of [fields, { question: "A desk.", fields }]) {
      writeFileSync(path.join(cwd, "fields.json"), `\uFEFF${JSON.stringify(body)}`);
      const to = ["--url", api.url, "--key", "k", "--fields", "fields.json"];
      expect(await read(["a.png", ...to], recordedIo({ cwd }))).toBe(EXIT.done);
      const form = await api.requests.at(-1)?.formData();
      expect(JSON.parse(String(form?.get("fields")))).toEqual(fields);
    }
  });
});

describe("a field in one argument", () => {
  test.each<[string, object]>([
    ["damaged:boolean", { type: "boolean" }],
    ["kind:choice=cat, dog", { type: "choice", criteria: ["cat", "dog"] }],
    ["kind:choice?=cat", { type: "choice", criteria: ["cat"], none: true }],
    ["state:score=new,used", { type: "score", criteria: ["new", "used"] }],
    ["count:number=0..20", { type: "number", minimum: 0, maximum: 20, decimals: 0 }],
    ["t:number=-5..99.95", { type: "number", minimum: -5, maximum: 99.95, decimals: 2 }],
    ["label:text", { type: "text" }],
    ["at:time: When? Say: now", { type: "time", instructions: "When? Say: now" }],
    ["q:choice=a:b,c: Which?", { type: "choice", criteria: ["a:b", "c"], instructions: "Which?" }],
  ])("%s is what the API takes", (word, field) => {
    expect(parseFieldWord(word)[1]).toEqual(field);
  });

  test.each([
    ["damaged", "NAME:TYPE"],
    ["kind:colour", "none of boolean"],
    ["kind:choice", "write options"],
    ["kind:choice=a,,b", "write options"],
    ["state:score=one", "write levels"],
    ["count:number", "write a range"],
    ["count:number=5", "write a range"],
    ["label:text=many", "write tokens"],
    ["is:boolean=yes", 'takes no "="'],
    ["is:boolean?", "only a choice"],
  ])("%s is wrong, and why is said", (word, why) => {
    expect(() => parseFieldWord(word)).toThrow(why);
  });

  test("is explained in the help by arguments that are right", () => {
    const shown = [...READ_HELP.matchAll(/--field "([^"]+)"/g)].map(([, word = ""]) => word);
    expect(shown.length).toBeGreaterThan(1);
    for (const word of shown) expect(() => parseFieldWord(word)).not.toThrow();
  });
});
