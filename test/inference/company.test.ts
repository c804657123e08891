import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modeTerms } from "#domain/modes.ts";
import { loadKernels } from "#inference/engine/kernels.ts";
import { fileStore } from "#inference/file-store.ts";
import { createModelHost, type DescribedModel, type ModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import { options } from "../support/edge-builders.ts";

const forever = new AbortController().signal;

/** What may be asked: modes and lengths that pass through the engine in different ways. */
const kinds = [
  { text: "what is this?", canvas: 16, steps: 8, mode: modeTerms("exact", 1) },
  { text: "say something long about nothing", canvas: 32, steps: 8, mode: modeTerms("cached", 4) },
  { text: "hello", canvas: 8, steps: 8, mode: modeTerms("cached", 2) },
  { text: "how many?", canvas: 16, steps: 16, mode: modeTerms("fast", 4) },
] as const;

describe("answers in company", () => {
  let host: ModelHost;
  let model: DescribedModel;
  let alone: ModelEvent[][];

  beforeAll(async () => {
    const { resize } = await loadKernels();
    host = createModelHost({
      ...{ model: "unmask-demo", provider: "cpu", threads: 1, resize, log: () => undefined },
      open: (signal) =>
        openModel({ store: fileStore("infra/demo-model/bundle"), model: "unmask-demo", signal }),
    });
    model = await host.described(forever);
    alone = [];
    for (const kind of kinds.keys()) alone.push(await ask(kind, "alone", forever));
  });
  afterAll(() => host.dispose());

  function ask(kind: number, account: string, signal: AbortSignal): Promise<ModelEvent[]> {
    const { text, canvas, steps, mode } = kinds[kind] ?? kinds[0];
    const asked = {
      ...{ messages: [{ role: "user", text } as const], pictures: [] },
      options: options({ canvas, steps, blockLength: canvas, ...mode }),
    };
    const tools = model.toolsOf(() => ({ account, remaining: steps }), account);
    return Array.fromAsync(answer(asked, tools, signal));
  }

  test("are those that they are alone, bit for bit, whoever joins and leaves meanwhile", async () => {
    const coming = fc.record({
      kind: fc.nat(kinds.length - 1),
      account: fc.constantFrom("a", "b"),
      afterMs: fc.nat(20),
      leavesAfterMs: fc.option(fc.nat(30)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(coming, { minLength: 2, maxLength: 5 }), async (company) => {
        await Promise.all(
          company.map(async ({ kind, account, afterMs, leavesAfterMs }) => {
            await new Promise((resolve) => setTimeout(resolve, afterMs));
            const gone = leavesAfterMs === null ? forever : AbortSignal.timeout(leavesAfterMs);
            const events = await ask(kind, account, gone).catch(() => undefined);
            if (events === undefined) expect(gone.aborted).toBe(true);
            else expect(events).toEqual(alone[kind]);
          }),
        );
      }),
      { seed: 11, numRuns: 12 },
    );
  });
});
