import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { StorageForm } from "#weights/format-choice.ts";
import type { LayerReply, PassesReply, SideRequest } from "./engine-side.ts";
import { median } from "./median.ts";
import type { Took } from "./took.ts";

/** One decoder layer of the 8B's width over so many positions, in one format. Ratios are what counts: all sides share the machine. */
export interface LayerFigures {
  readonly form: StorageForm;
  readonly rows: number;
  /** One for each checkout, in the order in which they were given. */
  readonly sides: readonly {
    readonly layer: Took;
    /** Plain MatMulIntegers of the layer's shapes in the same process, by turns with the layer. */
    readonly product: Took;
    readonly peakRssBytes: number;
  }[];
}

/** Positions of one pass, and how often it is timed: short passes are the more shaken by what else runs. */
const TURNS: readonly (readonly [rows: number, turns: number])[] = [
  [32, 9],
  [256, 5],
  [1032, 2],
];

/** Integer operations of one row through the linears of a layer: two for each weight. */
export const OPERATIONS_PER_ROW: number = 2 * (4 * 4096 ** 2 + 3 * 4096 * 12_288);

/**
 * Measures one layer by the difference of two engines, 2 and 6 layers, for each form and number of positions. With several
 * checkouts (folders), each runs in a process of its own and all take turns, so that one run compares them.
 */
export async function* measureLayers(
  forms: readonly StorageForm[],
  checkouts: readonly string[],
  say: (words: string) => void,
): AsyncIterable<LayerFigures> {
  for (const form of forms) {
    say(`making random weights, ${form.format} …`);
    const sides = [];
    for (const checkout of checkouts) sides.push(await openSide(checkout, form));
    for (const side of sides) await side.measure<LayerReply>({ kind: "layer", rows: 32 }); // warm
    for (const [rows, turns] of TURNS) {
      say(`${form.format}, ${rows} positions, ${turns} turns …`);
      const replies: LayerReply[][] = sides.map(() => []);
      for (let turn = 0; turn < turns; turn++) {
        for (const [index, side] of sides.entries()) {
          replies[index]?.push(await side.measure({ kind: "layer", rows }));
        }
      }
      yield { form, rows, sides: replies.map(typical) };
    }
    for (const side of sides) side.close();
  }
}

function typical(replies: readonly LayerReply[]): LayerFigures["sides"][number] {
  const middle = (pick: (reply: LayerReply) => Took): Took => ({
    wallMs: median(replies.map((reply) => pick(reply).wallMs)),
    cpuMs: median(replies.map((reply) => pick(reply).cpuMs)),
  });
  return {
    layer: middle(({ layer }) => layer),
    product: middle(({ product }) => product),
    peakRssBytes: Math.max(...replies.map(({ peakRssBytes }) => peakRssBytes)),
  };
}

/** A whole answer in one mode, at the 8B's 32 layers and without its head; made of passes that were measured. */
export interface AnswerFigures {
  readonly mode: string;
  /** On average, of which the prompt is computed in `refreshes`. */
  readonly passes: number;
  readonly refreshes: number;
  readonly took: Took;
}

const PROMPT = 1000;
const CANVAS = 32;
const STEPS = 16;
const PASS_TURNS = 3;

/**
 * Measures the passes of an answer, prompt 1,000, canvas 32, 16 steps, at 2 and 6 layers, and adds up those of each mode. The passes of `fast` are
 * those that the demo model took on its questions (`test/fixtures/commit-traces`): random weights are sure of nothing.
 */
export async function measureAnswers(form: StorageForm): Promise<readonly AnswerFigures[]> {
  const side = await openSide(".", form);
  const replies: PassesReply[] = [];
  for (let turn = 0; turn < PASS_TURNS; turn++)
    replies.push(await side.measure({ kind: "passes", prompt: PROMPT, canvas: CANVAS }));
  side.close();
  const typically = (kind: keyof PassesReply): Took => ({
    wallMs: median(replies.map((reply) => reply[kind].wallMs)),
    cpuMs: median(replies.map((reply) => reply[kind].cpuMs)),
  });
  const [exact, refresh, window] = [typically("exact"), typically("refresh"), typically("window")];
  const kept = (mode: string, passes: number, refreshes: number): AnswerFigures => {
    const sum = (pick: (took: Took) => number): number =>
      refreshes * pick(refresh) + (passes - refreshes) * pick(window);
    const took = { wallMs: sum(({ wallMs }) => wallMs), cpuMs: sum(({ cpuMs }) => cpuMs) };
    return { mode, passes, refreshes, took };
  };
  const { passes, refreshes } = tracedPasses();
  return [
    {
      mode: "exact",
      passes: STEPS,
      refreshes: STEPS,
      took: { wallMs: STEPS * exact.wallMs, cpuMs: STEPS * exact.cpuMs },
    },
    kept("cached, every 4 steps", STEPS, Math.ceil(STEPS / 4)),
    kept("cached, every 16 steps", STEPS, Math.ceil(STEPS / 16)),
    kept("fast, as the demo model commits", passes, refreshes),
  ];
}

/** Passes of an answer in mode `fast`, on average over the demo set; see the fixture's README for how a trace is written. */
function tracedPasses(): { readonly passes: number; readonly refreshes: number } {
  const file = new URL("../fixtures/commit-traces/fast.json", import.meta.url);
  const { answers }: { answers: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(file, "utf8"),
  );
  const words = Object.values(answers).map((trace) => trace.split(" "));
  const all = words.flat();
  return {
    passes: all.length / words.length,
    refreshes: all.filter((word) => word.endsWith("!")).length / words.length,
  };
}

/** What a checkout starts its function with; 0.1.0 had only the first of the settings. */
async function memorySettings(root: string): Promise<Readonly<Record<string, string>>> {
  try {
    const settings: typeof import("../../infra/local/memory-settings.ts") = await import(
      new URL("infra/local/memory-settings.ts", root).href
    );
    return settings.MEMORY_SETTINGS;
  } catch {
    return { MALLOC_MMAP_THRESHOLD_: "1000000" };
  }
}

interface Side {
  measure<Reply extends LayerReply | PassesReply>(request: SideRequest): Promise<Reply>;
  close(): void;
}

async function openSide(checkout: string, form: StorageForm): Promise<Side> {
  const root = pathToFileURL(`${path.resolve(checkout)}/`).href;
  const script = fileURLToPath(new URL("engine-side.ts", import.meta.url));
  const child = fork(script, ["--root", root, "--form", JSON.stringify(form)], {
    env: { ...process.env, ...(await memorySettings(root)) },
  });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the side of ${checkout} has ended with code ${code}`);
  });
  ended.catch(() => undefined); // expected once it is closed
  const reply = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, "message"), ended]);
    return message;
  };
  await reply(); // ready
  return {
    async measure<Reply>(request: SideRequest) {
      child.send(request);
      return (await reply()) as Reply;
    },
    close: () => child.kill(),
  };
}
