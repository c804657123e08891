import type { StorageForm } from "#weights/format-choice.ts";
import { OPERATIONS_PER_ROW } from "./engine.bench.ts";
import { nameOf, ratios, times } from "./engine-report.ts";
import { measureWasmLayers } from "./layer.bench.ts";
import type { Took } from "./took.ts";

const FORMS: readonly StorageForm[] = [
  { format: "q4", block: 32 },
  { format: "q4", block: 128 },
  { format: "w8a8" },
];

type Line = readonly [string, string];

/** Measures our own decoder layer against onnxruntime-web's and says it in lines as they come. */
export async function* layerReport(): AsyncIterable<readonly Line[]> {
  let int4: Took | undefined;
  for await (const { form, rows, context, own, ort } of measureWasmLayers(FORMS)) {
    const rate = ({ wallMs }: Took): string =>
      `${((OPERATIONS_PER_ROW * rows) / wallMs / 1e6).toFixed(0)} GOP/s`;
    if (form.block === 32 && rows === 32 && context === 0) int4 = ort;
    yield [
      [`${nameOf(form)}, ${rows} positions behind ${context}`, ""],
      ["  our own layer", `${times(own)}; ${rate(own)}`],
      ["  onnxruntime-web's", `${times(ort)}; ${rate(ort)}`],
      ["    over our own", ratios(ort, own)],
      ...(int4 !== undefined && form.format === "w8a8" && rows === 32 && context === 0
        ? [["  its int4 over our own", ratios(int4, own)] as const]
        : []),
    ];
  }
}
