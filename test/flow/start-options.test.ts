import { describe, expect, test } from "vitest";
import { HELP, parseOptions } from "../../infra/local/options.ts";

describe("npm start", () => {
  test("alone serves the demo model on the processor: nothing is looked for", () => {
    expect(parseOptions([])).toEqual({
      ...{ port: 8787, isForPrograms: false, models: [], provider: "cpu" },
      ...{ format: "auto", refresh: false, isEmpty: false },
    });
    expect(parseOptions(["--provider", "auto"])).toMatchObject({ provider: "auto" });
  });

  test("of a model takes what computes best here, and one function for each model", () => {
    expect(parseOptions(["--model", "GSAI-ML/LLaDA-V"])).toMatchObject({
      ...{ models: ["GSAI-ML/LLaDA-V"], provider: "auto", format: "auto" },
    });
    const both = ["--model", "a/b", "--model", "s3://c/d", "--provider", "webgpu", "--json"];
    expect(parseOptions([...both, "--format", "q4", "--block", "32", "--port", "0"])).toEqual({
      ...{ port: 0, isForPrograms: true, models: ["a/b", "s3://c/d"], provider: "webgpu" },
      ...{ format: { format: "q4", block: 32 }, refresh: false, isEmpty: false },
    });
    expect(parseOptions(["--model", "a/b", "--name", "mine", "--refresh"])).toMatchObject({
      ...{ name: "mine", refresh: true },
    });
  });

  test.each([
    [["--port", "x"], /--port takes a number from 0 to 65535, not "x"/],
    [["--port", "65536"], /65535/],
    [["--port", ""], /--port/],
    [["--provider", "tpu"], /--provider is one of auto, cpu, .*, not "tpu"/],
    [["--model", "a/b", "--format", "int2"], /--format is one of/],
    [["--model", "a/b", "--block", "32"], /--block is for --format q4/],
    [["--model", "a/b", "--format", "f32", "--block", "32"], /--block is for q4/],
    [["--format", "f32"], /are of a --model/],
    [["--name", "x", "--model", "a/b", "--model", "c/d"], /names one model/],
    [["--colour"], /colour/],
  ])("says what is wrong with %j", (args, words) => {
    expect(() => parseOptions(args)).toThrow(words);
  });

  test("explains every option that it takes", () => {
    expect(parseOptions(["--port", "x", "--help"])).toBe("help");
    const names = "model provider format block name refresh empty port json help".split(" ");
    for (const name of names) expect(HELP).toContain(`--${name}`);
  });
});
