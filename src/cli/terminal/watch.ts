import type { AnswerUpdate } from "#client/answer-stream.ts";
import type { CommandIo } from "../command.ts";
import { type CanvasView, drawCanvas, EMPTY_VIEW, tellCanvas, viewAfter } from "./canvas-view.ts";

/** Width where the terminal does not say its own, or says 0, as those of script(1) and some CI do. */
const DEFAULT_COLUMNS = 80;

/**
 * Shows an answer while it is unmasked, on `stderr`: redrawn in place for a person at a terminal, a line per step
 * otherwise. Colours are left out where NO_COLOR is set.
 */
export async function watchCanvas(
  updates: AsyncIterable<AnswerUpdate>,
  io: CommandIo,
): Promise<void> {
  const options = {
    // One cell is left free: some terminals wrap at the last one.
    columns: (io.columns || DEFAULT_COLUMNS) - 1,
    hasColour: !io.env["NO_COLOR"],
  };
  let view: CanvasView = EMPTY_VIEW;
  let drawn = 0;
  for await (const update of updates) {
    const next = viewAfter(view, update);
    if (next === view) continue;
    view = next;
    if (io.isTTY) {
      const lines = drawCanvas(view, options);
      io.stderr.write(`${erase(drawn)}${lines.join("\n")}\n`);
      drawn = lines.length;
    } else io.stderr.write(`${tellCanvas(view)}\n`);
  }
}

/** Moves up over what was drawn and clears it. Source: ECMA-48, CUU and ED. */
function erase(lines: number): string {
  return lines === 0 ? "" : `\x1b[${lines}A\x1b[J`;
}
