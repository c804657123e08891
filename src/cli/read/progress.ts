import type { CommandIo } from "../command.ts";
import { bar } from "../terminal/bar.ts";

/** Tells at a terminal how many pictures are read; elsewhere the end alone is told. */
export function pictureProgress(
  total: number,
  io: Pick<CommandIo, "stderr" | "errorColumns">,
): { count(): void; end(): void } {
  const isDrawn = io.errorColumns !== undefined && total > 1;
  let done = 0;
  const draw = (): void => {
    // CR and EL: over the line that is there. Source: ECMA-48.
    if (isDrawn) io.stderr.write(`\r\u001b[K${bar(done / total, 24)} ${done}/${total}`);
  };
  draw();
  return {
    count() {
      done += 1;
      draw();
    },
    end() {
      if (isDrawn) io.stderr.write("\r\u001b[K");
    },
  };
}
