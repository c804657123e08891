import { describe, expect, test } from "vitest";
import { planSteps, type Step } from "../../infra/gpu-check/run/plan.ts";
import { type Report, reportText } from "../../infra/gpu-check/run/report.ts";
import { runStep } from "../../infra/gpu-check/run/step-process.ts";

const step = (change: Partial<Step>): Step => ({
  ...{ name: "a step", measure: "provider", provider: "cpu", options: {}, limitSeconds: 25 },
  ...change,
});
const setting = (seconds: number) => ({
  ...{ small: true, environment: {} },
  endMs: Date.now() + seconds * 1000,
});

describe("a step of the check", () => {
  test("yields its lines", async () => {
    const { outcome, rows } = await runStep(step({}), setting(25));
    expect(outcome).toBe("measured");
    expect(rows).toEqual([
      { what: "a session", works: true, startMs: expect.any(Number) },
      { what: "16-bit floats", works: true },
    ]);
  });

  test("that breaks down is a result, which names what was tried and why it failed", async () => {
    const { outcome, why, rows } = await runStep(
      step({ measure: "selfTest", options: { format: "q3" } }),
      setting(25),
    );
    expect({ outcome, rows }).toEqual({ outcome: "failed", rows: [] });
    expect(why).toMatch(/^ended with code 1 at the start: \w*Error: .*q3/);
  });

  test("that takes too long is ended, and says at what; without time it is not begun", async () => {
    const slow = step({ measure: "answers", options: { format: "f32" }, limitSeconds: 3 });
    const { outcome, why } = await runStep(slow, { ...setting(25), small: false });
    expect({ outcome, why }).toEqual({
      outcome: "failed",
      why: expect.stringMatching(/^took too long at /),
    });
    expect(await runStep(step({}), setting(1))).toMatchObject({
      outcome: "skipped",
      why: "no time left",
    });
  });
});

describe("the plan", () => {
  test("measures every provider that runs, in formats that are its own, under names of their own", () => {
    const steps = planSteps(
      [
        { name: "cpu", hasF16: true },
        { name: "webgpu", hasF16: true },
      ],
      false,
    );
    const names = steps.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("answers w8a8 on cpu");
    expect(names).toContain("answers q4 on webgpu");
    expect(names.filter((name) => /w8a8 on webgpu|on cuda/.test(name))).toEqual([]);
  });

  test("names what a device without 16-bit floats cannot be asked", () => {
    const steps = planSteps([{ name: "webgpu", hasF16: false }], true);
    const lacking = steps.filter(({ lacks }) => lacks === "16-bit floats");
    expect(lacking.length).toBeGreaterThan(0);
    expect(lacking.every(({ measure }) => measure === "products")).toBe(true);
  });
});

describe("the report", () => {
  const report: Report = {
    ...{ version: 1, commit: "abc", startedAt: "2026-11-28T00:00:00Z", seconds: 12 },
    ...{ small: false, vulkan: "nvidia_icd.json" },
    machine: {
      ...{
        system: "Debian",
        processor: "a CPU",
        cores: 16,
        memoryGB: 128,
        freeGB: 100,
        node: "24",
      },
      gpus: [{ name: "H100", memoryMB: 81_559, driver: "580", computeCapability: "9.0" }],
    },
    results: [
      {
        ...{ step: "answers q4 on webgpu", measure: "answers", provider: "webgpu" },
        ...{ options: { format: "q4" }, outcome: "measured", seconds: 20 },
        rows: [
          { what: "answer", mode: "cached", canvas: 32, steps: 16, seconds: 1.5, how: "measured" },
          { what: "load", loadGBs: 2.5 },
        ],
      },
      {
        ...{ step: "attention fused on webgpu", measure: "attention", provider: "webgpu" },
        ...{ options: { form: "fused" }, outcome: "failed", why: "ended with SIGSEGV", seconds: 2 },
        rows: [{ form: "fused", rows: 32, right: false, error: 0.05 }],
      },
    ],
  };

  test("begins with what is wrong, has failed and was aimed at", () => {
    const text = reportText(report);
    expect(text).toContain("H100, 81559 MB, driver 580, compute capability 9.0");
    expect(text).toContain("| attention fused on webgpu | fused | 32 | **no** | 0.05 |");
    expect(text).toContain("| attention fused on webgpu | ended with SIGSEGV |");
    expect(text).toContain("| webgpu | 32 tokens in 16 steps, cached | 2 | 1.5 | yes |");
    expect(text).toContain("| cuda | 32 tokens in 16 steps, cached | 0.5 | – | – |");
  });

  test("has a table for each kind of line", () => {
    const text = reportText(report);
    expect(text).toContain("## answers: load\n\n| provider | format | loadGBs |");
    expect(text).toContain("## answers: answer\n\n| provider | format | mode | canvas |");
  });

  test("of a machine without a GPU says that its speeds mean nothing, and compares none", () => {
    const text = reportText({ ...report, small: true });
    expect(text).toContain("speeds mean nothing");
    expect(text).not.toContain("## Aims");
  });
});
