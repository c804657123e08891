import { execFileSync } from "node:child_process";

/** A Python that is new enough for the client, 3.10 or later; undefined where there is none. */
export const python: string | undefined = [process.env["UNMASK_PYTHON"], "python3"].find(
  (command) => command !== undefined && isNewEnough(command),
);

function isNewEnough(command: string): boolean {
  try {
    execFileSync(command, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]);
    return true;
  } catch {
    return false;
  }
}
