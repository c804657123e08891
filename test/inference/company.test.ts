import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { modeTerms } from "#domain/modes.ts";
import { denoiseTogether } from "#engine/passes/lockstep.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { options } from "../support/edge-builders.ts";

vi.mock(import("#engine/passes/lockstep.ts"), { spy: true });

const forever = new AbortController().signal;

/** What may be asked: modes and lengths that pass through the engine in different ways. */
const kinds = [
  { text: "what is this?", canvas: 16, steps: 8, mode: modeTerms("exact", 1) },
  { text: "say something long about nothing", canvas: 32, steps: 8, mode: modeTerms("cached", 4) },
  { text: "hello", canvas: 8, steps: 8, mode: modeTerms("cached", 2) },
  { text: "how many?", canvas: 16, steps: 16, mode: modeTerms("fast", 4) },
  { text: "yes or no?", canvas: 4, steps: 4, mode: modeTerms("cached", 4) },
  {
    text: "which colour has the sky above the hills?",
    canvas: 8,
    steps: 8,
    mode: modeTerms("cached", 8),
  },
] as const;

interface Coming {
  readonly kind: number;
  readonly account: string;
  readonly afterMs: number;
  /** Null: it stays. */
  readonly leavesAfterMs: number | null;
}

describe("answers in company", () => {
  let host: ModelHost;
  let model: DescribedModel;
  let alone: ModelEvent[][];

  beforeAll(async () => {
    host = await hostOfBundle("infra/demo-model/bundle", "unmask-demo", { threads: 1 });
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

  /** Random joins and leaves: whoever stays has the answer that it has alone. */
  async function holdsFor(
    coming: fc.Arbitrary<Coming>,
    sizes: { readonly minLength: number; readonly maxLength: number },
  ): Promise<void> {
    await fc.assert(
      fc.asyncProperty(fc.array(coming, sizes), async (company) => {
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
  }

  test("of small canvases, which take their steps together, are those that they are alone, bit for bit", async () => {
    const small = [2, 4, 5];
    const coming = fc.record({
      kind: fc.constantFrom(...small),
      account: fc.constantFrom("a", "b"),
      afterMs: fc.nat(5),
      leavesAfterMs: fc.option(fc.nat(30), { freq: 4 }),
    });
    await holdsFor(coming, { minLength: 4, maxLength: 8 });
    const sizes = vi.mocked(denoiseTogether).mock.calls.map(([, members]) => members.length);
    expect(Math.max(...sizes)).toBeGreaterThan(1);
  });

  test("are those that they are alone, bit for bit, whoever joins and leaves meanwhile", async () => {
    const coming = fc.record({
      kind: fc.nat(kinds.length - 1),
      account: fc.constantFrom("a", "b"),
      afterMs: fc.nat(20),
      leavesAfterMs: fc.option(fc.nat(30)),
    });
    await holdsFor(coming, { minLength: 2, maxLength: 5 });
  });
});
