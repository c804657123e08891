import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandIo, EXIT, UsageError } from "#cli/command.ts";
import { weightsFault } from "#cli/convert/fault.ts";
import { openTarget } from "#cli/convert/location.ts";
import { progressLine } from "#cli/convert/report.ts";
import { checkTemplate } from "#cli/convert/template.ts";
import { convert } from "#cli/convert.ts";
import { main } from "#cli/main.ts";
import { synth } from "#cli/synth.ts";
import type { ReadCard } from "#domain/read-style.ts";
import type { Trust } from "#domain/trust.ts";
import { fileStore } from "#inference/file-store.ts";
import { DEFAULT_CHAT_TEMPLATE } from "#weights/checkpoint/special-tokens.ts";
import { SMALL_FORM } from "#weights/format-choice.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { WeightsError } from "#weights/weights-error.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-convert-"));
});
afterAll(() => rm(folder, { recursive: true }));

function testIo(
  overrides: Partial<CommandIo> = {},
): CommandIo & { out: string[]; errors: string[] } {
  const out: string[] = [];
  const errors: string[] = [];
  return {
    out,
    errors,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => errors.push(text) },
    env: {},
    cwd: process.cwd(),
    isTTY: false,
    signal: new AbortController().signal,
    ...overrides,
  };
}

const tinyA = (target: string): string[] => [
  ...["test/fixtures/reference/tiny-a", "--to", target, "--format", "q4"],
  ...["--name", "tiny-a", "--version", "1", "--ids-only"],
];

describe("unmask convert", () => {
  test("writes a bundle into a folder, a line per tensor and the digest last", async () => {
    const io = testIo();
    const target = path.join(folder, "bundle");
    expect(await convert(tinyA(target), io)).toBe(EXIT.done);
    const { bundle, digest } = await readManifest(fileStore(target), "tiny-a");
    const tensors = bundle.stages.reduce((total, stage) => total + stage.tensors.length, 0);
    expect(io.out).toHaveLength(tensors + 1);
    expect(io.out[0]).toMatch(
      /^vision\tembeddings\.patch_embedding\.weight\tf32\t0\.00\t0\.00\t0\.00\n$/,
    );
    expect(io.out[tensors]).toBe(`tiny-a\t1\t${digest}\n`);
    expect(io.errors.join("")).toMatch(/peak memory \d+ MB/);
  });

  test("writes down what the model was trained for, where that is said", async () => {
    const target = path.join(folder, "able");
    const said = [
      "--canvas",
      "16,32,64",
      "--untrained",
      "system-messages",
      "--untrained",
      "several-turns",
    ];
    expect(await convert([...tinyA(target), ...said], testIo())).toBe(EXIT.done);
    const able = await readManifest(fileStore(target), "tiny-a");
    expect(able.bundle.abilities).toEqual({
      canvas: { standard: 16, recommended: 32, limit: 64 },
      ...{ systemMessages: false, severalPictures: true, severalTurns: false },
    });
    const silent = path.join(folder, "silent");
    await convert(tinyA(silent), testIo());
    const { bundle } = await readManifest(fileStore(silent), "tiny-a");
    expect("abilities" in bundle).toBe(false);
  });

  test("writes down how far the model can be trusted, where a file says that", async () => {
    const trust: Trust = {
      domain: { description: "Pictures of pets.", things: ["a dog"] },
      calibration: { temperature: 2, shift: -1, domain: { weight: 1, limit: 8 } },
      abstention: { sentences: ["I do not know."], below: 0.5 },
    };
    await writeFile(path.join(folder, "trust.json"), JSON.stringify(trust));
    const target = path.join(folder, "trusted");
    const said = ["--trust", path.join(folder, "trust.json")];
    expect(await convert([...tinyA(target), ...said], testIo())).toBe(EXIT.done);
    const { bundle } = await readManifest(fileStore(target), "tiny-a");
    expect(bundle).toMatchObject(trust);
    expect("read" in bundle).toBe(false);
  });

  test("writes down how values are read off pictures, where a file says that", async () => {
    const read: ReadCard = {
      style: { style: "sentence", yes: "Yes.", no: "No." },
      ...{ filler: 3, temperatures: { boolean: 2 } },
    };
    const file = path.join(folder, "read.json");
    await writeFile(file, JSON.stringify(read));
    const target = path.join(folder, "reading");
    expect(await convert([...tinyA(target), "--read", file], testIo())).toBe(EXIT.done);
    const { bundle } = await readManifest(fileStore(target), "tiny-a");
    expect(bundle.read).toEqual(read);
  });

  test.each([
    ["not there", undefined, /cannot be read \(ENOENT\)/],
    ["no JSON", "{", /is not JSON/],
    ["of another form", '{"world": "pets"}', /world/],
    ["longer than a manifest", " ".repeat(5_000_000), /more than a manifest may have/],
  ])(
    "refuses a file with its maker's word that is %s, before anything is read",
    async (_, text, what) => {
      const file = path.join(folder, "no-word.json");
      await rm(file, { force: true });
      if (text !== undefined) await writeFile(file, text);
      for (const option of ["--trust", "--read"]) {
        const asked = convert([...tinyA("x"), option, file], testIo());
        await expect(asked, option).rejects.toThrow(what);
        await expect(asked, option).rejects.toThrow(option);
      }
    },
  );

  test.each([
    [["--canvas", "32"], /three whole numbers/],
    [["--canvas", "32,x,512"], /three whole numbers/],
    [["--canvas", "64,32,512"], /each must be as long as the one before/],
    [["--untrained", "jokes"], /one of system-messages, several-pictures, several-turns/],
  ])("refuses %j before anything is read", async (said, complaint) => {
    await expect(convert([...tinyA("x"), ...said], testIo())).rejects.toThrow(complaint);
  });

  test.each([
    [[], "w8a8", undefined],
    [["--format", "w7a8"], "w7a8", undefined],
    [["--format", "q4"], "q4", SMALL_FORM.block],
    [["--format", "q4", "--block", "32"], "q4", undefined],
    [["--format", "q4", "--block", "64"], "q4", 64],
    [["--memory", "12"], "w8a8", undefined],
  ])("with %j stores linears in %s, blocks of %s", async (options, format, block) => {
    const [source = "", ...rest] = tinyA(path.join(folder, `form${options.join("")}`));
    const others = rest.filter((word) => word !== "--format" && word !== "q4");
    expect(await convert([source, ...others, ...options], testIo())).toBe(EXIT.done);
    const { bundle } = await readManifest(
      fileStore(path.join(folder, `form${options.join("")}`)),
      "tiny-a",
    );
    expect(bundle.format).toBe(format);
    const layer = bundle.stages.find(({ name }) => name === "layer-00");
    expect(layer?.tensors.find(({ name }) => name.endsWith("q_proj.weight"))?.block).toBe(block);
  });

  test.each([
    [["--memory", "12", "--format", "q4"], /give it or --format/],
    [["--memory", "much"], /write gigabytes/],
    [["--memory", "1.4"], /needs 1\.5 GB at least, in q4/],
    [["--format", "q4", "--block", "48"], /32, 64, 128/],
    [["--block", "64"], /w8a8 has no blocks/],
  ])("refuses %j", async (options, complaint) => {
    const [source = "", ...rest] = tinyA(path.join(folder, "refused"));
    const others = rest.filter((word) => word !== "--format" && word !== "q4");
    await expect(convert([source, ...others, ...options], testIo())).rejects.toThrow(complaint);
  });

  test("says how to go on when it is stopped", async () => {
    const io = testIo({ signal: AbortSignal.abort() });
    expect(await convert(tinyA(path.join(folder, "stopped")), io)).toBe(EXIT.interrupted);
    expect(io.errors.join("")).toContain("the same command goes on");
  });

  test.each([
    [[], /one SOURCE/],
    [["a", "b", "--to", "c"], /one SOURCE/],
    [["a", "--to", "c"], /--name and --version/],
    [
      ["a", "--to", "c", "--name", "n", "--version", "v", "--format", "int3"],
      /f32, f16, w8a8, w7a8, q8, q4/,
    ],
    [
      ["a", "--to", "c", "--name", "n", "--version", "v", "--format", "q4", "--special", "pad=1"],
      /ROLE=ID/,
    ],
    [["a", "--nonsense"], /nonsense/],
    [["a", "--to", "c", "--name", "n/m", "--version", "v", "--format", "q4"], /--name "n\/m"/],
    [["a", "--to", "c", "--name", "n", "--version", "v 1", "--format", "q4"], /--version "v 1"/],
  ])("%j is a mistake of usage", async (args, words) => {
    await expect(convert(args, testIo())).rejects.toThrow(UsageError);
    await expect(convert(args, testIo())).rejects.toThrow(words);
  });
});

describe("a chat template", () => {
  const said = "{% for m in messages %}{{ m['content'] }}{% endfor %}";

  test("that writes out what is said can be used", () => {
    expect(() => checkTemplate(DEFAULT_CHAT_TEMPLATE)).not.toThrow();
    expect(() => checkTemplate(said)).not.toThrow();
  });

  test.each([
    ["is no Jinja", "{% for %}"],
    ["wants contents in parts", said.replace("m['content']", "m['content'][0]['text']")],
    ["leaves the user out", "{{ bos_token }}Hello."],
    ["refuses", "{{ raise_exception('no') }}"],
  ])("that %s cannot", (_, source) => {
    expect(() => checkTemplate(source)).toThrow();
  });
});

describe("a fault of weights", () => {
  const run = async (source: string, env: CommandIo["env"] = {}) => {
    const io = testIo({ cwd: folder, env });
    const args = ["convert", source, "--to", "faulty", "--format", "q4"];
    const code = await main([...args, "--name", "n", "--version", "1"], io);
    expect(io.out).toEqual([]);
    return { code, complaint: io.errors.join("") };
  };

  test("is told with its code and what to do next, without a stack", async () => {
    const { code, complaint } = await run(".");
    expect(code).toBe(EXIT.failed);
    expect(complaint).toMatch(
      /^unmask convert: .*config\.json.* \[checkpoint_invalid\]\nCheck the address/,
    );
    expect(complaint).not.toMatch(/WeightsError|^\s+at /m);
  });

  test("of a store that is not there says why, and that trying again may help", () => {
    const cause = new WeightsError("store_unavailable", "gave up config.json", {
      cause: new Error("connect ECONNREFUSED"),
    });
    expect(weightsFault(cause)).toBe(
      "gave up config.json [store_unavailable]\n  because connect ECONNREFUSED\nRun the same command again later; what is stored already is kept.",
    );
  });

  test("that may pass ends as unavailable", async () => {
    const store = { UNMASK_S3_ENDPOINT: "http://127.0.0.1:1" };
    const keys = { UNMASK_S3_ACCESS_KEY_ID: "id", UNMASK_S3_SECRET_ACCESS_KEY: "secret" };
    const { code, complaint } = await run("s3://bucket", { ...store, ...keys });
    expect(complaint).toContain("[store_unavailable]");
    expect(code).toBe(EXIT.unavailable);
  });
});

describe("unmask synth", () => {
  test("writes a bundle that reads back", async () => {
    const io = testIo();
    const target = path.join(folder, "noise");
    expect(await synth(["--to", target, "--seed", "3"], io)).toBe(EXIT.done);
    const { digest } = await readManifest(fileStore(target), "synth-tiny");
    expect(io.out).toEqual([`synth-tiny\tq4-3\t${digest}\n`]);
  });

  test("writes down what the model is to have been trained for", async () => {
    const target = path.join(folder, "able-noise");
    await synth(["--to", target, "--canvas", "8,8,16"], testIo());
    const { bundle } = await readManifest(fileStore(target), "synth-tiny");
    expect(bundle.abilities?.canvas).toEqual({ standard: 8, recommended: 8, limit: 16 });
  });

  test.each([
    [[], /--to/],
    [["--to", "x", "--shape", "70b"], /llada-v-8b/],
    [["--to", "x", "--seed", "abc"], /whole number/],
    [["--to", "x", "stray"], /stray|positional/],
    [["--to", "x", "--name", "../n"], /--name "\.\.\/n"/],
    [["--to", "x", "--version", ""], /--version ""/],
  ])("%j is a mistake of usage", async (args, words) => {
    await expect(synth(args, testIo())).rejects.toThrow(UsageError);
    await expect(synth(args, testIo())).rejects.toThrow(words);
  });
});

describe("addresses", () => {
  const env = {
    UNMASK_S3_ENDPOINT: "http://127.0.0.1:1",
    UNMASK_S3_ACCESS_KEY_ID: "id",
    UNMASK_S3_SECRET_ACCESS_KEY: "secret",
  };

  test("name folders, buckets and hubs", () => {
    const io = { cwd: folder, env };
    expect(openTarget("out", io).address).toBe(path.join(folder, "out"));
    expect(openTarget("s3://bucket/some/prefix/", io).address).toBe("s3://bucket/some/prefix");
  });

  test("that cannot be written to, or lack an environment, are mistakes of usage", () => {
    const io = { cwd: folder, env: {} };
    expect(() => openTarget("https://hub/model", io)).toThrow(UsageError);
    expect(() => openTarget("s3://bucket", io)).toThrow(/UNMASK_S3_ENDPOINT/);
    expect(() => openTarget("s3://", { ...io, env })).toThrow(/names no bucket/);
  });
});

test("progress reads well", () => {
  const progress = {
    doneBytes: 1.2e9,
    totalBytes: 16.87e9,
    bytesPerSecond: 85e6,
    etaSeconds: 184.4,
  };
  expect(progressLine(progress)).toBe("1.20 of 16.87 GB   7 %   85 MB/s   3:05 left");
  expect(progressLine({ doneBytes: 5e6, totalBytes: 5e6, bytesPerSecond: 0, etaSeconds: 0 })).toBe(
    "5.00 of 5.00 MB   100 %   0 MB/s   done",
  );
});
