import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { CudaFindings, Trial } from "#inference/machine/findings.ts";
import { runProbe } from "#inference/machine/run-probe.ts";

const patient = new AbortController().signal;
const env = { PATH: process.env["PATH"], HOME: "/nowhere" };

const folder = mkdtempSync(path.join(tmpdir(), "probe-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that takes the probe's place. */
function script(name: string, text: string): string {
  const file = path.join(folder, `${name}.mjs`);
  writeFileSync(file, text);
  return file;
}

describe("a probe in a process of its own", () => {
  test("finds that the processor computes", async () => {
    expect(await runProbe<Trial>("cpu", { env, signal: patient })).toEqual({
      found: { troubles: [] },
    });
  });

  test("finds no NVIDIA driver where there is none, whatever else there is", async () => {
    // LD_LIBRARY_PATH cannot hide a driver that the machine has: there this test has nothing to say.
    const result = await runProbe<CudaFindings>("cuda", { env, signal: patient });
    if (!("found" in result) || result.found.driver !== undefined) return;
    expect(result.found).toMatchObject({
      folder: "/nowhere/.local/share/unmask/cuda-1.30.0",
      files: "missing",
      troubles: [{ kind: "driver_missing" }],
    });
  });

  test.each([
    ["found", "found {"],
    ["failed", 'failed "'],
    ["nothing", "hello"],
  ])(
    "that says %s and nothing that can be read is told as one that crashed",
    async (name, line) => {
      const text = `console.log(${JSON.stringify(line)});`;
      const told = await runProbe("cpu", { env, signal: patient, script: script(name, text) });
      expect(told).toMatchObject({
        trouble: { kind: "probe_crashed", why: expect.stringMatching(/code 0, and said nothing/) },
      });
    },
  );

  test("that crashes is told by its signal and its last words", async () => {
    const crashing = script(
      "crash",
      'console.error("about to go"); process.kill(process.pid, "SIGSEGV"); setInterval(() => {}, 1000);',
    );
    expect(await runProbe("webgpu", { env, signal: patient, script: crashing })).toEqual({
      trouble: {
        kind: "probe_crashed",
        why: "the trial's process ended with SIGSEGV: about to go",
        next: "The driver or a library is broken: update it, or use another provider",
      },
    });
  });

  test("that says nothing of use is told by its exit code", async () => {
    const mute = script("mute", 'console.log("hello"); process.exitCode = 3;');
    expect(await runProbe("webgpu", { env, signal: patient, script: mute })).toMatchObject({
      trouble: { kind: "probe_crashed", why: "the trial's process ended with code 3" },
    });
  });

  test("that lacks something itself says what", async () => {
    const result = await runProbe("elsewhere" as "cpu", { env, signal: patient });
    expect(result).toEqual({
      trouble: {
        kind: "failed",
        why: "the trial failed: no such probe: elsewhere",
        next: "Use another provider, and report this",
      },
    });
  });

  test("that hangs is ended after a while", async () => {
    const hanging = script("hang", "setInterval(() => {}, 1000);");
    const options = { env, signal: patient, script: hanging, timeoutMs: 300 };
    expect(await runProbe("webgpu", options)).toMatchObject({
      trouble: { kind: "probe_hung", why: "the trial did not end within 0.3 s" },
    });
  });

  test("is ended with who asked for it", async () => {
    const hanging = script("stop", "setInterval(() => {}, 1000);");
    const stop = new AbortController();
    const looking = runProbe("webgpu", { env, signal: stop.signal, script: hanging });
    stop.abort(new Error("stopped"));
    await expect(looking).rejects.toThrow("stopped");
  });

  test("libraries may write to the same stream: the last line counts", async () => {
    const chatty = script(
      "chatty",
      'console.log("found nothing"); process.stdout.write("noise\\nfound {\\"troubles\\":[]}\\n");',
    );
    expect(await runProbe<Trial>("cpu", { env, signal: patient, script: chatty })).toEqual({
      found: { troubles: [] },
    });
  });
});
