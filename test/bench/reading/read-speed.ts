import type { NamedField } from "#domain/fields.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import { readFields } from "#model/read/read-fields.ts";
import { buildTemplate } from "#model/template/build.ts";
import { median } from "../median.ts";
import type { ScoreReader } from "./read-scores.ts";

/** What so many booleans take, the picture's vectors being there. */
export interface ReadSpeed {
  readonly style: ReadStyle["style"];
  readonly fields: number;
  readonly passes: number;
  /** Medians of the turns. */
  readonly wallMs: number;
  readonly processorMs: number;
}

const COUNTS = [1, 10, 40];
const TURNS = 7;

/** Reads 1, 10 and 40 booleans off one picture, several times. */
export async function measureSpeed(
  reader: ScoreReader,
  style: ReadStyle["style"],
  picture: string,
): Promise<readonly ReadSpeed[]> {
  const found: ReadSpeed[] = [];
  for (const count of COUNTS) found.push(await speedOf(reader, style, picture, count));
  return found;
}

async function speedOf(
  reader: ScoreReader,
  style: ReadStyle["style"],
  picture: string,
  count: number,
): Promise<ReadSpeed> {
  const fields = Array.from({ length: count }, (_, index): NamedField => {
    const name = `is_${"abcdefghij"[index % 10]}${"abcdefghij"[Math.floor(index / 10)]}`;
    return { name, field: { type: "boolean", instructions: "Is there a dog in the picture?" } };
  });
  const template = buildTemplate("", fields, reader.templateTools());
  if (!template.ok) throw new Error(template.refusal.problem);
  const tools = await reader.readTools(picture);
  const terms = { abstainBelow: 0, openPasses: 1, refresh: { kind: "always" } } as const;
  const turns: { wallMs: number; processorMs: number }[] = [];
  let passes = 0;
  for (let turn = 0; turn <= TURNS; turn++) {
    const [startedMs, before] = [performance.now(), process.cpuUsage()];
    const { signal } = new AbortController();
    for await (const event of readFields(fields, template.value, tools, terms, signal))
      if (event.kind === "read.ended") passes = event.forwardPasses;
    const { user, system } = process.cpuUsage(before);
    turns.push({ wallMs: performance.now() - startedMs, processorMs: (user + system) / 1000 });
  }
  const timed = turns.slice(1); // the first one warms up
  return {
    ...{ style, fields: count, passes },
    wallMs: median(timed.map(({ wallMs }) => wallMs)),
    processorMs: median(timed.map(({ processorMs }) => processorMs)),
  };
}
