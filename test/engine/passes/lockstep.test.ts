import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import type { EngineParts } from "#engine/engine-parts.ts";
import { denoise } from "#engine/passes/denoise.ts";
import { KeptPrefix } from "#engine/passes/kept-prefix.ts";
import { denoiseTogether, gainsByCompany, LOCKSTEP_ROWS } from "#engine/passes/lockstep.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import { createSelfTest, settleProfile } from "#engine/self-test/self-test.ts";
import { createSessions } from "#engine/stages/sessions.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import type { ForwardPass } from "#model/engine.ts";
import { randomModel } from "../../support/random-model.ts";

const patient = new AbortController().signal;

describe.each([
  ["cpu", "f32t"],
  ["cpu", "w8"],
  ["cpu", "q4"],
  ["wasm", "w8"],
] as const)("passes in lock-step on %s, %s weights", (provider, encoding) => {
  let opened: Awaited<ReturnType<typeof openParts>>;
  beforeAll(async () => {
    opened = await openParts(provider, encoding);
  });
  afterAll(() => opened.parts.sessions.release());

  test("give each what it gets alone, bit for bit, and run every layer once for all", async () => {
    const { parts, runs } = opened;
    const passes = await Promise.all([
      somePass(parts, 1, 30, 8),
      somePass(parts, 2, 7, 1),
      somePass(parts, 3, 64, 5),
      somePass(parts, 4, 1, 4),
    ]);
    const alone = [];
    for (const pass of passes) alone.push(await denoise(parts, pass, patient));
    for (let count = 2; count <= passes.length; count++) {
      runs.length = 0;
      const members = passes.slice(0, count).map((pass) => ({ pass, signal: patient }));
      const outcomes = await denoiseTogether(parts, members);
      expect(outcomes).toEqual(
        alone.slice(0, count).map((value) => ({ status: "fulfilled", value })),
      );
      const heads = members.map(() => "head");
      expect(runs).toEqual(["layer-00", "layer-01", ...heads]);
    }
  });

  test("who is wrong, or has left, is told so, and the others have what they get alone", async () => {
    const { parts } = opened;
    const [stays, also, leaves, empty] = await Promise.all([
      somePass(parts, 5, 12, 4),
      somePass(parts, 6, 9, 6),
      somePass(parts, 7, 20, 8),
      somePass(parts, 8, 5, 2),
    ]);
    const alone = [
      await denoise(parts, stays, patient),
      await denoise(parts, also, patient),
    ] as const;
    empty.prefix?.kept.release();
    const leaving = new AbortController();
    const running = denoiseTogether(parts, [
      { pass: stays, signal: patient },
      { pass: leaves, signal: leaving.signal },
      { pass: empty, signal: patient },
      { pass: also, signal: patient },
    ]);
    leaving.abort(new Error("left"));
    const outcomes = await running;
    expect(outcomes).toMatchObject([
      { status: "fulfilled", value: alone[0] },
      { status: "rejected", reason: new Error("left") },
      { status: "rejected", reason: expect.any(RangeError) },
      { status: "fulfilled", value: alone[1] },
    ]);
  });

  test("nothing more is computed once everybody has left", async () => {
    const { parts, runs } = opened;
    const passes = [await somePass(parts, 9, 12, 4), await somePass(parts, 10, 9, 6)];
    runs.length = 0;
    const leaving = new AbortController();
    const running = denoiseTogether(
      parts,
      passes.map((pass) => ({ pass, signal: leaving.signal })),
    );
    leaving.abort(new Error("left"));
    const left = { status: "rejected", reason: new Error("left") };
    expect(await running).toEqual([left, left]);
    expect(runs).toEqual([]);
  });
});

test("a pass gains by company if it computes a few rows behind a kept prefix, without guidance", () => {
  const pass = (rows: number, refresh: "none" | "whole" | "deep"): ForwardPass => ({
    embeddingsSD: tensor([20 + rows, 1], new Float32Array(20 + rows)),
    prefix: { kept: new KeptPrefix(1, () => undefined), length: 20, refresh },
    rows: [20],
    suppressed: [],
  });
  expect(gainsByCompany(pass(LOCKSTEP_ROWS, "none"))).toBe(true);
  expect(gainsByCompany(pass(LOCKSTEP_ROWS + 1, "none"))).toBe(false);
  expect(gainsByCompany(pass(2, "whole"))).toBe(false);
  expect(gainsByCompany(pass(2, "deep"))).toBe(false);
  const small = pass(2, "none");
  const guidance = { unconditionalSD: small.embeddingsSD, scale: 1 };
  expect(gainsByCompany({ ...small, guidance })).toBe(false);
  const { prefix: _, ...whole } = small;
  expect(gainsByCompany(whole)).toBe(false);
});

/** An engine's parts, and the stages that have run since `runs` was emptied. */
async function openParts(provider: "cpu" | "wasm", encoding: LinearEncoding) {
  const { architecture, stages } = randomModel(encoding);
  const runtime = await loadRuntime(provider, 1);
  const profile = await settleProfile(runtime, provider);
  const runs: string[] = [];
  const counting: Runtime = {
    ...runtime,
    async createSession(name, model, stage) {
      const session = await runtime.createSession(name, model, stage);
      return {
        run(...asked) {
          runs.push(name);
          return session.run(...asked);
        },
        release: () => session.release(),
      };
    },
  };
  const selfTest = createSelfTest(runtime, provider, profile);
  const sessions = createSessions({
    ...{ architecture, profile, runtime: counting, selfTest, isObserved: false },
  });
  for (const stage of stages) await sessions.accept(stage);
  const parts: EngineParts = {
    architecture,
    sessions,
    isObserved: false,
    observe: () => undefined,
  };
  return { parts, runs };
}

/** A step behind a prefix that has been filled, of which every second row is asked. */
async function somePass(
  parts: EngineParts,
  shelf: number,
  length: number,
  window: number,
): Promise<ForwardPass> {
  const { hiddenSize } = parts.architecture.language;
  const size = length + window;
  const embeddingsSD = tensor(
    [size, hiddenSize],
    Float32Array.from({ length: size * hiddenSize }, (_, index) => Math.sin(shelf + 1.7 * index)),
  );
  const kept = new KeptPrefix(shelf, () => undefined);
  const rows = Array.from({ length: window }, (_, index) => length + index).filter(
    (_, index) => index % 2 === 0,
  );
  const pass = { embeddingsSD, rows, suppressed: [3] };
  await denoise(parts, { ...pass, prefix: { kept, length, refresh: "whole" } }, patient);
  return { ...pass, prefix: { kept, length, refresh: "none" } };
}
