import type { Reporter } from "../convert/report.ts";
import type { PrepareProgress } from "./prepared-model.ts";

/** Tells a reporter what `prepareModel` does. */
export function tellPreparing(reporter: Reporter): (progress: PrepareProgress) => void {
  return (event) => {
    switch (event.kind) {
      case "says":
        return reporter.says(event.text);
      case "progress":
        return reporter.progress(event.progress, event.label);
      default:
        event satisfies never;
    }
  };
}
