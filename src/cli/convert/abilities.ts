import { type Abilities, canvasRangeFault, UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { UsageError } from "../command.ts";

/** What a model may not have been trained with, as the command line names it. */
const UNTRAINED: Readonly<Record<string, Partial<Abilities>>> = {
  "system-messages": { systemMessages: false },
  "several-pictures": { severalPictures: false },
  "several-turns": { severalTurns: false },
};

/** Options that say what a model was trained for, for `parseArguments`. */
export const ABILITY_OPTIONS = {
  canvas: { type: "string" },
  untrained: { type: "string", multiple: true, default: [] as string[] },
} as const;

/** Help on these options, as wide as `option` is to be. */
export function abilityHelp(width: number): string {
  const { standard, recommended, limit } = UNTOLD_ABILITIES.canvas;
  const lines = [
    [
      "--canvas",
      `DEFAULT,RECOMMENDED,LIMIT: canvases the model was trained for (${standard},${recommended},${limit} if nobody says)`,
    ],
    [
      "--untrained",
      `${Object.keys(UNTRAINED).join(" | ")}, repeatable: what it never saw in training`,
    ],
  ];
  return lines.map(([option = "", what]) => `  ${option.padEnd(width)} ${what}`).join("\n");
}

/** Reads what a model was trained for; undefined where the command line says nothing of it. Throws UsageError. */
export function readAbilities({
  canvas,
  untrained,
}: {
  readonly canvas?: string | undefined;
  readonly untrained: readonly string[];
}): Abilities | undefined {
  if (canvas === undefined && untrained.length === 0) return undefined;
  const lacks = untrained.map((name) => {
    const lack = Object.hasOwn(UNTRAINED, name) ? UNTRAINED[name] : undefined;
    if (lack !== undefined) return lack;
    throw new UsageError(`--untrained ${name}: it is one of ${Object.keys(UNTRAINED).join(", ")}`);
  });
  return Object.assign(
    { ...UNTOLD_ABILITIES, ...(canvas === undefined ? {} : { canvas: readCanvas(canvas) }) },
    ...lacks,
  );
}

function readCanvas(text: string): Abilities["canvas"] {
  const [standard, recommended, limit, ...rest] = text.split(",").map((part) => {
    return /^[1-9][0-9]{0,4}$/.test(part) ? Number(part) : Number.NaN;
  });
  const range = {
    standard: standard ?? Number.NaN,
    recommended: recommended ?? Number.NaN,
    limit: limit ?? Number.NaN,
  };
  if (rest.length > 0 || Object.values(range).some(Number.isNaN))
    throw new UsageError(`--canvas ${text}: write three whole numbers, for example 32,128,512`);
  const fault = canvasRangeFault(range);
  if (fault !== undefined) throw new UsageError(`--canvas ${text}: ${fault}`);
  return range;
}
