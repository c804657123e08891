import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { BundleFormat } from "#domain/bundle.ts";
import type { SideReply, SideRequest, Took } from "./engine-side.ts";
import { median } from "./median.ts";

/** One decoder layer of the 8B's width over so many positions, in one format. Ratios are what counts: all sides share the machine. */
export interface LayerFigures {
  readonly format: BundleFormat;
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
 * Measures one layer by the difference of two engines, 2 and 6 layers, for each format and number of positions. With several
 * checkouts (folders), each runs in a process of its own and all take turns, so that one run compares them.
 */
export async function measureLayers(
  formats: readonly BundleFormat[],
  checkouts: readonly string[],
  say: (words: string) => void,
): Promise<readonly LayerFigures[]> {
  const figures: LayerFigures[] = [];
  for (const format of formats) {
    say(`making random weights, ${format} …`);
    const sides = [];
    for (const checkout of checkouts) sides.push(await openSide(checkout, format));
    for (const side of sides) await side.measure({ rows: 32 }); // warm
    for (const [rows, turns] of TURNS) {
      say(`${format}, ${rows} positions, ${turns} turns …`);
      const replies: SideReply[][] = sides.map(() => []);
      for (let turn = 0; turn < turns; turn++) {
        for (const [index, side] of sides.entries()) {
          replies[index]?.push(await side.measure({ rows }));
        }
      }
      figures.push({ format, rows, sides: replies.map(typical) });
    }
    for (const side of sides) side.close();
  }
  return figures;
}

function typical(replies: readonly SideReply[]): LayerFigures["sides"][number] {
  const middle = (pick: (reply: SideReply) => Took): Took => ({
    wallMs: median(replies.map((reply) => pick(reply).wallMs)),
    cpuMs: median(replies.map((reply) => pick(reply).cpuMs)),
  });
  return {
    layer: middle(({ layer }) => layer),
    product: middle(({ product }) => product),
    peakRssBytes: Math.max(...replies.map(({ peakRssBytes }) => peakRssBytes)),
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
  measure(request: SideRequest): Promise<SideReply>;
  close(): void;
}

async function openSide(checkout: string, format: BundleFormat): Promise<Side> {
  const root = pathToFileURL(`${path.resolve(checkout)}/`).href;
  const script = fileURLToPath(new URL("engine-side.ts", import.meta.url));
  const child = fork(script, ["--root", root, "--format", format], {
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
    async measure(request) {
      child.send(request);
      return (await reply()) as SideReply;
    },
    close: () => child.kill(),
  };
}
