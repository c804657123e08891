import { describe, expect, test } from "vitest";
import type { OrtEngine } from "#engine/ort-engine.ts";
import { type CRuntime, loadCRuntime } from "#inference/runtime/c-api/c-runtime.ts";
import { OrtError } from "#inference/runtime/c-api/ort-status.ts";
import { explainingLoads } from "#inference/runtime/cuda/cuda-runtime.ts";
import { packagedRuntime } from "#inference/runtime/cuda/packaged-runtime.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { randomModel } from "../../../support/random-model.ts";

const patient = new AbortController().signal;
const { architecture, stages } = randomModel("q4");

const OUT_OF_MEMORY =
  "bfc_arena.cc:376 AllocateRawInternal Failed to allocate memory for requested buffer of size 100663296";
const DEVICE_LOST =
  "CUDA failure 719: unspecified launch failure ; GPU=0 ; hostname=vm ; expr=cudaStreamSynchronize(stream);";

/** The C API on the processor, with a card's faults: `fault` is asked before each run and each session. */
async function faulty(fault: (what: "run" | "session") => string | undefined): Promise<CRuntime> {
  const runtime = await loadCRuntime({ libraryPath: packagedRuntime().library, threads: 1 });
  const complain = (what: "run" | "session", operation: string): void => {
    const text = fault(what);
    if (text !== undefined) throw new OrtError(operation, 6, text);
  };
  return {
    ...runtime,
    async createSession(name, ...given) {
      try {
        complain("session", "CreateSessionFromArray");
      } catch (cause) {
        throw new Error(`the session of stage ${name} cannot be created`, { cause });
      }
      const session = await runtime.createSession(name, ...given);
      return {
        ...session,
        async run(...asked) {
          try {
            complain("run", "RunWithBinding");
          } catch (cause) {
            throw new Error(`stage ${name} failed to run`, { cause });
          }
          return session.run(...asked);
        },
      };
    },
  };
}

async function open(runtime: CRuntime): Promise<OrtEngine> {
  const engine = await createNodeEngine({ architecture, provider: "cuda", runtime });
  for (const { layout, bytes } of stages) await engine.accept({ layout, bytes: bytes.slice() });
  return engine;
}

/** A prefix filled and used. */
async function answer(engine: OrtEngine): Promise<Predictions> {
  const ids = Array.from({ length: 20 }, (_, index) => (index * 7) % 100);
  const embeddingsSD = await engine.embedTokens(ids, patient);
  const pass: ForwardPass = { embeddingsSD, rows: [17, 19], suppressed: [] };
  const kept = engine.openPrefix();
  try {
    const prefix = { kept, length: 15 };
    await engine.denoise({ ...pass, prefix: { ...prefix, refresh: "whole" } }, patient);
    return await engine.denoise({ ...pass, prefix: { ...prefix, refresh: "none" } }, patient);
  } finally {
    kept.release();
  }
}

describe("a card's faults", () => {
  test("memory that is full in the middle of an answer fails that answer alone: it leaves nothing behind, and the next is as it would have been", async () => {
    let runs = Number.POSITIVE_INFINITY;
    const runtime = await faulty((what) => {
      if (what === "session") return undefined;
      runs -= 1;
      return runs === 0 ? OUT_OF_MEMORY : undefined;
    });
    const engine = await open(runtime);
    const expected = await answer(engine);
    for (const at of [1, 2, 4, 6]) {
      runs = at;
      await expect(answer(engine)).rejects.toMatchObject({
        message: expect.stringMatching(/^stage .* failed to run$/),
        cause: { name: "OrtError", message: expect.stringContaining(OUT_OF_MEMORY) },
      });
      expect(await answer(engine)).toEqual(expected);
    }
    await engine.dispose();
    expect(runtime.live()).toEqual({});
  });

  test("a card that is lost fails every answer after it, and the engine can still be let go of", async () => {
    let isLost = false;
    const runtime = await faulty(() => (isLost ? DEVICE_LOST : undefined));
    const engine = await open(runtime);
    await answer(engine);
    isLost = true;
    for (let count = 0; count < 2; count++)
      await expect(answer(engine)).rejects.toMatchObject({
        cause: { message: expect.stringContaining("CUDA failure 719") },
      });
    await engine.dispose();
    expect(runtime.live()).toEqual({});
  });

  test("memory that the weights fill is told by its name when the session is made, with what to do", async () => {
    const runtime = explainingLoads(
      await faulty((what) => (what === "session" ? OUT_OF_MEMORY : undefined)),
    );
    await expect(runtime.createSession("layer-07", new Uint8Array(), [])).rejects.toMatchObject({
      message: "the session of stage layer-07 cannot be created",
      cause: {
        kind: "out_of_memory",
        message: expect.stringMatching(/the GPU's memory is full\. Serve a smaller format/),
      },
    });
    await runtime.close();
  });
});
